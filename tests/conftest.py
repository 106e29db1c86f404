"""The fixtures and the rules of all tests. Nothing of the server is imported until a test wants one."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Generator
from typing import TYPE_CHECKING

import hypothesis
import pytest

from tests import pure, tools

if TYPE_CHECKING:
    from tests.running import RunningServer

hypothesis.settings.register_profile("short", max_examples=60, deadline=None, derandomize=True)
hypothesis.settings.register_profile("quick", max_examples=3, deadline=None, derandomize=True)
hypothesis.settings.register_profile("hunt", max_examples=200_000, deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "short"))

IN_CI = os.environ.get("CI") == "true"


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "needs(*tools): skip the test where one of these programs is missing")


def pytest_runtest_setup(item: pytest.Item) -> None:
    if "running" in getattr(item, "fixturenames", ()) and pure.is_pure(item.path):
        pytest.fail("this test wants a server, but tests/pure.txt says that it has no I/O", pytrace=False)
    needed = [tool for mark in item.iter_markers("needs") for tool in mark.args]
    if lacking := tools.missing(*needed):
        pytest.skip(tools.advice(lacking))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail what is skipped in CI, which has every tool; otherwise a missing one would go unnoticed."""
    report = yield
    if IN_CI and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"CI skips nothing, but this was skipped: {call.excinfo and call.excinfo.value}"
    return report


@pytest.fixture
async def running() -> AsyncIterator[RunningServer]:
    """A server in memory with default settings. With `mock_clock`, time stands still until it jumps."""
    from tests.running import run_server

    async with run_server() as opened:
        yield opened
