"""The input of the terminal: what is read goes past the terminal's own answers before keys are made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

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


def without_reports(input: Input) -> Input:
    """Return the input, from which answers of the terminal no longer come as keys."""
    if isinstance(input, Vt100Input):
        input.vt100_parser = _KeysOnly(input.vt100_parser)  # type: ignore[assignment]
    return input
