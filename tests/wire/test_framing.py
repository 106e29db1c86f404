from __future__ import annotations

import tracemalloc
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpchat.errors import ChatError
from tcpchat.protocol import LineReader
from tests.rows import rows

MAX = 8
TOO_LONG = "line-too-long"


def take(reader: LineReader) -> list[bytes | str]:
    """Take what is ready; a dropped line stands as its code."""
    lines: list[bytes | str] = []
    while reader.has_line():
        try:
            lines.append(reader.next_line())
        except ChatError as error:
            lines.append(error.code)
    return lines


def read(*chunks: bytes, limit: int = MAX) -> list[bytes | str]:
    reader = LineReader(limit)
    lines = []
    for chunk in chunks:
        reader.feed(chunk)
        lines += take(reader)
    return lines


def one_by_one(data: bytes) -> Iterable[bytes]:
    return (data[i : i + 1] for i in range(len(data)))


TABLE = {
    "nothing": (b"", []),
    "no end": (b"abc", []),
    "one line": (b"abc\n", [b"abc"]),
    "two lines": (b"abc\ndef\n", [b"abc", b"def"]),
    "a tail": (b"abc\ndef", [b"abc"]),
    "empty lines": (b"\n\nabc\n\n", [b"", b"", b"abc", b""]),
    "network line ends": (b"abc\r\n\r\n", [b"abc", b""]),
    "a carriage return inside": (b"a\rb\r\r\n", [b"a\rb\r"]),
    "a carriage return is no end": (b"abc\r", []),
    "NUL and high bytes": (b"\x00\xff\n", [b"\x00\xff"]),
    "the longest": (b"x" * MAX + b"\n", [b"x" * MAX]),
    "one more": (b"x" * (MAX + 1) + b"\n", [TOO_LONG]),
    "the longest and \\r": (b"x" * MAX + b"\r\n", [b"x" * MAX]),
    "one more and \\r": (b"x" * (MAX + 1) + b"\r\n", [TOO_LONG]),
    "the longest and two \\r": (b"x" * MAX + b"\r\r\n", [TOO_LONG]),
    "too long, then good": (b"x" * 100 + b"\nabc\n", [TOO_LONG, b"abc"]),
    "good, then too long": (b"abc\n" + b"x" * 100 + b"\ndef", [b"abc", TOO_LONG]),
    "too long, no end": (b"x" * 100, []),
    "two too long": (b"x" * 100 + b"\n" + b"y" * 9 + b"\n", [TOO_LONG, TOO_LONG]),
}
ENDED = {name: case for name, case in TABLE.items() if case[0].endswith(b"\n")}
table = rows(("data", "lines"), TABLE.values(), ids=TABLE)


@table
def test_bytes_that_come_whole(data: bytes, lines: list[bytes | str]) -> None:
    assert read(data) == lines


@table
def test_bytes_that_come_one_at_a_time(data: bytes, lines: list[bytes | str]) -> None:
    assert read(*one_by_one(data)) == lines


@rows(("data", "lines"), ENDED.values(), ids=ENDED)
def test_bytes_that_come_with_a_tail_of_the_next_line(data: bytes, lines: list[bytes | str]) -> None:
    assert read(data + b"ta", b"il\n") == [*lines, b"tail"]


@given(
    st.lists(st.binary(max_size=4) | st.text("ab\r\n", max_size=9).map(str.encode), max_size=30),
    st.integers(1, 12),
)
def test_any_split_gives_the_same_lines(chunks: list[bytes], limit: int) -> None:
    *whole, _ = b"".join(chunks).split(b"\n")
    bare = [line.removesuffix(b"\r") for line in whole]
    lines = [line if len(line) <= limit else TOO_LONG for line in bare]
    assert read(*chunks, limit=limit) == lines
    assert read(*one_by_one(b"".join(chunks)), limit=limit) == lines


@given(st.lists(st.text("ab\r\n", max_size=9).map(str.encode), max_size=20))
def test_lines_may_be_taken_later(chunks: list[bytes]) -> None:
    reader = LineReader(MAX)
    for chunk in chunks:
        reader.feed(chunk)
    assert take(reader) == read(*chunks)


def test_a_dropped_line_is_reported_with_the_limit() -> None:
    reader = LineReader(MAX)
    reader.feed(b"x" * 100 + b"\n")
    with pytest.raises(ChatError) as dropped:
        reader.next_line()
    assert (dropped.value.code, dropped.value.details) == (TOO_LONG, {"limit": MAX})
    assert not reader.has_line()


def test_a_megabyte_without_an_end_is_dropped_in_bounded_memory_and_reported_once() -> None:
    limit, chunk = 8 * 1024, b"x" * 4096
    reader = LineReader(limit)
    tracemalloc.start()
    try:
        for _ in range(256):
            reader.feed(chunk)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 * limit
    assert not reader.has_line()
    reader.feed(b"xyz\r\nabc\n")
    assert take(reader) == [TOO_LONG, b"abc"]
