"""Secrets that a plain line leaves to the next one."""

from __future__ import annotations

import pytest

from tcpchat.errors import ChatError
from tcpchat.protocol import BY_NAME, ChangePassword, Login, NeedsSecret, read_request


def left_out(line: str) -> NeedsSecret:
    request = read_request(line.encode())
    assert isinstance(request, NeedsSecret)
    return request


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        ("register", ["password"]),
        ("login --device phone bob", ["password"]),
        ("password", ["password", "new"]),
        ("password --password=old", ["new"]),
        ("password --new=new", ["password"]),
        ("password --new=new --password=old", []),
    ],
)
def test_each_secret_that_is_left_out_is_asked_for_in_turn(line: str, fields: list[str]) -> None:
    request, asked = read_request(line.encode()), []
    while isinstance(request, NeedsSecret):
        asked.append(request.prompt().field)
        request = request.answer(b"secret")
    assert asked == fields


def test_a_prompt_says_what_the_next_line_is() -> None:
    first = left_out("password")
    second = first.answer(b"old one")
    assert isinstance(second, NeedsSecret)
    assert first.prompt().message == "the next line is your current password; an empty line cancels"
    assert second.prompt().message == "the next line is the new password; an empty line cancels"
    assert second.answer(b" new\tone ") == ChangePassword(password="old one", new=" new\tone ")


def test_what_is_answered_does_not_change_the_question() -> None:
    question = left_out("login bob")
    assert question.answer(b"one") == Login(name="bob", password="one")
    assert question.answer(b"two") == Login(name="bob", password="two")


@pytest.mark.parametrize(("answer", "code"), [(b"", "bad-usage"), (b"secret\xff", "bad-encoding")])
def test_what_cannot_be_a_secret_is_refused(answer: bytes, code: str) -> None:
    with pytest.raises(ChatError) as refused:
        left_out("login bob").answer(answer)
    assert refused.value.code == code
    assert "secret" not in refused.value.message


def test_who_gives_up_is_told_what_and_how_it_is_right() -> None:
    with pytest.raises(ChatError) as refused:
        left_out("login bob").answer(b"")
    assert refused.value.message == "login was cancelled, since the line for password was empty"
    assert refused.value.details == {"field": "password", "usage": BY_NAME["login"].usage}


def test_a_secret_is_in_no_repr() -> None:
    question = left_out("password --password=hunter2")
    assert "hunter2" not in f"{question!r} {question.answer(b'hunter2')!r}"


@pytest.mark.parametrize("line", ["login bob hunter2", "register hunter2", "password --password=old hunter2"])
def test_a_secret_that_is_one_word_too_many_is_not_said_back(line: str) -> None:
    with pytest.raises(ChatError, match="too many arguments for") as refused:
        read_request(line.encode())
    assert "hunter2" not in f"{refused.value.message} {refused.value.details}"
