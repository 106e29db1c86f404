"""The terminal as what is written to, with the client's own widths.

Imported before anything is drawn: prompt-toolkit takes the columns of each character from here on from
`view.widths`, so that input, menus and messages agree.
"""

from __future__ import annotations

from prompt_toolkit import utils
from prompt_toolkit.output.vt100 import Vt100_Output

from tcpchat import streams
from tcpchat.repl.view.widths import char_columns, columns, is_disputed

utils.wcwidth = char_columns  # type: ignore[assignment,attr-defined]  # it counts 4 columns for a flag, terminals 2


class ChatOutput(Vt100_Output):
    """The terminal, which may count other columns than we do, and in whose encoding signs may be missing.

    prompt-toolkit moves the cursor by so many columns from where it should be. After a character about which
    terminals differ it is therefore put there first; otherwise all that follows would be drawn elsewhere.
    """

    _column: int | None = 0
    """The column of the cursor; None where a whole text was written, which may have been wrapped."""
    _is_moved = False
    """The cursor may be elsewhere."""

    def write(self, data: str) -> None:
        if data.startswith("\r"):
            self._column, self._is_moved = 0, False
        else:
            self._correct()
            self._take(data)
        super().write(data if data.isascii() else streams.writable(self.stdout, data))

    def cursor_forward(self, amount: int) -> None:
        self._move(amount)
        super().cursor_forward(amount)

    def cursor_backward(self, amount: int) -> None:
        self._move(-amount)
        super().cursor_backward(amount)

    def flush(self) -> None:
        self._correct()
        super().flush()

    def erase_down(self) -> None:
        """Erase the line, and from its second column on what is below; the cursor is in the first.

        Where the first line of the screen is erased from its first column on, tmux keeps a copy above.
        """
        self.write_raw("\x1b[K\x1b[C\x1b[J\x1b[D")

    def _take(self, data: str) -> None:
        """Count a cell of the input, which is one character with what joins it."""
        if self._column is not None and (len(data) == 1 or not columns(data[1:])):
            self._column += columns(data)
            self._is_moved = is_disputed(data)
        else:
            self._column = None

    def _move(self, amount: int) -> None:
        self._correct()
        if self._column is not None:
            self._column += amount

    def _correct(self) -> None:
        """Put the cursor where it should be, if it may be elsewhere."""
        if self._is_moved and self._column is not None:
            self.write_raw(f"\x1b[{self._column + 1}G")
        self._is_moved = False
