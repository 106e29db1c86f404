"""Notifications to the service manager: sd_notify(3), datagrams to the socket that it names."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress

import trio

MICROSECONDS = 1_000_000  # in a second; systemd counts in microseconds


class Notifier:
    """Notifies the manager that `environ` names, if any. Does not wait for it, and ignores its errors."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        address = environ.get("NOTIFY_SOCKET", "")
        # @ stands for the null byte with which names in the abstract namespace begin.
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self.watchdog = _watchdog(environ) if address else None
        """Seconds without a notification after which the manager considers the server hung; None if never."""

    def ready(self, status: str) -> None:
        """Notify that clients can connect, or that a reload is done."""
        self._notify("READY=1", f"STATUS={status}")

    def reloading(self) -> None:
        """Notify that settings are being reloaded, until `ready`."""
        self._notify("RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def stopping(self) -> None:
        """Notify that the server accepts no more connections and will exit."""
        self._notify("STOPPING=1", "STATUS=stopping")

    async def keep_alive(self) -> None:
        """Notify that the loop runs, twice as often as the manager requires."""
        if self.watchdog is None:
            return
        while True:
            self._notify("WATCHDOG=1")
            await trio.sleep(self.watchdog / 2)

    def _notify(self, *fields: str) -> None:
        if not self._address:
            return
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as calling:
            calling.settimeout(0)
            calling.connect(self._address)
            calling.send("\n".join(fields).encode())


def _watchdog(environ: Mapping[str, str]) -> float | None:
    try:
        span = int(environ["WATCHDOG_USEC"])
        process = int(environ.get("WATCHDOG_PID", os.getpid()))
    except (KeyError, ValueError):
        return None
    return span / MICROSECONDS if span > 0 and process == os.getpid() else None
