from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tcpchat.store.sqlite import SqliteStore


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def store(folder: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(folder, "off")
    yield store
    store.close()
