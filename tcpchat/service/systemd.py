"""Tells the service manager how the server is: sd_notify(3), a datagram to the socket that it names."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress

import trio

MICROSECONDS = 1_000_000  # in a second, the unit of everything that systemd counts


class Notifier:
    """Speaks to the manager that `environ` names; without one it says nothing.

    A manager that does not take it changes nothing for the server, and is not waited for.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        address = environ.get("NOTIFY_SOCKET", "")
        # A name that begins with @ stands for one in the abstract namespace, which begins with a null.
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self.watchdog = _watchdog(environ) if address else None
        """After how many seconds of silence the manager takes the server for hung; None if never."""

    def ready(self, status: str) -> None:
        """Say that clients can connect; after `reloading`, that it is done."""
        self._tell("READY=1", f"STATUS={status}")

    def reloading(self) -> None:
        """Say that settings are read again, which `ready` ends."""
        self._tell("RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def stopping(self) -> None:
        """Say that no more clients can connect, and the process is about to end."""
        self._tell("STOPPING=1", "STATUS=stopping")

    async def keep_alive(self) -> None:
        """Say again and again that the loop goes round, in half the time after which it would seem hung."""
        if self.watchdog is None:
            return
        while True:
            self._tell("WATCHDOG=1")
            await trio.sleep(self.watchdog / 2)

    def _tell(self, *fields: str) -> None:
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
