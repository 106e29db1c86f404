"""Held text: what is done with a line that comes right after a refusal."""

from __future__ import annotations

import pytest

from tcpchat.protocol import Send
from tcpchat.repl.held_text import PASSWORD, HeldText, wrong_place
from tcpchat.repl.input.parse import Call
from tcpchat.repl.prompts import Action, Ask, GiveBack, Tell

SECRET = "correct horse"


@pytest.mark.parametrize(
    ("answer", "actions"),
    [
        ("t", [Call(Send(text="hi"))]),
        (" text ", [Call(Send(text="hi"))]),
        ("", [GiveBack("hi", "hi")]),
        ("n", [GiveBack("hi", "hi")]),
        ("Q", [GiveBack("hi", "hi")]),
    ],
)
def test_it_is_sent_after_the_answer_only(answer: str, actions: list[Action]) -> None:
    question = HeldText("hi", Send(text="hi"), wrong_place("to nobody"), "bob")
    assert question.answer(answer) == actions
    assert question.take_back() == [GiveBack("hi", "hi")]
    assert question.answer("what?") == [Tell("“what?” is no answer, and was not sent"), Ask(question)]
    assert "“hi” is not sent yet: /to nobody was refused" in question.text
    assert question.text.endswith("Send it to bob?")


def test_a_possible_password_is_shown_nowhere() -> None:
    question = HeldText(SECRET, Send(text=SECRET), PASSWORD, "lobby")
    assert question.private
    (back,) = question.take_back()
    assert back == GiveBack(SECRET, "…")
    told = question.answer("hello")[0]
    assert SECRET not in f"{question.text}{question.short}{question.short_in_lines}{told}"
    assert SECRET not in PASSWORD.refusal(SECRET)


def test_where_nobody_can_be_asked_it_is_refused_by_name() -> None:
    assert wrong_place("to nobody").refusal("hi").startswith("not sent: “hi”: /to nobody was refused")
