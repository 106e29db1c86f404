"""A pytest plugin for the tests that `pure.txt` lists: none of them may open a socket or start a process.

Without the plugin, `conftest` and `test_pure` see to it that they do not even ask for a server.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
PATHS = frozenset(Path(__file__).with_suffix(".txt").read_text().split())
"""Files and folders of tests of what has no I/O, from the root of the project."""
FORBIDDEN = {"socket.bind", "socket.connect", "subprocess.Popen", "os.fork", "os.forkpty", "sqlite3.connect"}

_testing = False


def is_pure(path: Path) -> bool:
    """Return whether this file, or a folder that it is in, is listed."""
    relative = path.relative_to(ROOT)
    return not PATHS.isdisjoint(map(str, (relative, *relative.parents)))


def _forbid(event: str, _: tuple[Any, ...]) -> None:
    if _testing and event in FORBIDDEN:
        raise RuntimeError(f"{event}: this is not pure; see tests/pure.txt")


def pytest_configure() -> None:
    sys.addaudithook(_forbid)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Iterator[None]:
    """Forbid it to the test and to its fixtures."""
    global _testing  # noqa: PLW0603  # an audit hook cannot be taken away
    _testing = True
    try:
        return (yield)
    finally:
        _testing = False
