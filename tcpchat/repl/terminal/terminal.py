"""The screen of a person: an input line with what stands around it, and the conversation above.

With `input` and `above` the only module that knows prompt-toolkit. It runs before there is a connection,
so that typing works at once; everything that it does not know it asks the Controller that is attached later.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from prompt_toolkit.application import Application
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory, DynamicAutoSuggest
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.enums import DEFAULT_BUFFER
from prompt_toolkit.filters import Condition, has_focus
from prompt_toolkit.formatted_text import AnyFormattedText, FormattedText
from prompt_toolkit.key_binding import (
    ConditionalKeyBindings,
    KeyBindings,
    KeyBindingsBase,
    KeyPressEvent,
    merge_key_bindings,
)
from prompt_toolkit.key_binding.bindings.auto_suggest import load_auto_suggest_bindings
from prompt_toolkit.key_binding.bindings.open_in_editor import load_open_in_editor_bindings
from prompt_toolkit.output.vt100 import Vt100_Output
from prompt_toolkit.styles import DynamicStyle, Style

from tcpchat.repl.input.typeahead import SECRET, Typeahead
from tcpchat.repl.terminal.layout import Around, LiveCompleter, TypedLine, history_of, layout
from tcpchat.repl.terminal.printer import Printer
from tcpchat.repl.view.theme import STYLES

if TYPE_CHECKING:
    from prompt_toolkit.input import Input
    from prompt_toolkit.output import Output

    from tcpchat.repl.controller import Controller
    from tcpchat.repl.input.completion import Candidate
    from tcpchat.repl.questions import Question
    from tcpchat.repl.view.text import Fragments

ALONE = 0.3  # seconds that a key stands alone to be an answer; who types a word is faster
TWICE = 2.0  # seconds in which a second Ctrl-C counts as one
HIDDEN = "HIDDEN"  # the buffer that a password is typed into


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
        self.talk: Controller | None = None
        self.early = Typeahead()
        """What was entered before there was a Controller."""
        self.drawn = asyncio.Event()
        """The input is there."""
        self._greeting = greeting
        self._styles = {name: Style.from_dict(dict(classes)) for name, classes in STYLES.items()}
        self._theme = theme
        self._last_interrupt = float("-inf")
        self._hint = ""
        if output is None:
            output = Vt100_Output.from_pty(sys.stdout, term=os.environ.get("TERM"))
            # The input needs no more lines than it has, so where on the screen it is does not matter.
            output.enable_cpr = False
        suggest = AutoSuggestFromHistory()
        self._buffer = TypedLine(
            name=DEFAULT_BUFFER,
            completer=LiveCompleter(self._candidates),
            complete_while_typing=True,
            auto_suggest=DynamicAutoSuggest(lambda: None if self._question() else suggest),
            history=history_of(history),
            accept_handler=self._accept,
            multiline=True,
            tempfile_suffix=".txt",
            on_text_changed=self._typed,
        )
        self._secret = Buffer(name=HIDDEN)  # no history, no completion
        self._app: Application[None] = Application(
            layout=layout(
                self._buffer,
                self._secret,
                Around(
                    prefix=self._prefix,
                    waiting=self._waiting,
                    toolbar=self._toolbar,
                    asks_secret=self._asks_secret,
                ),
            ),
            key_bindings=merge_key_bindings(
                [
                    load_auto_suggest_bindings(),
                    ConditionalKeyBindings(load_open_in_editor_bindings(), has_focus(DEFAULT_BUFFER)),
                    self._bindings(),
                ]
            ),
            style=DynamicStyle(self._style),
            include_default_pygments_style=False,
            input=input,
            output=output,
            erase_when_done=True,
            after_render=lambda _: self.drawn.set(),
        )
        self._app.ttimeoutlen = 0.05
        self._above = Printer(self._app, self._style)
        self._app.key_processor.before_key_press += self._pressed

    async def run(self) -> None:
        """Show the input until `close`."""
        self._loop = asyncio.get_running_loop()
        await self._app.run_async(set_exception_handler=False, handle_sigint=False)
        self._above.print()

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

    def attach(self, talk: Controller) -> None:
        """Give lines to this conversation from now on, those that were typed early first."""
        self.talk = talk
        self._enter_early()
        if talk.asks_secret:  # which may be what was typed after it
            self._secret.insert_text(self._buffer.text)
            self._buffer.reset()
        self.refresh()

    # What a Screen does.

    @property
    def width(self) -> int:
        return self._app.output.get_size().columns

    def show(self, fragments: Fragments) -> None:
        self._above.show(fragments)

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

    def edit(self, line: str, shown: str) -> None:
        typed = self._buffer.text
        self._buffer.text = f"{line}\n{typed}" if typed else line
        self._buffer.cursor_position = len(line)

    def use_theme(self, name: str) -> None:
        self._theme = name
        self.refresh()

    # How the input looks.

    def _style(self) -> Style:
        return self._styles[self._theme]

    def _candidates(self, before: str) -> list[Candidate]:
        return self.talk.view.complete(before) if self.talk is not None else []

    def _prefix(self, line: int, wrapped: int) -> AnyFormattedText:
        if line == 0 and wrapped == 0:
            return FormattedText(self.talk.view.prompt() if self.talk else [("class:prompt", "▸ ")])
        return [("class:prompt", "  ")]

    def _waiting(self) -> FormattedText:
        early = self.early.waiting(self.width)
        if self.talk is None:
            return FormattedText(early)
        sent = self.talk.waiting()
        return FormattedText([*sent, *([("", "\n")] if sent and early else []), *early])

    def _toolbar(self) -> FormattedText:
        if self._hint:
            return FormattedText([("class:toolbar", f" {self._hint}")])
        return FormattedText(
            self.talk.view.toolbar() if self.talk else [("class:toolbar", f" {self._greeting}")]
        )

    # What keys do.

    def _bindings(self) -> KeyBindingsBase:
        keys = KeyBindings()
        typing = has_focus(DEFAULT_BUFFER)
        keys.add("enter", filter=typing)(lambda _: self._buffer.validate_and_handle())
        keys.add("enter", filter=has_focus(HIDDEN))(lambda _: self._enter_secret())
        keys.add("escape", "enter", filter=typing)(lambda _: self._buffer.newline(copy_margin=False))
        keys.add("c-c")(self._interrupt)
        keys.add("escape", filter=Condition(lambda: self._question() is not None), eager=True)(
            self._take_back
        )
        no_secret = has_focus(HIDDEN) & Condition(lambda: not self._secret.text)
        keys.add("c-d", filter=no_secret)(self._interrupt)
        keys.add("c-d", filter=typing & Condition(lambda: not self._buffer.text))(self._end)
        keys.add("c-l")(lambda _: self.clear())
        keys.add("c-z")(self._suspend)
        return keys

    def _pressed(self, _: object) -> None:
        if self.talk is not None:
            self.talk.here()

    def _question(self) -> Question | None:
        return None if self.talk is None else self.talk.question

    def _typed(self, buffer: Buffer) -> None:
        """Take a key for the answer once it stands there alone for a moment, as in no word that is typed."""
        question, key = self._question(), buffer.text
        if question is not None and len(key) == 1 and key in question.keys:
            self._loop.call_later(ALONE, self._answer, question, key)

    def _answer(self, question: Question, key: str) -> None:
        if self.talk is not None and self.talk.question is question and self._buffer.text == key:
            self._buffer.reset()
            self._enter(key)

    def _enter(self, line: str) -> None:
        assert self.talk is not None
        self.talk.entered(line)
        self._enter_early()

    def _enter_early(self) -> None:
        """Hand on what was typed before there was a connection, as long as nothing is asked."""
        assert self.talk is not None
        while self.talk.question is None and (early := self.early.next()) is not None:
            self.talk.entered(early)

    def _take_back(self, _: KeyPressEvent) -> None:
        """Give up on an answer."""
        assert self.talk is not None
        self.talk.drop_question()
        self._secret.reset()
        self._last_interrupt, self._hint = float("-inf"), ""
        self._enter_early()

    def _accept(self, buffer: Buffer) -> bool:
        """Take the line once the input is empty, so that it may be given back to be changed.

        And before the next key: what was typed ahead may be a password, which must not stand in the input.
        What is in the input then stays there.
        """
        line = buffer.text
        if self.talk is None and Typeahead.leaves(line):
            self.close()
            return True
        if self.talk is None and self.early.may_be_asked():
            self._show_hint("not connected yet: what comes next may be asked for")
            return True
        self._hint = ""
        if self.talk.keeps(line) if self.talk is not None else not SECRET.match(line):
            buffer.append_to_history()
        buffer.reset()
        if self.talk is not None:
            self._enter(line)
        elif line:
            self.early.add(line)
        return True

    def _enter_secret(self) -> None:
        line = self._secret.text
        self._secret.reset()
        if self.talk is not None:
            self._enter(line)

    def _interrupt(self, event: KeyPressEvent) -> None:
        if not event.app.layout.has_focus(DEFAULT_BUFFER):
            event.app.layout.focus(DEFAULT_BUFFER)
        now = self._loop.time()
        if self._question() is not None:
            self._take_back(event)
        elif self._buffer.text:
            self._buffer.reset()
            self._last_interrupt, self._hint = float("-inf"), ""
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

    def _end(self, event: KeyPressEvent) -> None:
        question = self._question()
        if question is not None and question.drop is not None:  # else its line would be lost
            self._take_back(event)
        elif self.talk is None:
            self.close()
        else:
            self.talk.leave()
