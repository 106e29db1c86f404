"""Questions: what each answer does, without a screen or a server."""

from __future__ import annotations

import pytest

from tcpchat.protocol import Login, NeedsSecret, Register
from tcpchat.repl.input.parse import Ambiguous, Call, Misplaced, NeedsPassword, SendText, understand
from tcpchat.repl.prompts import (
    HELD,
    Action,
    Ask,
    CommandOrText,
    Fail,
    GiveBack,
    HeldLine,
    Keep,
    Leave,
    OptionOrText,
    PasswordPrompt,
    QuitPrompt,
    RunLine,
    Tell,
    losses,
    refusal,
    refuse,
)


def ambiguous(line: str) -> Ambiguous:
    meaning = understand(line)
    assert isinstance(meaning, Ambiguous)
    return meaning


def incomplete(line: str) -> NeedsSecret:
    meaning = understand(line)
    assert isinstance(meaning, NeedsPassword)
    return meaning.incomplete


# Command or text.


@pytest.mark.parametrize(
    ("line", "answer", "actions"),
    [
        ("send hi", "c", [RunLine("/send hi")]),
        ("send hi", " c ", [RunLine("/send hi")]),
        ("send hi", "command", [RunLine("/send hi")]),
        ("send hi", "t", [SendText("send hi")]),
        ("send hi", "text", [SendText("send hi")]),
        ("Send hi", "C", [Keep("send", "command"), RunLine("/Send hi")]),
        ("send hi", "T", [Keep("send", "text"), SendText("send hi")]),
        ("send hi", "", [GiveBack("send hi", "send hi")]),
        ("send hi", "n", [GiveBack("send hi", "send hi")]),
        ("send hi", " No ", [GiveBack("send hi", "send hi")]),
        ("send hi", "q", [GiveBack("send hi", "send hi")]),
        ("sned -u bob x", "c", [RunLine("/send -u bob x")]),
        ("login bob x", "", [GiveBack("login bob x", "login …")]),
    ],
)
def test_a_line_is_run_sent_or_given_back(line: str, answer: str, actions: list[Action]) -> None:
    assert CommandOrText(ambiguous(line)).answer(answer) == actions


@pytest.mark.parametrize(
    ("line", "other"),
    [
        ("send hi", "hello"),
        ("send hi", "nope"),
        ("sned -u bob x", "C"),
        ("login bob x", "T"),
    ],
)
def test_what_is_no_answer_is_asked_about_once_more(line: str, other: str) -> None:
    question = CommandOrText(ambiguous(line))
    tell, again = question.answer(other)
    assert tell == Tell(f"“{other}” is no answer, and was not sent")
    assert again == Ask(question)


def test_a_line_with_a_password_is_no_answer_and_shown_nowhere() -> None:
    question = CommandOrText(ambiguous("send hi"))
    tell, _ = question.answer("/login bob hunter2")
    assert tell == Tell("that is no answer, and was not sent")
    assert question.take_back()[0] == GiveBack("/login bob hunter2", "…")


def test_an_answer_after_it_counts_and_the_line_comes_back() -> None:
    question = CommandOrText(ambiguous("send hi"))
    question.answer("hello")
    assert question.answer("t") == [SendText("send hi"), GiveBack("hello", "hello")]


@pytest.mark.parametrize("other", ["", "n"])
def test_what_was_no_answer_comes_back_with_the_line(other: str) -> None:
    question = CommandOrText(ambiguous("send hi"))
    question.answer("hello")
    back = [GiveBack("hello", "hello"), GiveBack("send hi", "send hi")]
    assert question.take_back() == question.answer(other) == back, "the last one stands first in the input"


def test_after_two_lines_that_are_no_answer_everything_comes_back() -> None:
    question = CommandOrText(ambiguous("send hi"))
    question.answer("hello")
    assert question.answer("anybody?") == [
        GiveBack("anybody?", "anybody?"),
        GiveBack("hello", "hello"),
        GiveBack("send hi", "send hi"),
    ]


def test_a_line_is_given_back_without_an_answer_too() -> None:
    assert CommandOrText(ambiguous("send hi")).take_back() == [GiveBack("send hi", "send hi")]


@pytest.mark.parametrize(
    ("line", "text", "short", "keys"),
    [
        ("send hi", "“send hi”: command or text?", "c: command, t: text, Esc: edit; C or T: always", "ctCT"),
        ("login a b", "“login …”: command or text?", "c: command, t: text, Esc: edit; C: always", "ctC"),
        ("quit", "“quit”: the command /exit, or text?", "c: command, t: text, Esc: edit", "ct"),
        (
            "sned -u bob x",
            "“sned -u bob x”: the command /send -u bob x, or text?",
            "c: command, t: text, Esc: edit",
            "ct",
        ),
    ],
)
def test_the_question_shows_the_line_and_its_answers(line: str, text: str, short: str, keys: str) -> None:
    question = CommandOrText(ambiguous(line))
    assert (question.text, question.short, question.keys) == (text, short, keys)
    assert not question.secret


def test_a_line_after_a_login_is_never_sent_since_it_may_be_the_password() -> None:
    question = CommandOrText(ambiguous("login alice"))
    assert question.private
    first, second = question.answer("hunter2"), question.answer("hunter3")
    assert first == [Tell("that is no answer, and was not sent"), Ask(question)]
    assert second == [GiveBack("login alice", "login alice")]
    assert not CommandOrText(ambiguous("send hi")).private


def test_without_a_person_an_ambiguous_line_is_refused() -> None:
    assert refuse(ambiguous("send hi")) == [Fail(refusal(ambiguous("send hi")))]
    failed, ask = refuse(ambiguous("login alice"))
    assert isinstance(failed, Fail)
    assert isinstance(ask, Ask)
    assert isinstance(ask.question, HeldLine)
    assert ask.question.secret
    assert ask.question.answer("hunter2") == [Fail(HELD)]
    assert ask.question.answer("") == []


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("send hi", "not sent: “send hi” may be a command (write /send hi) or text (start it with a space)"),
        (
            "login a b",
            "not sent: “login …” may be a command (write it with /) or text (start it with a space)",
        ),
    ],
)
def test_a_refusal_shows_both_ways(line: str, text: str) -> None:
    assert refusal(ambiguous(line)) == text


# Passwords.


def test_a_new_password_is_asked_for_twice() -> None:
    first = PasswordPrompt(incomplete("/register"), person=True)
    assert first.secret
    assert (first.text, first.short) == (
        "the password that you choose, which is not shown (an empty line cancels)",
        "the password that you choose",
    )
    (ask,) = first.answer("correct horse")
    assert isinstance(ask, Ask)
    again = ask.question
    assert (again.text, again.short) == (
        "repeat the password (an empty line cancels)",
        "repeat the password",
    )
    assert again.answer("correct horse\n") == [Call(Register(password="correct horse"))]
    tell, once_more = again.answer("correct house")
    assert tell == Tell("the passwords do not match; try again")
    assert isinstance(once_more, Ask)
    assert once_more.question.short == first.short


def test_a_script_gives_a_new_password_once() -> None:
    prompt = PasswordPrompt(incomplete("/register"), person=False)
    assert prompt.text == ""
    assert prompt.answer("correct horse") == [Call(Register(password="correct horse"))]


def test_an_old_password_is_asked_for_once_and_then_the_new_one() -> None:
    login = PasswordPrompt(incomplete("/login bob"), person=True)
    assert login.answer("x") == [Call(Login(name="bob", password="x"))]
    (ask,) = PasswordPrompt(incomplete("/password"), person=True).answer("old one")
    assert isinstance(ask, Ask)
    assert ask.question.short == "the new password"


@pytest.mark.parametrize(
    ("person", "action"),
    [
        (True, Tell("login was cancelled")),
        (False, Fail("login was cancelled, since its password is not on the next line")),
    ],
)
def test_an_empty_line_cancels(person: bool, action: Action) -> None:
    assert PasswordPrompt(incomplete("/login bob"), person=person).answer("") == [action]


def test_a_password_that_is_no_text_fails() -> None:
    (action,) = PasswordPrompt(incomplete("/login bob"), person=False).answer("\udcff")
    assert isinstance(action, Fail)


# Leaving.

ONE_AND_TWO = (
    "one message has not been sent yet and 2 other people are connected, and the chat stops when you leave"
)


@pytest.mark.parametrize(
    ("answer", "actions"),
    [
        ("y", [Leave()]),
        (" YES", [Leave()]),
        ("n", [Tell("you stay")]),
        ("no", [Tell("you stay")]),
        ("", [Tell("you stay")]),
        ("q", [Tell("you stay")]),
    ],
)
def test_only_a_yes_leaves(answer: str, actions: list[Action]) -> None:
    question = QuitPrompt(1, 0)
    assert question.answer(answer) == actions
    assert question.take_back() == [Tell("you stay")]
    tell, again = question.answer("users")
    assert isinstance(tell, Tell)
    assert again == Ask(question)
    assert question.answer("users") == [
        GiveBack("users", "users"),
        GiveBack("users", "users"),
        Tell("you stay"),
    ]


@pytest.mark.parametrize(
    ("unsent", "others", "text"),
    [
        (0, 0, ""),
        (0, -1, ""),
        (1, 0, "one message has not been sent yet"),
        (2, 0, "2 messages have not been sent yet"),
        (0, 1, "1 other person is connected, and the chat stops when you leave"),
        (
            1,
            2,
            ONE_AND_TWO,
        ),
    ],
)
def test_the_losses_of_leaving(unsent: int, others: int, text: str) -> None:
    assert losses(unsent, others) == text
    assert QuitPrompt(1, 0).text == "one message has not been sent yet. Leave anyway?"


# An option after the text.


@pytest.mark.parametrize(
    ("answer", "actions"),
    [
        ("o", [RunLine("/send -u bob secret")]),
        ("Option", [RunLine("/send -u bob secret")]),
        ("t", [RunLine("/send -- secret -u bob")]),
        ("", [GiveBack("/send secret -u bob", "/send secret -u bob")]),
        ("no", [GiveBack("/send secret -u bob", "/send secret -u bob")]),
    ],
)
def test_an_option_after_the_text_moves_or_is_text(answer: str, actions: list[Action]) -> None:
    meaning = understand("/send secret -u bob")
    assert isinstance(meaning, Misplaced)
    question = OptionOrText(meaning)
    assert question.answer(answer) == actions
    assert question.answer("what?")[1] == Ask(question)
    assert "as in “/send -u bob secret”" in question.text
    assert question.keys == "ot"
