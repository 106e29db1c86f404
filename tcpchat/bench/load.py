"""Starts the processes of a load, shows how far it is, and puts together what they report."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection as Pipe
from multiprocessing.context import SpawnContext
from multiprocessing.process import BaseProcess
from typing import Any, Final

import attrs

from tcpchat.bench.plan import Plan
from tcpchat.bench.receiving import receive
from tcpchat.bench.sending import send
from tcpchat.bench.summary import Summary, summarize
from tcpchat.errors import StartError
from tcpchat.serving.sockets import raise_file_limit

MOST: Final = 4  # processes of receivers; with more, one machine is better loaded from another
STEP: Final = 0.5  # seconds between two looks at how far it is


@attrs.frozen
class Progress:
    """How far a load is."""

    seconds: float
    sent: int
    acknowledged: int
    refused: int
    deliveries: int


Show = Callable[[Progress], None]


def run(plan: Plan, show: Show, step: float = STEP) -> Summary:
    """Load the server; Ctrl-C ends it early, and a second one, or one before it talks, at once.

    Raises StartError with the reason if not everybody gets in.
    """
    parts = _parts(plan.receivers)
    _allow_files(plan.receivers // len(parts) + plan.senders)
    context = multiprocessing.get_context("spawn")  # a fork would take the terminal's and trio's state along
    board: Any = context.RawArray("d", 2 * len(parts) + 3)
    started = time.monotonic()
    with _processes(context) as start:
        receivers = [start(receive, plan, board, place, count) for place, count in enumerate(parts)]
        for pipe in receivers:
            _ask(pipe)
        senders = start(send, plan, board, len(parts))
        _ask(senders)
        began = time.monotonic()
        senders.send("go")
        try:
            while not senders.poll(step):
                show(_progress(board, len(parts), began))
        except KeyboardInterrupt:
            senders.send("stop")
        sending = _ask(senders)
        show(_progress(board, len(parts), began))
        for pipe in receivers:
            pipe.send(sending.said)
        return summarize(plan, began - started, began, sending, [_ask(pipe) for pipe in receivers])


def _parts(receivers: int) -> list[int]:
    """Return how many receivers each process has: a core is left for the senders, and one for the server."""
    count = max(1, min(MOST, (os.cpu_count() or 1) - 2, receivers))
    return [receivers // count + (place < receivers % count) for place in range(count)]


def _allow_files(count: int) -> None:
    """Raise the limit of open files to what each process needs, for they take it over."""
    needed = count + 64  # what Python itself has open
    files = raise_file_limit(needed)
    if files < needed:
        raise StartError(f"the system allows {files:,} open files, which is too few; `ulimit -n` raises it")


@contextmanager
def _processes(context: SpawnContext) -> Iterator[Callable[..., Pipe]]:
    """Yield what starts a process and returns a pipe to it. By the end of the block none is left."""
    resource_tracker.ensure_running()  # else `start` does that, and gives up what is blocked here
    started: list[BaseProcess] = []

    def start(target: Callable[..., None], plan: Plan, *rest: Any) -> Pipe:
        mine, theirs = context.Pipe()
        process = context.Process(target=target, args=(plan, theirs, *rest), daemon=True)
        with _uninterrupted():
            process.start()
            started.append(process)
        theirs.close()
        return mine

    try:
        yield start
    finally:
        for process in started:
            process.kill()
            process.join()


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Let what is started here never hear of Ctrl-C, which a terminal sends to all."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _ask(pipe: Pipe) -> Any:
    """Return what the process says; raise what it could not do."""
    try:
        said = pipe.recv()
    except EOFError:
        raise StartError("a process of the load has ended unexpectedly") from None
    if isinstance(said, StartError):
        raise said
    return said


def _progress(board: Any, parts: int, began: float) -> Progress:
    sent, acknowledged, refused = (int(value) for value in board[2 * parts :])
    deliveries = int(sum(board[1 : 2 * parts : 2]))
    return Progress(time.monotonic() - began, sent, acknowledged, refused, deliveries)
