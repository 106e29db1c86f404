"""The screen of a person: an input line with what stands around it, and the conversation above.

The only module that knows prompt-toolkit. It runs before there is a connection, so that typing works at
once; everything that it does not know it asks the Talk that is attached later.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from prompt_toolkit.application import Application
from prompt_toolkit.application.current import set_app
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.enums import DEFAULT_BUFFER
from prompt_toolkit.filters import Condition, has_focus, is_done
from prompt_toolkit.formatted_text import AnyFormattedText, FormattedText
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.key_binding import (
    ConditionalKeyBindings,
    KeyBindings,
    KeyBindingsBase,
    KeyPressEvent,
    merge_key_bindings,
)
from prompt_toolkit.key_binding.bindings.auto_suggest import load_auto_suggest_bindings
from prompt_toolkit.key_binding.bindings.open_in_editor import load_open_in_editor_bindings
from prompt_toolkit.layout import (
    BufferControl,
    ConditionalContainer,
    Container,
    Dimension,
    FormattedTextControl,
    HSplit,
    Layout,
    VerticalAlign,
    Window,
)
from prompt_toolkit.layout.menus import CompletionsMenu
from prompt_toolkit.layout.processors import (
    AppendAutoSuggestion,
    HighlightIncrementalSearchProcessor,
    PasswordProcessor,
)
from prompt_toolkit.output.vt100 import Vt100_Output
from prompt_toolkit.renderer import print_formatted_text
from prompt_toolkit.styles import DynamicStyle, Style
from prompt_toolkit.widgets import SearchToolbar

from tcpchat.repl.theme import STYLES

if TYPE_CHECKING:
    from prompt_toolkit.document import Document
    from prompt_toolkit.input import Input
    from prompt_toolkit.output import Output

    from tcpchat.repl.look import Fragments
    from tcpchat.repl.talk import Talk

INTERVAL = 0.05  # seconds between two writes above the input; a busy room would flicker else
TWICE = 2.0  # seconds in which a second Ctrl-C counts as one
WAITING = 50_000  # fragments, which are some 10,000 lines, that wait while nothing can be shown
MENU = 8  # lines
INPUT = 12  # lines of the input that are seen at once
HIDDEN = "HIDDEN"  # the buffer that a password is typed into
EARLY_SECRET = re.compile(r"\s*[/\\]?(login|register|password|resume)\b|.*--(password|new)\b", re.IGNORECASE)
"""What may have a password in it or after it, as far as that is known without the rest of the client."""


class _LiveCompleter(Completer):
    """Asks for what there is at the moment."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        talk = self._terminal.talk
        if talk is None:
            return
        for found in talk.complete(document.text_before_cursor):
            yield Completion(
                found.text, start_position=found.start, display=found.display, display_meta=found.help
            )


class _Input(Buffer):
    """Leaves it to whoever accepts a line whether it is kept in the history; passwords must not be."""

    def validate_and_handle(self) -> None:
        assert self.accept_handler is not None
        self.accept_handler(self)


class Terminal:
    """One screen, for as long as the program runs. `talk` is attached when there is a connection."""

    asks = True

    def __init__(
        self,
        greeting: str,
        theme: str,
        history: Path | None,
        *,
        input: Input | None = None,
        output: Output | None = None,
    ) -> None:
        self.talk: Talk | None = None
        self.typed_early: list[str] = []
        """Lines that were entered before there was a Talk."""
        self.drawn = asyncio.Event()
        """The input is there."""
        self._greeting = greeting
        self._styles = {name: Style.from_dict(dict(classes)) for name, classes in STYLES.items()}
        self._theme = theme
        self._out: Fragments = []
        self._flushing = False
        self._last_flush = 0.0
        self._last_interrupt = float("-inf")
        self._hint = ""
        if output is None:
            output = Vt100_Output.from_pty(sys.stdout, term=os.environ.get("TERM"))
            # The input needs no more lines than it has, so where on the screen it is does not matter.
            output.enable_cpr = False
        self._buffer = _Input(
            name=DEFAULT_BUFFER,
            completer=_LiveCompleter(self),
            complete_while_typing=True,
            auto_suggest=AutoSuggestFromHistory(),
            history=_history(history),
            accept_handler=self._accept,
            multiline=True,
            tempfile_suffix=".txt",
        )
        self._secret = Buffer(name=HIDDEN)  # no history, no completion
        self._app: Application[None] = Application(
            layout=self._layout(),
            key_bindings=merge_key_bindings(
                [
                    load_auto_suggest_bindings(),
                    ConditionalKeyBindings(load_open_in_editor_bindings(), has_focus(DEFAULT_BUFFER)),
                    self._bindings(),
                ]
            ),
            style=DynamicStyle(lambda: self._styles[self._theme]),
            include_default_pygments_style=False,
            input=input,
            output=output,
            erase_when_done=True,
            after_render=lambda _: self.drawn.set(),
        )
        self._app.ttimeoutlen = 0.05
        self._app.key_processor.before_key_press += self._pressed

    async def run(self) -> None:
        """Show the input until `close`."""
        self._loop = asyncio.get_running_loop()
        await self._app.run_async(set_exception_handler=False, handle_sigint=False)
        self._print()

    def close(self) -> None:
        """Let `run` come to its end."""
        if self._app.is_running and self._app.future is not None and not self._app.future.done():
            self._app.exit()

    def leave_now(self) -> None:
        """Leave without asking, as a signal wants it."""
        if self.talk is None:
            self.close()
        else:
            self.talk.leave_now()

    def attach(self, talk: Talk) -> None:
        """Give lines to this conversation from now on, those that were typed early first."""
        self.talk = talk
        early, self.typed_early = self.typed_early, []
        for line in early:
            talk.entered(line)
        if talk.asks_secret:  # which may be what was typed after it
            self._secret.insert_text(self._buffer.text)
            self._buffer.reset()
        self.refresh()

    # What a Screen does.

    @property
    def width(self) -> int:
        return self._app.output.get_size().columns

    def show(self, fragments: Fragments) -> None:
        self._out += fragments
        if len(self._out) > WAITING:  # an editor has the screen, or the terminal is stopped
            self._out = [("class:notice", "· lines were left out here\n"), *self._out[-WAITING // 2 :]]
        self._schedule()

    complain = show

    def refresh(self) -> None:
        self._focus()
        self._app.invalidate()

    def _focus(self) -> None:
        """Let what is typed go where it is asked for."""
        layout = self._app.layout
        if self._asks_secret():
            layout.focus(self._secret)
        elif layout.has_focus(self._secret):
            self._secret.reset()
            layout.focus(self._buffer)

    def _asks_secret(self) -> bool:
        return self.talk is not None and self.talk.asks_secret

    def bell(self) -> None:
        self._app.output.bell()

    def clear(self) -> None:
        self._app.renderer.clear()

    def edit(self, line: str) -> None:
        self._buffer.text = line
        self._buffer.cursor_position = len(line)

    def use_theme(self, name: str) -> None:
        self._theme = name
        self.refresh()

    # How things get above the input.

    def _schedule(self) -> None:
        if not self._flushing and self._app.is_running:
            self._flushing = True
            self._loop.call_at(self._last_flush + INTERVAL, self._flush)

    def _flush(self) -> None:
        """Take the input away, print, and draw it again below.

        Not by `run_in_terminal`, which leaves raw mode for a moment: a key that is pressed then is echoed by
        the terminal itself, and Ctrl-C is a signal.
        """
        self._flushing = False
        self._last_flush = self._loop.time()
        if not self._app.is_running:
            return
        if self._app._running_in_terminal:  # noqa: SLF001  # an editor has it; nothing public tells
            self._schedule()
            return
        with set_app(self._app):
            self._app.renderer.erase()
            self._print()
            self._app.render_counter += 1  # else the lines around the input are those of before
            self._app.renderer.render(self._app, self._app.layout)

    def _print(self) -> None:
        out, self._out = self._out, []
        if out:
            # Not the one of `shortcuts`, which merges styles anew for each call.
            style = self._styles[self._theme]
            print_formatted_text(
                self._app.output, FormattedText(out), style, color_depth=self._app.color_depth
            )

    # How the input looks.

    def _layout(self) -> Layout:
        search = SearchToolbar()
        control = BufferControl(
            buffer=self._buffer,
            search_buffer_control=search.control,
            input_processors=[HighlightIncrementalSearchProcessor(), AppendAutoSuggestion()],
            preview_search=True,
        )
        text = Window(
            control,
            height=Dimension(min=1, max=INPUT),
            wrap_lines=True,
            dont_extend_height=True,
            get_line_prefix=self._prefix,
        )
        secret = Window(
            BufferControl(buffer=self._secret, input_processors=[PasswordProcessor()]),
            height=1,
            dont_extend_height=True,
            get_line_prefix=self._prefix,
        )
        secretly = Condition(self._asks_secret)
        waiting = Window(FormattedTextControl(self._waiting), dont_extend_height=True)
        toolbar = Window(
            FormattedTextControl(self._toolbar), height=1, dont_extend_height=True, style="class:toolbar"
        )
        rows: list[Container] = [
            ConditionalContainer(waiting, Condition(lambda: bool(self._waiting()))),
            ConditionalContainer(secret, secretly),
            ConditionalContainer(text, ~secretly),
            search.__pt_container__(),
            CompletionsMenu(max_height=MENU, scroll_offset=1),
            ConditionalContainer(toolbar, ~is_done),
        ]
        return Layout(HSplit(rows, align=VerticalAlign.TOP), focused_element=text)

    def _prefix(self, line: int, wrapped: int) -> AnyFormattedText:
        if line == 0 and wrapped == 0:
            return FormattedText(self.talk.prompt() if self.talk else [("class:prompt", "▸ ")])
        return [("class:prompt", "  ")]

    def _waiting(self) -> FormattedText:
        return FormattedText(self.talk.waiting() if self.talk else [])

    def _toolbar(self) -> FormattedText:
        if self._hint:
            return FormattedText([("class:toolbar", f" {self._hint}")])
        return FormattedText(self.talk.toolbar() if self.talk else [("class:toolbar", f" {self._greeting}")])

    # What keys do.

    def _bindings(self) -> KeyBindingsBase:
        keys = KeyBindings()
        typing = has_focus(DEFAULT_BUFFER)
        keys.add("enter", filter=typing)(lambda _: self._buffer.validate_and_handle())
        keys.add("enter", filter=has_focus(HIDDEN))(lambda _: self._enter_secret())
        keys.add("escape", "enter", filter=typing)(lambda _: self._buffer.newline(copy_margin=False))
        keys.add("c-c")(self._interrupt)
        no_secret = has_focus(HIDDEN) & Condition(lambda: not self._secret.text)
        keys.add("c-d", filter=no_secret)(self._interrupt)
        keys.add("c-d", filter=typing & Condition(lambda: not self._buffer.text))(self._end)
        keys.add("c-l")(lambda _: self.clear())
        keys.add("c-z")(self._suspend)
        return keys

    def _pressed(self, _: object) -> None:
        if self.talk is not None:
            self.talk.here()

    def _accept(self, buffer: Buffer) -> bool:
        """Take the line once the input is empty, so that it may be given back to be changed.

        And before the next key: what was typed ahead may be a password, which must not stand in the input.
        What is in the input then stays there.
        """
        line = buffer.text
        if self.talk is None and any(map(EARLY_SECRET.match, self.typed_early)):
            self._show_hint("not connected yet: what comes next may be asked for")
            return True
        self._hint = ""
        if self.talk.keeps(line) if self.talk is not None else not EARLY_SECRET.match(line):
            buffer.append_to_history()
        buffer.reset()
        if self.talk is not None:
            self.talk.entered(line)
        elif line:
            self.typed_early.append(line)
        return True

    def _enter_secret(self) -> None:
        line = self._secret.text
        self._secret.reset()
        if self.talk is not None:
            self.talk.entered(line)

    def _interrupt(self, event: KeyPressEvent) -> None:
        if not event.app.layout.has_focus(DEFAULT_BUFFER):
            event.app.layout.focus(DEFAULT_BUFFER)
        now = self._loop.time()
        if self.talk is not None and self.talk.drop_question():
            self._secret.reset()
            self._last_interrupt = float("-inf")
        elif self._buffer.text:
            self._buffer.reset()
            self._last_interrupt = float("-inf")
        elif now - self._last_interrupt < TWICE:
            self._end(event)
        else:
            self._last_interrupt = now
            self._show_hint("Ctrl-C again leaves")

    def _suspend(self, event: KeyPressEvent) -> None:
        if self.talk is not None and self.talk.hosting:
            self._show_hint("others are here through you: this cannot be stopped for a while")
        else:
            event.app.suspend_to_background()

    def _show_hint(self, hint: str) -> None:
        self._hint = hint
        self._loop.call_later(TWICE, self._forget_hint)

    def _forget_hint(self) -> None:
        self._hint = ""
        self.refresh()

    def _end(self, _: KeyPressEvent) -> None:
        if self.talk is None:
            self.close()
        else:
            self.talk.leave()


def _history(path: Path | None) -> History:
    """Return what was typed in earlier sessions, in a file that only its user may read."""
    if path is None:
        return InMemoryHistory()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
    except OSError:
        return InMemoryHistory()
    return FileHistory(path)
