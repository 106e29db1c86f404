"""The operator's log: structlog on stderr, written by its own thread. It never contains the text of messages.

The reader of stderr may stop reading, or its disk may be full, which must not stop the chat. Lines therefore
wait in memory, and above a bound they are dropped and counted. `logging.handlers.QueueListener` does neither.
"""

from __future__ import annotations

import logging
import os
import select
import threading
from collections import deque
from collections.abc import Callable, MutableMapping
from typing import Any, Literal, cast

import orjson
import structlog

WAITING = 10_000  # lines, about 2 MB
COLLECT = 0.05  # seconds between two writes
RETRY = 1.0  # seconds until a write that failed is tried again
CLOSE = 1.0  # seconds that a stopping server waits for the reader of its log

Event = MutableMapping[str, Any]
Log = structlog.typing.FilteringBoundLogger


class LogWriter:
    """Writes lines to a file descriptor from its own thread; `msg` never blocks.

    The thread collects lines for a moment before it writes, since waking it for each line would cost a busy
    event loop more than formatting the line.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._lines: deque[bytes] = deque()
        self._dropped = 0
        self._some = threading.Event()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="log", daemon=True)
        self._thread.start()

    def msg(self, line: bytes) -> None:
        """Queue a line, or count it as dropped if too many are waiting."""
        if len(self._lines) >= WAITING:
            self._dropped += 1
            return
        self._lines.append(line)
        if not self._some.is_set():
            self._some.set()

    debug = info = warning = error = exception = critical = msg

    def _run(self) -> None:
        """Write until closed. What could not be written is tried again: a full disk has room some day."""
        data = b""
        while True:
            if not data:
                self._some.wait()
                self._closing.wait(COLLECT)
                self._some.clear()
                data = self._take()
            closing = self._closing.is_set()
            data = _write(self._fd, data)
            if closing and (data or not self._lines):
                return
            if data:
                self._closing.wait(RETRY)

    def _take(self) -> bytes:
        lines = [self._lines.popleft() for _ in range(len(self._lines))]
        if self._dropped:
            dropped, self._dropped = self._dropped, 0
            lines.append(b"%d log lines were dropped, since they could not be written in time" % dropped)
        return b"".join(line + b"\n" for line in lines)

    def close(self) -> None:
        """Write the waiting lines, if they are read within `CLOSE` seconds."""
        self._closing.set()
        self._some.set()
        self._thread.join(CLOSE)


def _write(fd: int, data: bytes) -> bytes:
    """Write as much as possible and return the rest."""
    while data:
        try:
            data = data[os.write(fd, data) :]
        except BlockingIOError:  # another process that shares stderr may have made it non-blocking
            select.select([], [fd], [])
        except OSError:
            break
    return data


def _as_json(_: object, __: str, event: Event) -> bytes:
    try:
        return orjson.dumps(event, default=str)
    except TypeError:  # a lone surrogate, as in a file name that is not UTF-8
        clean = {key: str(value).encode(errors="backslashreplace").decode() for key, value in event.items()}
        return orjson.dumps(clean)


def _as_text(_: object, __: str, event: Event) -> bytes:
    """`2026-11-21T09:00:00.123456Z info     joined user=alice`: one line, whatever a peer sent."""
    head = f"{event.pop('timestamp')} {event.pop('level'):8} {_printable(event.pop('event'))}"
    trace = event.pop("exception", "").splitlines()
    words = [f"{key}={_quoted(value)}" for key, value in event.items()]
    return "\n".join([" ".join([head, *words]), *map(_printable, trace)]).encode()


def _printable(text: str) -> str:
    return text if text.isascii() and text.isprintable() else repr(text)[1:-1]


def _quoted(value: object) -> str:
    text = str(value)
    return text if text.isascii() and text.isprintable() and text and " " not in text else repr(text)


class _Adjustable:
    """A log whose level can change. It drops lines below the level as fast as a fixed log does."""

    METHODS = ("debug", "info", "warning", "error", "exception", "critical", "log")

    def __init__(self, at_level: Callable[[int], Log]) -> None:
        self._at_level = at_level

    def set_level(self, level: int) -> None:
        log = self._at_level(level)
        for name in self.METHODS:
            setattr(self, name, getattr(log, name))
        logging.getLogger().setLevel(max(level, logging.WARNING))


def set_level(log: Log, level: str) -> None:
    """Change the level of a log that `configure` returned."""
    cast("_Adjustable", log).set_level(logging.getLevelName(level.upper()))


def configure(writer: LogWriter, *, format: Literal["text", "json"], level: str) -> Log:
    """Return the server's log. Warnings of the libraries go to it too."""
    processors: list[structlog.typing.Processor] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _as_json if format == "json" else _as_text,
    ]

    def at_level(least: int) -> Log:
        wrapper = structlog.make_filtering_bound_logger(least)
        log: Log = structlog.wrap_logger(
            writer, processors=processors, wrapper_class=wrapper, cache_logger_on_first_use=True
        ).bind()
        return log

    log = cast("Log", _Adjustable(at_level))
    logging.basicConfig(handlers=[_Forward(log)], force=True)
    set_level(log, level)
    return log


class _Forward(logging.Handler):
    """Forwards log records of libraries, such as trio's about a full table of file descriptors."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        self._log.log(record.levelno, record.getMessage(), source=record.name, exc_info=record.exc_info)
