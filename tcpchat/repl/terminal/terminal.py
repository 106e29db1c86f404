"""The screen of a person: an input line with lines around it, and the conversation above.

It runs before there is a connection, so that typing works at once; the controller that is attached later
knows everything that it shows then.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from prompt_toolkit.application import Application
from prompt_toolkit.data_structures import Point
from prompt_toolkit.formatted_text import AnyFormattedText, FormattedText
from prompt_toolkit.input import create_input
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.styles import DynamicStyle, Style

from tcpchat.repl.terminal import keyboard
from tcpchat.repl.terminal.input_line import InputLine
from tcpchat.repl.terminal.layout import Surroundings, layout
from tcpchat.repl.terminal.output import ChatOutput
from tcpchat.repl.terminal.printer import Printer
from tcpchat.repl.terminal.reflow import rows_above, wraps_when_resized
from tcpchat.repl.view import key_help
from tcpchat.repl.view.theme import MONO, STYLES

if TYPE_CHECKING:
    from prompt_toolkit.input import Input
    from prompt_toolkit.layout.screen import Char
    from prompt_toolkit.output import Output

    from tcpchat.repl.controller import Controller
    from tcpchat.repl.drafts import Draft
    from tcpchat.repl.input.typeahead import Typeahead
    from tcpchat.repl.view.text import Fragments


class _Application(Application[None]):
    """The input, which is found again in a terminal that wraps its lines when it becomes narrower."""

    def _on_resize(self) -> None:
        renderer = self.renderer
        screen, size, cursor = renderer._last_screen, renderer._last_size, renderer._cursor_pos  # noqa: SLF001
        columns = self.output.get_size().columns
        if screen and size and columns < size.columns and wraps_when_resized(os.environ):
            lengths = [_length(screen.data_buffer[row]) for row in range(cursor.y)]
            y = rows_above(lengths, cursor.x, columns)
            renderer._cursor_pos = Point(x=cursor.x % columns, y=y)  # noqa: SLF001  # `erase` begins there
        super()._on_resize()


def _length(row: Mapping[int, Char]) -> int:
    return max((column + 1 for column, char in row.items() if char.char.strip()), default=0)


class Terminal:
    """One screen, for as long as the program runs."""

    asks = True
    has_input = True

    def __init__(
        self,
        greeting: str,
        theme: str,
        history: Path | None,
        *,
        input: Input | None = None,
        output: Output | None = None,
    ) -> None:
        self.is_gone = False
        """The terminal has ended: nothing can be read or shown any more."""
        self.drawn = asyncio.Event()
        """The input is there."""
        self._greeting = greeting
        self._styles = {name: Style.from_dict(dict(classes)) for name, classes in STYLES.items()}
        self._theme = theme
        self._input = InputLine(history)
        if output is None:
            output = ChatOutput.from_pty(sys.stdout, term=os.environ.get("TERM"))
            # The input needs no more lines than it has, so where on the screen it is does not matter.
            output.enable_cpr = False
        around = Surroundings(
            prefix=self._prefix,
            waiting=self._waiting,
            toolbar=self._toolbar,
            asks_password=self._input.asks_password,
        )
        self._app = _Application(
            layout=layout(self._input.line, self._input.password, around),
            key_bindings=self._input.bindings(),
            style=DynamicStyle(self._style),
            include_default_pygments_style=False,
            input=keyboard.without_reports(input or create_input(sys.stdin)),
            output=output,
            erase_when_done=True,
            color_depth=self._colours,
            after_render=lambda _: self.drawn.set(),
        )
        self._app.ttimeoutlen = 0.05
        self._printer = Printer(self._app, self._style)

    async def run(self) -> None:
        """Show the input until `close`."""
        self._input.start(self._app, asyncio.get_running_loop())
        try:
            await self._app.run_async(set_exception_handler=False, handle_sigint=False)
        except EOFError:
            self.is_gone = True
            return
        self._printer.print()

    def close(self) -> None:
        """Let `run` come to its end."""
        self._input.close()

    @property
    def controller(self) -> Controller | None:
        """The conversation that is shown, once there is one."""
        return self._input.controller

    @property
    def typeahead(self) -> Typeahead:
        """The lines that were entered before there was a connection."""
        return self._input.typeahead

    def attach(self, controller: Controller) -> None:
        """Show this conversation, and hand lines to it."""
        self._input.attach(controller)
        self.refresh()

    def detach(self) -> None:
        """Show no conversation any more."""
        self._input.controller = None

    def leave_now(self) -> None:
        """Leave without asking, as a signal wants it."""
        if self.controller is None:
            self.close()
        else:
            self.controller.leave_now()

    def restore(self, draft: Draft) -> None:
        """Put a draft into the input, before there is a conversation."""
        self._input.restore(draft)

    def draft(self, *, all_lines: bool) -> Draft | None:
        """Return what is typed and not sent; with `all_lines` also what waits for a connection."""
        return self._input.draft(all_lines=all_lines)

    @property
    def width(self) -> int:
        return self._app.output.get_size().columns

    def show(self, fragments: Fragments) -> None:
        self._printer.show(fragments)

    complain = show

    def refresh(self) -> None:
        self._input.focus()
        self._app.invalidate()

    def bell(self) -> None:
        self._app.output.bell()

    def clear(self) -> None:
        self._app.renderer.clear()

    def edit(self, line: str, shown: str) -> None:
        self._input.edit(line)

    def use_theme(self, name: str) -> None:
        self._theme = name
        self.refresh()

    def watch_key(self, tell: Callable[[str], None]) -> None:
        def watched(data: str) -> None:
            self._input.hint = ""
            tell(key_help.sent(data))
            self.refresh()

        self._input.hint = key_help.ASKS
        keyboard.watch_key(self._app.input, watched)

    def _colours(self) -> ColorDepth | None:
        """Return how many colours there are; None for what the environment says."""
        if self._theme == MONO:
            return ColorDepth.DEPTH_1_BIT
        # It reads 24 bits of a colour as attributes: black and dim.
        return ColorDepth.DEPTH_8_BIT if os.environ.get("TERM", "").startswith("screen") else None

    def _style(self) -> Style:
        return self._styles[self._theme]

    def _prefix(self, line: int, wrapped: int) -> AnyFormattedText:
        if line or wrapped:
            return [("class:prompt", "  ")]
        return FormattedText(
            [("class:prompt", "▸ ")] if self.controller is None else self.controller.prompt()
        )

    def _waiting(self) -> FormattedText:
        early = self.typeahead.waiting(self.width)
        sent = [] if self.controller is None else self.controller.waiting()
        return FormattedText([*sent, *([("", "\n")] if sent and early else []), *early])

    def _toolbar(self) -> FormattedText:
        if self.controller is not None and not self._input.hint:
            parts = [*self.controller.toolbar(), ("", " ")]
            return FormattedText([(f"class:toolbar {style}", text) for style, text in parts])
        return FormattedText([("class:toolbar", f" {self._input.hint or self._greeting} ")])
