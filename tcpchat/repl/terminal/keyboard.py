"""The input of the terminal: what is read goes past the terminal's own answers before keys are made of it."""

from __future__ import annotations

import select
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from prompt_toolkit.input.ansi_escape_sequences import ANSI_SEQUENCES
from prompt_toolkit.input.posix_utils import PosixStdinReader
from prompt_toolkit.input.vt100 import Vt100Input
from prompt_toolkit.keys import Keys

from tcpchat.repl.input.reports import Reports

NEW_LINE: Final = (Keys.Escape, Keys.ControlM)
for _shift_enter in (
    "\x1bOM",
    "\x1b[27;2;13~",
    "\x1b[13;2u",
):  # Konsole; xterm and kitty, if told to
    ANSI_SEQUENCES[_shift_enter] = NEW_LINE

if TYPE_CHECKING:
    from prompt_toolkit.input import Input
    from prompt_toolkit.input.vt100_parser import Vt100Parser


class _KeysOnly:
    """A parser that is given only what is keys. It stands in the place of prompt-toolkit's."""

    def __init__(self, parser: Vt100Parser) -> None:
        self._parser = parser
        self._reports = Reports()
        self.watch: Callable[[str], None] | None = None
        """Gets what the next key sends, instead of the parser."""

    def feed(self, data: str) -> None:
        if data and self.watch is not None:
            watch, self.watch = self.watch, None
            watch(data)
            return
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


def watch_key(input: Input, watch: Callable[[str], None]) -> None:
    """Hand what the next key sends to `watch`, and to nobody else."""
    if isinstance(input, Vt100Input) and isinstance(input.vt100_parser, _KeysOnly):
        input.vt100_parser.watch = watch


def without_reports(input: Input) -> Input:
    """Return the input, from which answers of the terminal no longer come as keys, and which ends with it."""
    if isinstance(input, Vt100Input):
        input.stdin_reader = _Reader(input.fileno(), encoding=input.stdin.encoding)
        input.vt100_parser = _KeysOnly(input.vt100_parser)  # type: ignore[assignment]
    return input
