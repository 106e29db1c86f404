"""Framing: from any split of the byte stream to the same lines, in bounded memory. Pure."""

from __future__ import annotations

from tcpchat.errors import ChatError


class LineReader:
    r"""Cuts what one connection receives into lines.

    Feed it, then take `next_line` while it `has_line`. A line ends with `\n` or `\r\n`. Of an unfinished
    line at most `max_line` bytes are kept: a longer one is dropped up to its end and reported once.
    """

    __slots__ = ("_lines", "_max_line", "_overlong", "_tail")

    def __init__(self, max_line: int) -> None:
        self._max_line = max_line  # bytes, without the line's end
        self._lines: list[bytes | None] = []  # the next one last; None stands for an overlong line
        self._tail = bytearray()
        self._overlong = False  # the unfinished line is already too long: drop to its end

    def feed(self, data: bytes) -> None:
        """Take bytes as they came from the stream."""
        first, *lines = data.split(b"\n")
        if not lines:
            self._grow(first)
            return
        if self._tail or self._overlong:
            self._grow(first)
            first = bytes(self._tail)
            self._tail.clear()
        if self._overlong:
            self._overlong = False
            finished: list[bytes | None] = [None]
        else:
            finished = [self._checked(first)]
        rest = lines.pop()
        finished.extend(map(self._checked, lines))
        finished.reverse()
        self._lines = finished + self._lines
        self._grow(rest)

    def has_line(self) -> bool:
        """Say whether there is a whole line, or one that was dropped."""
        return bool(self._lines)

    def next_line(self) -> bytes:
        """Return the next whole line without its end; `has_line` must have said that there is one.

        Raises ChatError `line-too-long` in the place of a line that was dropped.
        """
        line = self._lines.pop()
        if line is None:
            message = f"the line is longer than {self._max_line} bytes and was dropped"
            raise ChatError("line-too-long", message, limit=self._max_line)
        return line

    def _grow(self, data: bytes) -> None:
        if self._overlong:
            return
        self._tail += data
        # One more byte than allowed may still be the \r of the line's end.
        if len(self._tail) > self._max_line + 1:
            self._overlong = True
            self._tail = bytearray()

    def _checked(self, line: bytes) -> bytes | None:
        line = line.removesuffix(b"\r")
        return line if len(line) <= self._max_line else None
