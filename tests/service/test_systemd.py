"""Notifications to the service manager, on a real datagram socket."""

from __future__ import annotations

import os
import select
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio
import trio.testing

from tcpchat.service.systemd import Notifier


class Manager:
    """Listens as systemd does."""

    def __init__(self, address: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address)
        self.socket.settimeout(10)

    def heard(self) -> list[str]:
        """Return the lines of the next datagram."""
        return self.socket.recv(4096).decode().split("\n")

    def is_quiet(self) -> bool:
        return not select.select([self.socket], [], [], 0)[0]


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    opened = Manager(str(tmp_path / "notify"))
    yield opened
    opened.socket.close()


def environ(tmp_path: Path, **more: str) -> dict[str, str]:
    return {"NOTIFY_SOCKET": str(tmp_path / "notify"), **more}


def test_each_notification(manager: Manager, tmp_path: Path) -> None:
    notifier = Notifier(environ(tmp_path))
    notifier.ready("listening on 127.0.0.1:8000")
    assert manager.heard() == ["READY=1", "STATUS=listening on 127.0.0.1:8000"]
    notifier.reloading()
    word, at = manager.heard()
    assert word == "RELOADING=1"
    assert int(at.removeprefix("MONOTONIC_USEC=")) > 0
    notifier.stopping()
    assert manager.heard() == ["STOPPING=1", "STATUS=stopping"]


@pytest.mark.skipif(not hasattr(socket, "SO_PASSCRED"), reason="only Linux has abstract addresses")
def test_an_address_with_a_leading_at_is_in_the_abstract_namespace() -> None:
    name = f"tcpchat-test-{os.getpid()}"
    manager = Manager(f"\0{name}")
    Notifier({"NOTIFY_SOCKET": f"@{name}"}).ready("here")
    assert manager.heard()[0] == "READY=1"
    manager.socket.close()


@pytest.mark.parametrize("environ", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "/nowhere/at/all"}])
def test_a_missing_manager_is_no_error(environ: dict[str, str]) -> None:
    notifier = Notifier(environ)
    notifier.ready("here")
    notifier.stopping()


def test_a_manager_that_hangs_is_not_waited_for(manager: Manager, tmp_path: Path) -> None:
    notifier = Notifier(environ(tmp_path))
    for _ in range(5000):
        notifier.ready("here")


async def test_the_watchdog_is_notified_in_half_its_time(
    manager: Manager, tmp_path: Path, mock_clock: trio.testing.MockClock
) -> None:
    notifier = Notifier(environ(tmp_path, WATCHDOG_USEC="20000000", WATCHDOG_PID=str(os.getpid())))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(notifier.keep_alive)
        for _ in range(3):
            await trio.testing.wait_all_tasks_blocked()
            assert manager.heard() == ["WATCHDOG=1"]
            mock_clock.jump(9.9)
            await trio.testing.wait_all_tasks_blocked()
            assert manager.is_quiet()
            mock_clock.jump(0.2)
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"WATCHDOG_USEC": "0"},
        {"WATCHDOG_USEC": "soon"},
        {"WATCHDOG_USEC": "20000000", "WATCHDOG_PID": str(os.getppid())},
    ],
)
async def test_without_a_watchdog_it_is_not_notified(
    manager: Manager, tmp_path: Path, more: dict[str, str]
) -> None:
    notifier = Notifier(environ(tmp_path, **more))
    assert notifier.watchdog is None
    await notifier.keep_alive()
    assert manager.is_quiet()
