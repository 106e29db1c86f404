"""The order of answers: that of the lines."""

from __future__ import annotations

from functools import partial

from tcpchat.repl.answers import Answers


def test_answers_are_shown_in_the_order_of_the_lines() -> None:
    answers, shown = Answers(), list[str]()
    first, second = answers.expect(), answers.expect()
    assert not answers.add(partial(shown.append, "third"))
    answers.put(second, partial(shown.append, "second"))
    assert shown == []
    answers.put(first, partial(shown.append, "first"))
    assert shown == ["first", "second", "third"]
    assert answers.add(partial(shown.append, "fourth"))
    assert shown[-1] == "fourth"


def test_nobody_waits_for_ever_for_an_answer() -> None:
    answers, shown = Answers(), list[str]()
    first = answers.expect()
    answers.add(partial(shown.append, "second"))
    answers.hurry()
    assert shown == ["second"]
    assert not answers.add(partial(shown.append, "third"))
    answers.put(first, partial(shown.append, "first"))
    assert shown == ["second", "first", "third"]
