"""The processes of a load: started, watched, and their reports summarized."""

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

MAX_RECEIVERS: Final = 4  # processes; beyond that, a server is better loaded from another machine
STEP: Final = 0.5  # seconds between two reports of progress


@attrs.frozen
class Progress:
    """The progress of a load."""

    seconds: float
    sent: int
    acknowledged: int
    refused: int
    deliveries: int


Show = Callable[[Progress], None]


def run(plan: Plan, show: Show, step: float = STEP) -> Summary:
    """Load the server. Ctrl-C ends it early with a result; a second one, or one before the start, without.

    Raises StartError with the reason if not all connections are admitted.
    """
    parts = _parts(plan.receivers)
    _allow_files(plan.receivers // len(parts) + plan.senders)
    context = multiprocessing.get_context("spawn")  # a fork would take the terminal's and trio's state along
    counters: Any = context.RawArray("d", 2 * len(parts) + 3)
    started = time.monotonic()
    with _processes(context) as start:
        receivers = [start(receive, plan, counters, index, count) for index, count in enumerate(parts)]
        for pipe in receivers:
            _receive(pipe)
        senders = start(send, plan, counters, len(parts))
        _receive(senders)
        began = time.monotonic()
        senders.send("go")
        try:
            while not senders.poll(step):
                show(_progress(counters, len(parts), began))
        except KeyboardInterrupt:
            senders.send("stop")
        sending = _receive(senders)
        show(_progress(counters, len(parts), began))
        for pipe in receivers:
            pipe.send(sending.logs)
        return summarize(plan, began - started, began, sending, [_receive(pipe) for pipe in receivers])


def _parts(receivers: int) -> list[int]:
    """Return the receivers of each process: one core is left for the senders, and one for the server."""
    count = max(1, min(MAX_RECEIVERS, (os.cpu_count() or 1) - 2, receivers))
    return [receivers // count + (index < receivers % count) for index in range(count)]


def _allow_files(count: int) -> None:
    """Raise the limit of open files, which the processes inherit, to the number that each needs."""
    needed = count + 64  # what Python itself has open
    files = raise_file_limit(needed)
    if files < needed:
        raise StartError(f"the system allows {files:,} open files, which is too few; `ulimit -n` raises it")


@contextmanager
def _processes(context: SpawnContext) -> Iterator[Callable[..., Pipe]]:
    """Yield a function that starts a process and returns a pipe to it; kill all processes at the end."""
    resource_tracker.ensure_running()  # otherwise `start` does that, and unblocks the signals
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
    """Let processes that are started here ignore Ctrl-C, which a terminal sends to the whole group."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _receive(pipe: Pipe) -> Any:
    """Return the next object from a process. Raises StartError if it could not start, or has ended."""
    try:
        received = pipe.recv()
    except EOFError:
        raise StartError("a process of the load has ended unexpectedly") from None
    if isinstance(received, StartError):
        raise received
    return received


def _progress(counters: Any, parts: int, began: float) -> Progress:
    sent, acknowledged, refused = (int(value) for value in counters[2 * parts :])
    deliveries = int(sum(counters[1 : 2 * parts : 2]))
    return Progress(time.monotonic() - began, sent, acknowledged, refused, deliveries)
