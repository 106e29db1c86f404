from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tcpchat.store.sqlite import SqliteStore
from tests.store.rows import StoreWithUsers


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def store(folder: Path) -> Iterator[SqliteStore]:
    store = StoreWithUsers(folder)
    yield store
    store.close()
