"""The home of the test run: a pytest plugin that keeps tests out of the user's own folders, and checks it.

It is loaded before any other module of the tests (`-p tests.homes`), before anything looks for a home. The
run gets an empty folder as its home, and each worker of xdist another. What a test leaves there it would have
left in the home of the user, so it fails. `environment` of `tests.process` gives programs another home.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from platformdirs import user_config_path, user_data_path, user_state_path

USERS_OWN = [of("tcpchat", appauthor=False) for of in (user_config_path, user_data_path, user_state_path)]
IS_WORKER = "PYTEST_XDIST_WORKER" in os.environ  # then the home is already that of the run


def homes(folder: Path) -> dict[str, str]:
    """Return the environment of somebody whose files are all in this folder."""
    names = ("CACHE", "CONFIG", "DATA", "STATE")
    return {"HOME": str(folder)} | {f"XDG_{name}_HOME": str(folder / name.lower()) for name in names}


def new_home() -> Path:
    """Return an empty folder, which is removed when this process ends."""
    folder = TemporaryDirectory(prefix="tcpchat-home-")
    atexit.register(folder.cleanup)
    return Path(folder.name)


def look(folders: list[Path]) -> dict[Path, int]:
    """Return the files and folders in these, and when each was changed, in ns."""
    found = [path for folder in folders for path in (folder, *folder.rglob("*")) if path.exists()]
    return {path: path.stat().st_mtime_ns for path in found}


HOME = new_home()
BEFORE = look(USERS_OWN)
os.environ.update(homes(HOME))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Iterator[None]:
    """Fail the test that left something in the home, itself or by its fixtures."""
    yield
    if not os.listdir(HOME):  # noqa: PTH208  # after every test
        return
    left = sorted(path.relative_to(HOME) for path in HOME.rglob("*"))
    for path in HOME.iterdir():
        path.rename(new_home() / path.name)  # so that only this test fails
    pytest.fail(f"the test wrote into the user's home: {[str(path) for path in left]}")


@pytest.hookimpl(wrapper=True)
def pytest_sessionfinish(session: pytest.Session) -> Iterator[None]:
    """Fail the run if the folders of whoever runs the tests have changed."""
    yield
    changed = dict(look(USERS_OWN).items() ^ BEFORE.items())
    if changed and not IS_WORKER:
        paths = "\n".join(map(str, sorted(changed)))
        print(f"\nthe user's own folders were changed while the tests ran:\n{paths}")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
