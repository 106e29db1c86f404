"""A server inside another program: the client, if no other server runs."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO

import trio

from tcpchat.files import reason
from tcpchat.log import LogWriter, configure
from tcpchat.service.app import open_app
from tcpchat.service.node import Node
from tcpchat.settings import Settings
from tcpchat.times import SystemClock

Ready = Callable[[Callable[[], None]], None]


@asynccontextmanager
async def embedded_server(settings: Settings, log_file: Path | None) -> AsyncIterator[str]:
    """Run a server while the block lasts; at its end everybody was notified, and all accepted data is stored.

    It runs in a thread with a loop of its own, so that a blocked terminal delays nobody. Its log goes to
    `log_file`, since the client uses the terminal. Yields a sentence that says where messages are stored,
    and why there is no log if that could not be opened. Raises StartError.
    """
    sentence = f"messages are stored in {settings.storage.folder or 'memory only'}"
    log, problem = _open_log(log_file)
    if problem is not None:
        sentence += f"; nothing is logged: {problem}"
    failure: Exception | None = None
    with log:
        async with trio.open_nursery() as nursery:
            try:
                with trio.CancelScope(shield=True):  # a cancelled start would leave no way to stop the server
                    stop = await nursery.start(_run_in_thread, settings, log.fileno())
                try:
                    yield sentence
                finally:
                    stop()
            except Exception as error:  # so that it is raised as it is, not in a group
                failure = error
    if failure is not None:
        raise failure


async def _run_in_thread(
    settings: Settings,
    log_fd: int,
    task_status: trio.TaskStatus[Callable[[], None]] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Run the server to its end, even if cancelled; started with a function that stops the server."""
    token = trio.lowlevel.current_trio_token()

    def ready(stop: Callable[[], None]) -> None:
        token.run_sync_soon(task_status.started, stop)

    run = partial(trio.run, _serve, settings, log_fd, ready)
    await trio.to_thread.run_sync(run, limiter=trio.CapacityLimiter(1))


async def _serve(settings: Settings, log_fd: int, ready: Ready) -> None:
    """Serve until stopped by the function that `ready` receives, which may be called in any thread."""
    token = trio.lowlevel.current_trio_token()
    with contextlib.closing(LogWriter(log_fd)) as writer:
        log = configure(writer, format="text", level=settings.running.log_level)
        async with open_app(settings, log, SystemClock()) as app, trio.open_nursery() as nursery:
            await nursery.start(app.run)
            ready(partial(_stop, token, app.node))


def _stop(token: trio.lowlevel.TrioToken, node: Node) -> None:
    with contextlib.suppress(trio.RunFinishedError):
        token.run_sync_soon(node.stop)


def _open_log(path: Path | None) -> tuple[BinaryIO, str | None]:
    """Open the file of the log; without a `path`, or if that fails, one that discards it, and say why."""
    problem = None
    if path is not None:
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            return path.open("ab", buffering=0), None
        except OSError as error:
            problem = reason(error)
    return Path(os.devnull).open("ab", buffering=0), problem
