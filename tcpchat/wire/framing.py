"""Framing: from any split of the byte stream to the same lines, in bounded memory. Pure."""

from __future__ import annotations

from tcpchat.errors import ChatError

HEAD = 64  # bytes of a dropped line that are kept, enough to tell what it was going to be


class LineTooLongError(ChatError):
    """A line was dropped; `head` is how it began."""

    def __init__(self, head: bytes, limit: int) -> None:
        message = f"the line is longer than {limit} bytes and was dropped"
        super().__init__("line-too-long", message, limit=limit)
        self.head = head


class LineReader:
    r"""Cuts what one connection receives into lines.

    Feed it, then take `next_line` while it `has_line`. A line ends with `\n` or `\r\n`. Of an unfinished
    line at most `max_line` bytes are kept: a longer one is dropped up to its end and reported once.
    """

    __slots__ = ("_head", "_limit", "_lines", "_tail", "max_line")

    def __init__(self, max_line: int) -> None:
        self.max_line = max_line
        """In bytes, without the line's end; another one counts for what is fed from then on."""
        self._limit = max_line  # of what was fed last
        self._lines: list[bytes | LineTooLongError] = []  # the next one last, not looked at yet
        self._tail = bytearray()
        self._head: bytes | None = None  # of the unfinished line, if that is dropped already

    def feed(self, data: bytes) -> None:
        """Take bytes as they came from the stream, once all lines before are taken."""
        self._limit = self.max_line
        first, *lines = data.split(b"\n")
        self._grow(first)
        if not lines:
            return
        rest = lines.pop()
        whole: list[bytes | LineTooLongError] = [*reversed(lines), self._finish()]
        self._lines = whole + self._lines
        self._grow(rest)

    def has_line(self) -> bool:
        """Say whether there is a whole line, or one that was dropped."""
        return bool(self._lines)

    @property
    def unfinished(self) -> bool:
        """Whether the last line has no end yet."""
        return bool(self._tail) or self._head is not None

    def next_line(self) -> bytes:
        """Return the next whole line without its end; `has_line` must have said that there is one.

        Raises LineTooLongError in the place of a line that was dropped.
        """
        line = self._lines.pop()
        if isinstance(line, LineTooLongError):
            raise line
        line = line.removesuffix(b"\r")
        if len(line) > self._limit:
            raise LineTooLongError(line[:HEAD], self._limit)
        return line

    def _grow(self, data: bytes) -> None:
        if self._head is not None:
            return
        self._tail += data
        # One more byte than allowed may still be the \r of the line's end.
        if len(self._tail) > self.max_line + 1:
            self._head = bytes(self._tail[:HEAD])
            self._tail = bytearray()

    def _finish(self) -> bytes | LineTooLongError:
        head, self._head = self._head, None
        if head is not None:
            return LineTooLongError(head, self.max_line)
        line = bytes(self._tail)
        self._tail.clear()
        return line
