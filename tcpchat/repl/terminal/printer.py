"""The printer of what is shown above the input: it collects for a moment, and writes at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from prompt_toolkit.application.current import set_app
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.renderer import print_formatted_text

if TYPE_CHECKING:
    from prompt_toolkit.application import Application
    from prompt_toolkit.styles import Style

    from tcpchat.repl.view.text import Fragments

INTERVAL = 0.05  # seconds between two writes above the input; a busy room would flicker else
WAITING = 50_000  # fragments, which are some 10,000 lines, that wait while nothing can be shown


class Printer:
    """Writes above the input of a running application, in the style of the moment."""

    def __init__(self, app: Application[None], style: Callable[[], Style]) -> None:
        self._app = app
        self._style = style
        self._out: Fragments = []
        self._flushing = False
        self._last_flush = 0.0

    def show(self, fragments: Fragments) -> None:
        """Show this soon, after what waits already."""
        self._out += fragments
        if len(self._out) > WAITING:  # an editor has the screen, or the terminal is stopped
            self._out = [("class:notice", "· lines were left out here\n"), *self._out[-WAITING // 2 :]]
        self._schedule()

    def _schedule(self) -> None:
        if not self._flushing and self._app.is_running:
            self._flushing = True
            asyncio.get_running_loop().call_at(self._last_flush + INTERVAL, self._flush)

    def _flush(self) -> None:
        """Take the input away, print, and draw it again below.

        Not by `run_in_terminal`, which leaves raw mode for a moment: a key that is pressed then is echoed by
        the terminal itself, and Ctrl-C is a signal.
        """
        self._flushing = False
        self._last_flush = asyncio.get_running_loop().time()
        if not self._app.is_running:
            return
        if self._app._running_in_terminal:  # noqa: SLF001  # an editor has it; there is no public property
            self._schedule()
            return
        with set_app(self._app):
            self._app.renderer.erase()
            self.print()
            self._app.render_counter += 1  # else the lines around the input are those of before
            self._app.renderer.render(self._app, self._app.layout)

    def print(self) -> None:
        """Write what waits; no input is drawn meanwhile."""
        out, self._out = self._out, []
        if out:
            # Not the one of `shortcuts`, which merges styles anew for each call.
            print_formatted_text(
                self._app.output, FormattedText(out), self._style(), color_depth=self._app.color_depth
            )
