"""Keys in the input line: answers, lines that are given back, and lines before there is a connection."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from prompt_toolkit.enums import EditingMode
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output import ColorDepth, DummyOutput

from tcpchat.repl.controller import Controller
from tcpchat.repl.drafts import Draft
from tcpchat.repl.input import fast_lines
from tcpchat.repl.input.completion import Candidate
from tcpchat.repl.model.place import LOBBY_PLACE, Place
from tcpchat.repl.prompts import Question, QuitPrompt
from tcpchat.repl.terminal import input_line
from tcpchat.repl.terminal.terminal import Terminal
from tcpchat.repl.view.text import Fragments

SHORT = 0.05  # seconds that a key stands alone here


class FakeLines:
    """Records what the input line does to the lines."""

    def __init__(self) -> None:
        self.question: Question | None = None
        self.calls: list[str] = []
        self.asks_password = False
        self.given_back: Callable[[], None] = lambda: None

    def may_keep(self, line: str) -> bool:
        return "secret" not in line

    def take_back(self) -> None:
        self.asks_password = False
        if self.question is not None:
            self.question = None
            self.calls.append("take back")
            self.given_back()

    def leave(self) -> None:
        self.calls.append("leave")


class FakeController:
    """A conversation of which only the lines are real."""

    def __init__(self) -> None:
        self.lines = FakeLines()
        self.entered: list[str] = []
        self.pasted: list[bool] = []
        self.hosting = False
        self.seen = 0
        self.model = SimpleNamespace(place=LOBBY_PLACE)

    def enter(self, line: str, *, pasted: bool = False) -> None:
        self.entered.append(line)
        self.pasted.append(pasted)
        self.lines.question = None
        if line.startswith("ask"):
            self.lines.question = QuitPrompt(1, 0)

    def see(self) -> None:
        self.seen += 1

    def complete(self, before: str, *, asked: bool = False) -> list[Candidate]:
        return []

    def prompt(self) -> Fragments:
        return [("", "> ")]

    toolbar = waiting = prompt

    def leave_now(self) -> None:
        self.lines.calls.append("leave now")


class Keyboard:
    """A terminal on a pipe, and the conversation that it is attached to."""

    def __init__(self, terminal: Terminal, keys: PipeInput) -> None:
        self.terminal = terminal
        self.controller = FakeController()
        self.lines = self.controller.lines
        self._keys = keys

    def attach(self) -> None:
        self.terminal.attach(cast("Controller", self.controller))

    async def type(self, keys: str) -> None:
        self._keys.send_text(keys)
        await self.settle()

    async def settle(self, seconds: float = 0.02) -> None:
        await asyncio.sleep(seconds)

    @property
    def line(self) -> str:
        return self.terminal._input.line.text

    async def edited(self) -> None:
        """Wait until the editor is left."""
        editing = self.terminal._input.editing
        assert editing is not None
        await editing

    @property
    def hint(self) -> str:
        return self.terminal._input.hint


Story = Callable[[Keyboard], Awaitable[None]]


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Callable[[Story], None]:
    """Run a story at a keyboard."""
    monkeypatch.setattr(input_line, "ALONE", SHORT)
    monkeypatch.setattr(fast_lines, "FAST", 0)  # as if each key of a test came alone

    async def run(story: Story, keys: PipeInput) -> None:
        terminal = Terminal("connecting", "dark", None, input=keys, output=DummyOutput())
        drawing = asyncio.create_task(terminal.run())
        await terminal.drawn.wait()
        await story(Keyboard(terminal, keys))
        terminal.close()
        await drawing

    def play(story: Story) -> None:
        with create_pipe_input() as keys:
            asyncio.run(run(story, keys))

    return play


def test_a_key_that_stands_alone_is_the_answer(play: Callable[[Story], None]) -> None:
    async def story(keyboard: Keyboard) -> None:
        keyboard.attach()
        await keyboard.type("ask\r")
        await keyboard.type("y")
        assert keyboard.controller.entered == ["ask"], "a word may follow"
        await keyboard.settle(SHORT * 2)
        assert keyboard.controller.entered == ["ask", "y"]
        assert keyboard.line == ""

    play(story)


@pytest.mark.parametrize("keys", ["yes", "x", "yn", "y\x7fz"])
def test_a_word_is_no_answer_until_enter(play: Callable[[Story], None], keys: str) -> None:
    async def story(keyboard: Keyboard) -> None:
        keyboard.attach()
        await keyboard.type(f"ask\r{keys}")
        await keyboard.settle(SHORT * 2)
        assert keyboard.controller.entered == ["ask"]
        await keyboard.type("\r")
        assert keyboard.controller.entered == ["ask", keys.replace("y\x7f", "")]

    play(story)


def test_a_key_without_a_question_is_a_letter(play: Callable[[Story], None]) -> None:
    async def story(keyboard: Keyboard) -> None:
        keyboard.attach()
        await keyboard.type("y")
        await keyboard.settle(SHORT * 2)
        assert (keyboard.controller.entered, keyboard.line) == ([], "y")
        assert keyboard.controller.seen > 0

    play(story)


@pytest.mark.parametrize("key", ["\x1b", "\x03"])
def test_escape_and_ctrl_c_take_the_question_back(play: Callable[[Story], None], key: str) -> None:
    async def story(keyboard: Keyboard) -> None:
        keyboard.attach()
        await keyboard.type("ask\r")
        await keyboard.type(key)
        await keyboard.settle(0.1)
        assert keyboard.lines.calls == ["take back"]
        await keyboard.type("\x03")
        assert keyboard.hint == "Ctrl-C again leaves"
        await keyboard.type("\x03")
        assert keyboard.lines.calls == ["take back", "leave"]

    play(story)


@pytest.mark.parametrize("mode", EditingMode)
def test_answers_of_the_terminal_change_nothing(play: Callable[[Story], None], mode: EditingMode) -> None:
    async def story(keyboard: Keyboard) -> None:
        keyboard.attach()
        keyboard.terminal._app.editing_mode = mode
        await keyboard.type("said before\r")
        await keyboard.type("one \x1b_Gi=31;OK\x1b\\two \x1b]11;rgb:00")
        await keyboard.settle(0.1)
        await keyboard.type("00/0000/0000\x1b\\\x1b[?64;22c\x1bP>|kitty(0.26)\x1b\\\x1b[?2026;2$ythree")
        assert keyboard.line == "one two three"

    play(story)


def test_a_returned_line_stands_before_the_typed_one(play: Callable[[Story], None]) -> None:
    async def story(keyboard: Keyboard) -> None:
        keyboard.attach()
        keyboard.terminal.edit("given back", "given back")
        await keyboard.type("!")
        assert keyboard.line == "given back!"
        keyboard.terminal.edit("first", "first")
        await keyboard.type("!")
        assert keyboard.line == "first!\ngiven back!"

    play(story)


def test_ctrl_c_drops_the_line_and_ctrl_d_leaves(play: Callable[[Story], None]) -> None:
    async def story(keyboard: Keyboard) -> None:
        keyboard.attach()
        await keyboard.type("draft\x04")
        assert keyboard.line == "draft", "Ctrl-D in a line deletes a character"
        await keyboard.type("\x03")
        assert keyboard.line == ""
        await keyboard.type("\x04")
        assert keyboard.lines.calls == ["leave"]
        keyboard.terminal.leave_now()
        assert keyboard.lines.calls == ["leave", "leave now"]

    play(story)


def test_passwords_go_into_a_buffer_of_their_own(play: Callable[[Story], None]) -> None:
    async def story(keyboard: Keyboard) -> None:
        keyboard.attach()
        keyboard.lines.asks_password = True
        keyboard.terminal.refresh()
        await keyboard.type("hunter2")
        assert keyboard.line == ""
        await keyboard.type("\r")
        assert keyboard.controller.entered == ["hunter2"]
        assert list(keyboard.terminal._input.line.history.get_strings()) == []
        await keyboard.type("\x04")
        assert keyboard.lines.calls == ["take back"] or keyboard.hint

    play(story)


def test_a_host_is_not_suspended(play: Callable[[Story], None]) -> None:
    async def story(keyboard: Keyboard) -> None:
        keyboard.attach()
        keyboard.controller.hosting = True
        await keyboard.type("\x1a")
        assert "a host cannot be suspended" in keyboard.hint

    play(story)


# Before there is a connection.


def test_lines_wait_for_the_connection_and_then_for_answers(play: Callable[[Story], None]) -> None:
    async def story(keyboard: Keyboard) -> None:
        await keyboard.type("one\rask\rtwo\rthree\r")
        assert keyboard.controller.entered == []
        keyboard.attach()
        assert keyboard.controller.entered == ["one", "ask"]
        await keyboard.type("yes\r")
        assert keyboard.controller.entered == ["one", "ask", "yes", "two", "three"]
        assert list(keyboard.terminal.typeahead.unsent()) == []

    play(story)


def test_a_line_that_may_be_a_password_waits_in_the_input(play: Callable[[Story], None]) -> None:
    async def story(keyboard: Keyboard) -> None:
        await keyboard.type("/login bob\rhunter2\r")
        assert keyboard.line == "hunter2"
        assert "the next line may be a password" in keyboard.hint
        keyboard.lines.asks_password = True
        keyboard.attach()
        assert keyboard.line == ""
        assert keyboard.terminal._input.password.text == "hunter2"

    play(story)


@pytest.mark.parametrize("keys", ["exit\r", "/exit\r", "\x04", "\x03\x03"])
def test_leaving_needs_no_connection(play: Callable[[Story], None], keys: str) -> None:
    async def story(keyboard: Keyboard) -> None:
        await keyboard.type(keys)
        app: Any = keyboard.terminal._app
        assert app.future is None or app.future.done()

    play(story)


def test_a_signal_before_the_connection_ends_the_input(play: Callable[[Story], None]) -> None:
    async def story(keyboard: Keyboard) -> None:
        keyboard.terminal.leave_now()
        await keyboard.settle()
        keyboard.terminal.close()

    play(story)


def test_lines_go_into_the_history_unless_they_may_hold_a_password(play: Callable[[Story], None]) -> None:
    async def story(keyboard: Keyboard) -> None:
        await keyboard.type("early\r/login bob x\r")
        keyboard.terminal.typeahead.next()
        keyboard.terminal.typeahead.next()
        keyboard.attach()
        await keyboard.type("hello\rsecret\r")
        assert list(keyboard.terminal._input.line.history.get_strings()) == ["early", "hello"]

    play(story)


PASTE = "\x1b[200~{}\x1b[201~"


@pytest.mark.parametrize(
    ("keys", "pasted"),
    [
        (PASTE.format("/users\rand more"), True),
        (PASTE.format("/users\nand more") + " typed", True),
        (" " + PASTE.format("/users\nand more"), True),
        (PASTE.format("/users\r"), False),
        ("/send -u bob " + PASTE.format("one\ntwo"), False),
        ("/users\x1b\rtyped", False),
        (PASTE.format("one\ntwo") + "\x03/users", False),
        (PASTE.format("one\ntwo") + "\x7f" * 7 + "/users", False),
    ],
)
def test_lines_know_whether_they_begin_with_a_paste(
    play: Callable[[Story], None], keys: str, pasted: bool
) -> None:
    async def story(keyboard: Keyboard) -> None:
        keyboard.attach()
        await keyboard.type(keys)
        await keyboard.type("\r")
        assert keyboard.controller.pasted == [pasted]

    play(story)


@pytest.mark.parametrize(
    ("keys", "line", "entered"),
    [
        ("one\rtwo\r", "one\ntwo\n", []),  # all of screen's own paste comes at once
        ("one\r/users\rthree", "one\n/users\nthree", []),
        ("/clear\n\n/exit\r", "/clear\n\n/exit\n", []),
        ("one\r", "", ["one"]),
        ("one\r\r", "", ["one"]),
        (PASTE.format("one\rtwo") + "\r", "", ["one\ntwo"]),
        ("one\x1b\rtwo\r", "", ["one\ntwo"]),
        ("\r", "", [""]),
        ("/login bob\rhunter2\r", "", ["/login bob", "hunter2"]),
    ],
)
def test_lines_that_nobody_types_so_fast_stay_in_the_input(
    play: Callable[[Story], None], monkeypatch: pytest.MonkeyPatch, keys: str, line: str, entered: list[str]
) -> None:
    async def story(keyboard: Keyboard) -> None:
        keyboard.attach()
        monkeypatch.setattr(fast_lines, "FAST", 60)  # seconds, on a busy machine
        monkeypatch.setattr(fast_lines, "QUIET", SHORT)
        await keyboard.type(keys)
        await keyboard.settle(SHORT * 4)
        assert (keyboard.line, keyboard.controller.entered) == (line, entered)
        assert ("Enter sends one message" in keyboard.hint) == bool(line)
        monkeypatch.setattr(fast_lines, "FAST", 0)
        if line:
            await keyboard.type("\r")
            assert (keyboard.controller.entered, keyboard.controller.pasted) == ([line], [True])
            assert (keyboard.line, keyboard.hint) == ("", "")

    play(story)


@pytest.mark.parametrize("new_line", ["\x1b\r", "\x1bOM"])
@pytest.mark.parametrize("enter", ["\r", "\n"])
def test_a_new_line_has_a_key_everywhere_and_both_kinds_of_enter_send(
    play: Callable[[Story], None], new_line: str, enter: str
) -> None:
    async def story(keyboard: Keyboard) -> None:
        keyboard.attach()
        await keyboard.type(f"one{new_line}two")
        assert keyboard.line == "one\ntwo"
        await keyboard.type(enter)  # LF is the keypad's in alacritty and tmux
        assert keyboard.controller.entered == ["one\ntwo"]

    play(story)


def test_escape_and_then_enter_begin_a_line_too(play: Callable[[Story], None]) -> None:
    async def story(keyboard: Keyboard) -> None:
        keyboard.attach()
        await keyboard.type("one")
        await keyboard.type("\x1b")
        await keyboard.settle(0.1)  # Escape is a key of its own by now
        await keyboard.type("\r")
        await keyboard.type("two")
        assert keyboard.line == "one\ntwo"

    play(story)


def test_help_keys_shows_what_a_key_sends_in_place_of_what_it_does(play: Callable[[Story], None]) -> None:
    async def story(keyboard: Keyboard) -> None:
        told: list[str] = []
        keyboard.attach()
        keyboard.terminal.watch_key(told.append)
        assert "press a key" in keyboard.hint
        await keyboard.type("\x1b[A")
        assert told == ["that key sends Esc [ A (bytes 1b 5b 41); it did nothing else"]
        assert (keyboard.hint, keyboard.line) == ("", "")

    play(story)


@pytest.mark.parametrize(("term", "is_screen"), [("screen", True), ("screen.xterm", True), ("xterm", False)])
def test_screen_gets_256_colours_at_most(
    play: Callable[[Story], None], monkeypatch: pytest.MonkeyPatch, term: str, is_screen: bool
) -> None:
    monkeypatch.setenv("TERM", term)

    async def story(keyboard: Keyboard) -> None:
        assert (keyboard.terminal._app.color_depth == ColorDepth.DEPTH_8_BIT) == is_screen

    play(story)


def test_an_answer_is_never_held(play: Callable[[Story], None], monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(keyboard: Keyboard) -> None:
        keyboard.attach()
        await keyboard.type("ask\r")
        monkeypatch.setattr(fast_lines, "FAST", 60)
        await keyboard.type("yes\r")
        assert keyboard.controller.entered == ["ask", "yes"]

    play(story)


def test_a_paste_before_the_connection_is_still_one(play: Callable[[Story], None]) -> None:
    async def story(keyboard: Keyboard) -> None:
        await keyboard.type(PASTE.format("/users\rand more") + "\r")
        keyboard.attach()
        assert keyboard.controller.pasted == [True]

    play(story)


def test_no_key_sends_a_line_as_a_comment(play: Callable[[Story], None]) -> None:
    async def story(keyboard: Keyboard) -> None:
        keyboard.attach()
        await keyboard.type("login alice secret\x1b#")
        await keyboard.settle()
        assert keyboard.controller.entered == []
        assert keyboard.line == "login alice secret"

    play(story)


@pytest.mark.parametrize(
    ("editor", "left"),
    [
        ("true", "draft do not send"),  # as :q! in vi
        ("false", "draft do not send"),  # as :cq
        ('printf " and more" >>', "draft do not send and more"),  # as :wq
    ],
)
def test_what_an_editor_leaves_comes_back_and_enter_sends_it(
    play: Callable[[Story], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, editor: str, left: str
) -> None:
    script = tmp_path / "editor"
    script.write_text(f'#!/bin/sh\n{editor} "$1"\n')
    script.chmod(0o700)
    monkeypatch.setenv("VISUAL", str(script))

    async def story(keyboard: Keyboard) -> None:
        keyboard.attach()
        await keyboard.type("draft do not send\x18\x05")
        await keyboard.edited()
        assert (keyboard.line, keyboard.controller.entered) == (left, [])
        await keyboard.type("\r")
        assert keyboard.controller.entered == [left]

    play(story)


def test_what_is_typed_and_not_sent_is_a_draft_for_its_place(play: Callable[[Story], None]) -> None:
    async def story(keyboard: Keyboard) -> None:
        keyboard.attach()
        assert keyboard.terminal.draft(all_lines=True) is None
        await keyboard.type("half a\x1b\rthought")
        assert keyboard.terminal.draft(all_lines=True) == Draft(text="half a\nthought")
        keyboard.controller.model.place = Place.direct("bob")
        assert keyboard.terminal.draft(all_lines=True) == Draft(text="half a\nthought", to="bob")

    play(story)


def test_lines_that_wait_for_a_connection_are_in_the_draft_of_a_window_that_is_closed(
    play: Callable[[Story], None],
) -> None:
    async def story(keyboard: Keyboard) -> None:
        await keyboard.type("early\r")
        await keyboard.type("late")
        assert keyboard.terminal.draft(all_lines=False) == Draft(text="late")
        assert keyboard.terminal.draft(all_lines=True) == Draft(text="early\nlate")

    play(story)


def test_the_line_of_an_open_question_is_in_the_draft(play: Callable[[Story], None]) -> None:
    async def story(keyboard: Keyboard) -> None:
        keyboard.attach()
        keyboard.lines.given_back = lambda: keyboard.terminal.edit("ask me", "ask me")
        await keyboard.type("ask me\r")
        assert keyboard.terminal.draft(all_lines=True) == Draft(text="ask me")

    play(story)


@pytest.mark.parametrize("keys", ["my secret", "/login bob hunter2", "one\x1b\r/login bob hunter2", "  "])
def test_what_may_be_a_password_is_in_no_draft(play: Callable[[Story], None], keys: str) -> None:
    async def story(keyboard: Keyboard) -> None:
        keyboard.attach()
        await keyboard.type(keys)
        assert keyboard.terminal.draft(all_lines=True) is None

    play(story)


def test_text_after_a_secret_question_is_in_no_draft(play: Callable[[Story], None]) -> None:
    async def story(keyboard: Keyboard) -> None:
        keyboard.attach()
        await keyboard.type("ask\r")
        question = keyboard.lines.question
        assert question is not None
        question.private = True
        await keyboard.type("hunter2")
        assert keyboard.terminal.draft(all_lines=True) is None

    play(story)


def test_a_draft_stands_in_the_input_and_goes_where_it_was_to_go(play: Callable[[Story], None]) -> None:
    async def story(keyboard: Keyboard) -> None:
        keyboard.terminal.restore(Draft(text="/users\nand more", pasted=True, to="bob"))
        assert keyboard.line == "/users\nand more"
        assert "Enter sends it" in keyboard.hint
        keyboard.attach()
        await keyboard.type("!\r")
        assert keyboard.controller.entered == ["/to bob", "/users\nand more!"]
        assert keyboard.controller.pasted == [False, True]
        assert keyboard.hint == ""

    play(story)


def test_a_draft_that_is_sent_before_the_connection_goes_there_too(play: Callable[[Story], None]) -> None:
    async def story(keyboard: Keyboard) -> None:
        keyboard.terminal.restore(Draft(text="psst", to="bob"))
        await keyboard.type("\r")
        keyboard.attach()
        assert keyboard.controller.entered == ["/to bob", "psst"]

    play(story)
