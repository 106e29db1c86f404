"""A pytest plugin for tests of what has no I/O: none of them may open a socket or start a process."""

from __future__ import annotations

import sys
from typing import Any

import pytest

FORBIDDEN = {"socket.bind", "socket.connect", "subprocess.Popen", "os.fork", "os.forkpty", "sqlite3.connect"}

_testing = False


def _forbid(event: str, _: tuple[Any, ...]) -> None:
    if _testing and event in FORBIDDEN:
        raise RuntimeError(f"{event}: this is not pure; see PURE in the Makefile")


@pytest.fixture(autouse=True)
def _is_pure() -> Any:
    global _testing  # noqa: PLW0603  # an audit hook cannot be taken away
    _testing = True
    yield
    _testing = False


sys.addaudithook(_forbid)
