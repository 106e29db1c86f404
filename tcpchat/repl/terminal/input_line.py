"""The input line: what keys do to it, and where the lines go that are entered.

Until there is a connection they are kept; then the controller that is attached gets them.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from prompt_toolkit.auto_suggest import AutoSuggestFromHistory, DynamicAutoSuggest
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.enums import DEFAULT_BUFFER
from prompt_toolkit.filters import Condition, emacs_mode, has_focus, has_selection, vi_navigation_mode
from prompt_toolkit.key_binding import (
    KeyBindings,
    KeyBindingsBase,
    KeyPressEvent,
    merge_key_bindings,
)
from prompt_toolkit.key_binding.bindings.auto_suggest import load_auto_suggest_bindings
from prompt_toolkit.keys import Keys

from tcpchat.repl.drafts import Draft
from tcpchat.repl.input import fast_lines
from tcpchat.repl.input.fast_lines import NEVER, FastLines
from tcpchat.repl.input.typeahead import SECRET, Typeahead
from tcpchat.repl.terminal.layout import LiveCompleter, TypedLine, history_of

if TYPE_CHECKING:
    import asyncio
    from asyncio import AbstractEventLoop

    from prompt_toolkit.application import Application

    from tcpchat.repl.controller import Controller
    from tcpchat.repl.input.completion import Candidate
    from tcpchat.repl.prompts import Question

KEPT = "this was typed and not sent when you left: Enter sends it, Ctrl-C drops it"
ALONE = 0.3  # seconds that a key stands alone to be an answer; within a word the next one comes sooner
TWICE = 2.0  # seconds in which a second Ctrl-C counts as one
PASSWORD = "PASSWORD"  # noqa: S105  # the name of the buffer that a password is typed into


class InputLine:
    """Two buffers, for lines and for passwords, and what keys do. `start` comes before the first key."""

    def __init__(self, history: Path | None) -> None:
        self.controller: Controller | None = None
        self.typeahead = Typeahead()
        """The lines that were entered before there was a controller."""
        self.hint = ""
        """A text that stands in the toolbar for a moment."""
        suggest = AutoSuggestFromHistory()
        self.line = TypedLine(
            name=DEFAULT_BUFFER,
            completer=LiveCompleter(self._candidates),
            complete_while_typing=True,
            auto_suggest=DynamicAutoSuggest(lambda: None if self._question() else suggest),
            history=history_of(history),
            accept_handler=self._accept,
            multiline=True,
            tempfile_suffix=".txt",
            on_text_changed=self._changed,
        )
        self.password = Buffer(name=PASSWORD)  # no history, no completion
        self.editing: asyncio.Task[None] | None = None
        """The editor that was opened last."""
        self._last_interrupt = NEVER
        self._to: str | None = None  # where a draft is to go, until there is a controller
        self._fast = FastLines()
        self._holding: asyncio.TimerHandle | None = None  # lines that came too fast

    def start(self, app: Application[None], loop: AbstractEventLoop) -> None:
        """Take the application whose input this is."""
        self._app, self._loop = app, loop
        app.key_processor.before_key_press += self._see

    def attach(self, controller: Controller) -> None:
        """Hand lines to this conversation from now on, those that were entered before first."""
        self.controller = controller
        if self._to is not None:
            controller.enter(f"/to {self._to}")  # where that is refused, text is asked about
            self._to = None
        self._enter_typeahead()
        if self.asks_password():  # which may be what was typed after it
            self.password.insert_text(self.line.text)
            self.line.reset()

    def asks_password(self) -> bool:
        """Return whether a password is asked for."""
        return self.controller is not None and self.controller.lines.asks_password

    def focus(self) -> None:
        """Let keys go to the buffer that is asked for."""
        layout = self._app.layout
        if self.asks_password():
            layout.focus(self.password)
        elif layout.has_focus(self.password):
            self.password.reset()
            layout.focus(self.line)

    def edit(self, line: str) -> None:
        """Put a line into the input, before what is typed there already."""
        typed = self.line.text
        self.line.text = f"{line}\n{typed}" if typed else line
        self.line.pasted = False
        self.line.cursor_position = len(line)

    def restore(self, draft: Draft) -> None:
        """Put a draft into the input, to be sent where it was to go."""
        self.line.text, self._to = draft.text, draft.to
        self.line.cursor_position = len(draft.text)
        self.line.pasted, self.hint = draft.pasted, KEPT

    def draft(self, *, all_lines: bool) -> Draft | None:
        """Return what is typed and not sent, unless it may be a password.

        With `all_lines` those that were entered before there is a connection, too. A question is closed, and
        the line that it is about is typed again.
        """
        question, pasted = self._question(), self.line.pasted
        if question is not None and (question.secret or question.private):
            return None
        if self.controller is not None:
            self.controller.lines.take_back()
        lines = [*(self.typeahead.harmless() if all_lines else ()), self.line.text]
        text = "\n".join(line for line in lines if line.strip())
        if not text or SECRET.search(text) or (self.controller and not self.controller.lines.may_keep(text)):
            return None
        to = self._to if self.controller is None else self.controller.model.place.user
        return Draft(text=text, pasted=pasted, to=to)

    def close(self) -> None:
        """End the application."""
        if self._app.is_running and self._app.future is not None and not self._app.future.done():
            self._app.exit()

    def bindings(self) -> KeyBindingsBase:
        """Return what keys do."""
        keys = KeyBindings()
        typing, hidden = has_focus(DEFAULT_BUFFER), has_focus(PASSWORD)
        asked = Condition(lambda: self._question() is not None)
        keys.add("enter", filter=typing)(lambda _: self._end_line())
        keys.add("enter", filter=hidden)(lambda _: self._accept_password())
        keys.add("escape", "enter", filter=typing)(lambda _: self.line.newline(copy_margin=False))
        keys.add("escape", filter=asked, eager=True)(lambda _: self._take_back())
        keys.add("c-c")(self._interrupt)
        keys.add("c-d", filter=hidden & Condition(lambda: not self.password.text))(self._interrupt)
        keys.add("c-d", filter=typing & Condition(lambda: not self.line.text))(lambda _: self._end())
        keys.add("c-l")(lambda event: event.app.renderer.clear())
        keys.add("c-z")(self._suspend)
        keys.add(Keys.BracketedPaste, filter=typing)(self._paste)
        # The editor brings the text back, and Enter sends it: who leaves an editor may not want to.
        keys.add("c-x", "c-e", filter=typing & emacs_mode & ~has_selection)(self._open_editor)
        keys.add("v", filter=typing & vi_navigation_mode)(self._open_editor)
        keys.add("escape", "#", filter=typing & emacs_mode)(lambda _: None)  # sends the line as a comment
        return merge_key_bindings([load_auto_suggest_bindings(), keys])

    def _open_editor(self, _: KeyPressEvent) -> None:
        self.editing = self.line.open_in_editor(validate_and_handle=False)

    def _candidates(self, before: str, asked: bool) -> list[Candidate]:  # noqa: FBT001  # by position
        return [] if self.controller is None else self.controller.complete(before, asked=asked)

    def _question(self) -> Question | None:
        return None if self.controller is None else self.controller.lines.question

    def _paste(self, event: KeyPressEvent) -> None:
        self.line.paste(event.data)
        self._fast.forget()

    def _end_line(self) -> None:
        """Take the line, unless more lines may follow that nobody types: those are one paste."""
        line = self.line.text
        if self._question() is not None or SECRET.match(line) or not self._fast.hold(line):
            self.line.validate_and_handle()
            return
        self.line.cursor_position = len(line)
        self.line.newline(copy_margin=False)
        if self._holding is None:
            self._holding = self._loop.call_later(fast_lines.QUIET, self._release)

    def _release(self) -> None:
        """Take what is held if it is one line after all; a paste stays in the input."""
        if not self._fast.is_over(self._loop.time()):
            self._holding = self._loop.call_later(fast_lines.QUIET, self._release)
            return
        self._holding = None
        text = self.line.text
        line = self._fast.release(text)
        if line is not None:
            self.line.text = line
            self.line.validate_and_handle()
        elif "\n" in text:
            self.line.pasted, self.hint = True, fast_lines.hint(text)
            self._app.invalidate()

    def _see(self, _: object) -> None:
        self._fast.key(self._loop.time())
        if self.controller is not None:
            self.controller.see()

    def _changed(self, buffer: Buffer) -> None:
        """Take a key for the answer once it has stood alone for a moment, as in no word that is typed."""
        question, key = self._question(), buffer.text
        if not key:
            self.line.pasted = False
            self.hint = ""
        if question is not None and len(key) == 1 and key in question.keys:
            self._loop.call_later(ALONE, self._answer, question, key)

    def _answer(self, question: Question, key: str) -> None:
        if self._question() is question and self.line.text == key:
            self.line.reset()
            self._enter(key)

    def _accept(self, buffer: Buffer) -> bool:
        """Take the line once the input is empty, so that it may be given back to be changed.

        And before the next key: what was typed ahead may be a password, which must not stand in the input.
        What is in the input then stays there.
        """
        line = buffer.text
        if self.controller is None and Typeahead.leaves(line):
            self.close()
            return True
        if self.controller is None and self.typeahead.may_be_asked():
            self._show_hint("not connected yet: the next line may be a password")
            return True
        self.hint = ""
        if not SECRET.match(line) if self.controller is None else self.controller.lines.may_keep(line):
            buffer.append_to_history()
        pasted = self.line.pasted
        buffer.reset()
        self._enter(line, pasted=pasted)
        return True

    def _accept_password(self) -> None:
        line = self.password.text
        self.password.reset()
        self._enter(line)

    def _enter(self, line: str, *, pasted: bool = False) -> None:
        if self.controller is not None:
            self.controller.enter(line, pasted=pasted)
            self._enter_typeahead()
        elif line:
            self.typeahead.add(line, pasted=pasted)

    def _enter_typeahead(self) -> None:
        """Hand on lines that were entered before there was a connection, until one raises a question."""
        while self.controller is not None and self._question() is None:
            typed = self.typeahead.next()
            if typed is None:
                return
            self.controller.enter(typed[0], pasted=typed[1])

    def _take_back(self) -> None:
        """Close the question without an answer."""
        if self.controller is not None:
            self.controller.lines.take_back()
        self.password.reset()
        self._last_interrupt, self.hint = NEVER, ""
        self._enter_typeahead()

    def _interrupt(self, event: KeyPressEvent) -> None:
        if not event.app.layout.has_focus(DEFAULT_BUFFER):
            event.app.layout.focus(DEFAULT_BUFFER)
        now = self._loop.time()
        if self._question() is not None:
            self._take_back()
        elif self.line.text:
            self.line.reset()
            self._last_interrupt, self.hint = NEVER, ""
        elif now - self._last_interrupt < TWICE:
            self._end()
        else:
            self._last_interrupt = now
            self._show_hint("Ctrl-C again leaves")

    def _end(self) -> None:
        if self.controller is None:
            self.close()
        else:
            self.controller.lines.leave()

    def _suspend(self, event: KeyPressEvent) -> None:
        if self.controller is not None and self.controller.hosting:
            self._show_hint("the chat would stop for everyone: a host cannot be suspended")
        else:
            event.app.suspend_to_background()

    def _show_hint(self, hint: str) -> None:
        self.hint = hint
        self._loop.call_later(TWICE, self._hide_hint)

    def _hide_hint(self) -> None:
        self.hint = ""
        self._app.invalidate()
