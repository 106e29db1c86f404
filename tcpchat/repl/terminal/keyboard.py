"""The input of the terminal: what is read goes past the terminal's own answers before keys are made of it."""

from __future__ import annotations

import select
from typing import TYPE_CHECKING

from prompt_toolkit.input.posix_utils import PosixStdinReader
from prompt_toolkit.input.vt100 import Vt100Input

from tcpchat.repl.input.reports import Reports

if TYPE_CHECKING:
    from prompt_toolkit.input import Input
    from prompt_toolkit.input.vt100_parser import Vt100Parser


class _KeysOnly:
    """A parser that is given only what is keys. It stands in the place of prompt-toolkit's."""

    def __init__(self, parser: Vt100Parser) -> None:
        self._parser = parser
        self._reports = Reports()

    def feed(self, data: str) -> None:
        self._parser.feed(self._reports.feed(data))

    def flush(self) -> None:
        """Take what is held as keys: nothing more came for a moment."""
        self._parser.feed(self._reports.flush())
        self._parser.flush()

    def feed_and_flush(self, data: str) -> None:
        self.feed(data)
        self.flush()

    def reset(self, request: bool = False) -> None:  # noqa: FBT001, FBT002  # as in the parser
        self._parser.reset(request)


class _Reader(PosixStdinReader):
    """Reads the terminal, and notices its end also where that is an error and no end of the input.

    prompt-toolkit takes any error for an interruption, and reads again, for ever.
    """

    def read(self, count: int = 1024) -> str:
        data = super().read(count)
        if not data and not self.closed:
            ready = select.poll()
            ready.register(self.stdin_fd, 0)
            self.closed = bool(ready.poll(0))  # POLLHUP, POLLERR or POLLNVAL
        return data


def without_reports(input: Input) -> Input:
    """Return the input, from which answers of the terminal no longer come as keys, and which ends with it."""
    if isinstance(input, Vt100Input):
        input.stdin_reader = _Reader(input.fileno(), encoding=input.stdin.encoding)
        input.vt100_parser = _KeysOnly(input.vt100_parser)  # type: ignore[assignment]
    return input
