"""The operator's log: every event is one line, and nothing waits for the reader of the log."""

from __future__ import annotations

import errno
import fcntl
import logging
import math
import os
import threading
import time
from collections.abc import Iterator
from typing import Any, Literal

import orjson
import pytest

from tcpchat import log as module
from tcpchat.log import WAITING, LogWriter, configure, set_level

EVIL = "a\nb\r\x1b[2J\x07\x00\x7f\x85\x9b\u2028\u202e\ud800 end"


class Pipe:
    """A pipe that the test reads and a `LogWriter` writes."""

    def __init__(self) -> None:
        reading, self.writing = os.pipe()
        self._reader = os.fdopen(reading, "rb", buffering=0)
        self._open = True

    def fill(self) -> int:
        """Write until the pipe is full; return the number of bytes."""
        os.set_blocking(self.writing, False)
        filled = 0
        try:
            while True:
                filled += os.write(self.writing, b"." * 4096)
        except BlockingIOError:
            os.set_blocking(self.writing, True)
        return filled

    def read(self, count: int) -> None:
        """Read so many bytes, so that waiting ones can be written."""
        while count:
            count -= len(self._reader.read(count))

    def lines(self, count: int) -> list[bytes]:
        """Return the next lines as soon as there are so many."""
        data = b""
        while data.count(b"\n") < count:
            data += self._reader.read(65536)
        return data.splitlines()

    def rest(self) -> list[bytes]:
        """Close the writing end, and return all lines that were written."""
        self.close_writing()
        return self.until_closed()

    def until_closed(self) -> list[bytes]:
        return self._reader.read().splitlines()

    def close_writing(self) -> None:
        if self._open:
            os.close(self.writing)
            self._open = False

    def close_reading(self) -> None:
        self._reader.close()


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    pipe = Pipe()
    yield pipe
    pipe.close_writing()
    pipe.close_reading()


@pytest.fixture(autouse=True)
def library_logging() -> Iterator[None]:
    """Restore the process-wide settings that `configure` changes."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers = []  # else `configure` would close those of pytest
    yield
    root.handlers = handlers
    root.setLevel(level)


# The writer


def test_lines_are_written_in_order_without_a_flush(pipe: Pipe) -> None:
    writer = LogWriter(pipe.writing)
    lines = [b"line %d" % number for number in range(1000)]
    for line in lines:
        writer.msg(line)
    assert pipe.lines(1000) == lines
    writer.close()


def test_it_writes_again_after_a_pause(pipe: Pipe) -> None:
    writer = LogWriter(pipe.writing)
    writer.msg(b"first")
    assert pipe.lines(1) == [b"first"]
    writer.msg(b"second")
    assert pipe.lines(1) == [b"second"]
    writer.close()


def test_close_writes_the_waiting_lines(pipe: Pipe) -> None:
    writer = LogWriter(pipe.writing)
    for number in range(100):
        writer.msg(b"line %d" % number)
    writer.close()
    assert pipe.rest() == [b"line %d" % number for number in range(100)]


def test_lines_of_several_threads_are_never_mixed(pipe: Pipe) -> None:
    writer = LogWriter(pipe.writing)

    def write(text: bytes) -> None:
        for _ in range(100):
            writer.msg(text * 100)

    threads = [threading.Thread(target=write, args=(text,)) for text in (b"a", b"b", b"c")]
    for thread in threads:
        thread.start()
    found = pipe.lines(300)
    for thread in threads:
        thread.join()
    writer.close()
    assert sorted(found) == [b"a" * 100] * 100 + [b"b" * 100] * 100 + [b"c" * 100] * 100


def test_without_a_reader_lines_are_dropped_and_counted_and_nothing_waits(pipe: Pipe) -> None:
    filled = pipe.fill()
    writer = LogWriter(pipe.writing)
    sent = 3 * WAITING
    for number in range(sent):
        writer.msg(b"%d" % number)  # would never return if it waited
    assert len(writer._lines) <= WAITING

    pipe.read(filled)
    found: list[bytes] = []
    reader = threading.Thread(target=lambda: found.extend(pipe.until_closed()))
    reader.start()
    writer.close()
    pipe.close_writing()
    reader.join()

    numbers = [int(line) for line in found if line.isdigit()]
    dropped = [int(line.split()[0]) for line in found if line.endswith(b"could not be written in time")]
    assert numbers[:WAITING] == list(range(WAITING))
    assert numbers == sorted(numbers)
    assert sum(dropped) >= WAITING
    assert len(numbers) + sum(dropped) == sent


def test_close_waits_only_a_moment_for_a_reader_that_does_not_read(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CLOSE", 0.05)
    filled = pipe.fill()
    writer = LogWriter(pipe.writing)
    writer.msg(b"stuck")
    begin = time.monotonic()
    writer.close()
    assert 0.05 <= time.monotonic() - begin < 5
    assert writer._thread.is_alive()
    assert writer._thread.daemon, "it would keep the process from ending"

    pipe.read(filled)
    writer._thread.join(5)
    assert pipe.rest() == [b"stuck"]


class Disk:
    """A disk that is full after some bytes, in place of the one behind a file descriptor."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, fd: int, room: int) -> None:
        self.room: float = room
        self.full = threading.Event()
        self._fd, self._write = fd, os.write
        monkeypatch.setattr(os, "write", self.write)
        monkeypatch.setattr(module, "RETRY", 0.01)

    def write(self, fd: int, data: bytes) -> int:
        if fd != self._fd:
            return self._write(fd, data)
        if not self.room:
            self.full.set()
            raise OSError(errno.ENOSPC, "No space left on device")
        written = self._write(fd, data[: int(min(self.room, len(data)))])
        self.room -= written
        return written


def test_after_a_full_disk_the_log_goes_on_where_it_stopped(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(monkeypatch, pipe.writing, room=10)
    writer = LogWriter(pipe.writing)
    writer.msg(b"the first line")
    assert disk.full.wait(5)
    writer.msg(b"the second line")
    disk.room = math.inf
    assert pipe.lines(2) == [b"the first line", b"the second line"]
    writer.close()


def test_what_a_full_disk_does_not_take_is_dropped_and_counted(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(monkeypatch, pipe.writing, room=0)
    writer = LogWriter(pipe.writing)
    writer.msg(b"first")
    assert disk.full.wait(5)
    for number in range(WAITING + 5):
        writer.msg(b"%d" % number)
    disk.room = math.inf
    found = pipe.lines(WAITING + 2)
    assert found[0] == b"first"
    assert found[1:-1] == [b"%d" % number for number in range(WAITING)]
    assert found[-1] == b"5 log lines were dropped, since they could not be written in time"
    writer.close()


def test_a_log_that_cannot_be_written_delays_no_stop(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CLOSE", 60.0)
    disk = Disk(monkeypatch, pipe.writing, room=0)
    writer = LogWriter(pipe.writing)
    writer.msg(b"lost")
    assert disk.full.wait(5)
    writer.close()  # waits for the thread, which gives up after one more try
    assert not writer._thread.is_alive()


def test_a_closed_reading_end_stops_nothing_and_takes_no_more_memory(pipe: Pipe) -> None:
    pipe.close_reading()
    writer = LogWriter(pipe.writing)
    for _ in range(3 * WAITING):
        writer.msg(b"nobody will read this")
    assert len(writer._lines) <= WAITING
    writer.close()
    assert not writer._thread.is_alive()


def test_a_non_blocking_pipe_that_is_full_for_a_moment_does_not_end_the_log(pipe: Pipe) -> None:
    """O_NONBLOCK belongs to the pipe, not to the process: another process that shares stderr may set it."""
    filled = pipe.fill()
    flags = fcntl.fcntl(pipe.writing, fcntl.F_GETFL)
    fcntl.fcntl(pipe.writing, fcntl.F_SETFL, flags | os.O_NONBLOCK)
    writer = LogWriter(pipe.writing)
    writer.msg(b"early")
    writer._thread.join(0.2)  # long enough to try, and to give up if it does
    pipe.read(filled)
    late = b"x" * 4 * filled  # which the pipe takes in parts
    writer.msg(late)
    found: list[bytes] = []
    reader = threading.Thread(target=lambda: found.extend(pipe.until_closed()))
    reader.start()
    writer.close()
    pipe.close_writing()
    reader.join()
    assert found == [b"early", late]


# The lines


class Out(LogWriter):
    """Keeps lines in memory, so that the tests of their format need no thread."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []

    def msg(self, line: bytes) -> None:
        self.lines.append(line)

    debug = info = warning = error = exception = critical = msg


def written(format: Literal["text", "json"], event: str = "event", **fields: Any) -> bytes:
    out = Out()
    configure(out, format=format, level="info").info(event, **fields)
    (line,) = out.lines
    return line


def test_text_is_time_level_event_and_fields() -> None:
    line = written("text", "joined", user="alice", count=3).decode()
    stamp, _, rest = line.partition(" ")
    assert rest == "info     joined user=alice count=3"
    assert stamp[10] == "T"
    assert stamp.endswith("Z")


@pytest.mark.parametrize("value", [EVIL, "ж", "two words", "", b"\x1b", ["\n"], {"\x1b": "\n"}])
def test_text_shows_values_without_control_characters_and_line_ends(value: object) -> None:
    line = written("text", user=value).decode()
    assert line.isprintable()
    assert len(line.splitlines()) == 1


@pytest.mark.parametrize(
    ("value", "shown"), [("a b", "'a b'"), ("", "''"), ("ж\n", r"'ж\n'"), ("a=b", "a=b"), (None, "None")]
)
def test_text_quotes_values_that_could_be_taken_for_something_else(value: object, shown: str) -> None:
    assert written("text", user=value).decode().endswith(f" user={shown}")


def test_text_ends_with_the_traceback_if_there_is_one() -> None:
    out = Out()
    log = configure(out, format="text", level="info")
    try:
        int("broken")
    except ValueError:
        log.exception("bug", user="alice")
    (line,) = out.lines
    first, *_, last = line.decode().splitlines()
    assert first.endswith("error    bug user=alice")
    assert last == "ValueError: invalid literal for int() with base 10: 'broken'"


@pytest.mark.parametrize("value", ["a\n\x1b[2J\u202e", "ж", 3, None, ["\n"], b"\x1b", ValueError("x\ny")])
def test_json_is_one_object_a_line(value: object) -> None:
    line = written("json", "joined", user=value)
    assert b"\n" not in line
    assert b"\x1b" not in line
    found = orjson.loads(line)
    assert found["event"] == "joined"
    assert found["level"] == "info"
    assert found["timestamp"].endswith("Z")
    assert "user" in found


def test_json_takes_a_lone_surrogate_too() -> None:
    """Arguments and file names that are not UTF-8 contain them, and so do messages of exceptions."""
    assert orjson.loads(written("json", path="\udcff"))["event"] == "event"


def test_json_has_the_traceback_as_a_field() -> None:
    out = Out()
    log = configure(out, format="json", level="info")
    try:
        int("broken")
    except ValueError:
        log.exception("bug")
    assert orjson.loads(out.lines[0])["exception"].endswith("with base 10: 'broken'")


@pytest.mark.parametrize(
    ("level", "expected"),
    [
        ("debug", ["d", "i", "w", "e"]),
        ("info", ["i", "w", "e"]),
        ("warning", ["w", "e"]),
        ("error", ["e"]),
    ],
)
def test_less_important_lines_are_left_out(level: str, expected: list[str]) -> None:
    out = Out()
    log = configure(out, format="json", level=level)
    log.debug("d")
    log.info("i")
    log.warning("w")
    log.error("e")
    assert [orjson.loads(line)["event"] for line in out.lines] == expected


def test_the_level_can_change_while_it_is_written() -> None:
    out = Out()
    log = configure(out, format="json", level="error")
    library = logging.getLogger("some.library")
    for level in ("info", "error", "warning"):
        set_level(log, level)
        log.info("i")
        library.warning("w")
    assert [orjson.loads(line)["event"] for line in out.lines] == ["i", "w", "w"]


# What libraries log


@pytest.mark.parametrize(
    ("level", "expected"), [("debug", ["w", "e"]), ("info", ["w", "e"]), ("error", ["e"])]
)
def test_warnings_of_libraries_go_to_the_log(level: str, expected: list[str]) -> None:
    out = Out()
    configure(out, format="json", level=level)
    library = logging.getLogger("some.library")
    library.info("i")
    library.warning("%s", "w")
    library.error("e")
    lines = [orjson.loads(line) for line in out.lines]
    assert [line["event"] for line in lines] == expected
    assert {line["source"] for line in lines} == {"some.library"}


def test_configuring_again_replaces_the_old_handlers() -> None:
    first, second = Out(), Out()
    configure(first, format="text", level="info")
    configure(second, format="text", level="info")
    logging.getLogger("library").warning("once")
    assert first.lines == []
    assert len(second.lines) == 1


def test_text_shows_warnings_of_libraries_without_control_characters() -> None:
    out = Out()
    configure(out, format="text", level="info")
    logging.getLogger("library").warning("peer said %s", EVIL)
    assert out.lines[0].decode().isprintable()


def test_nothing_is_written_elsewhere(capfd: pytest.CaptureFixture[str]) -> None:
    out = Out()
    configure(out, format="text", level="debug").error("only there")
    logging.getLogger("library").error("there too")
    assert capfd.readouterr() == ("", "")
    assert len(out.lines) == 2
