"""Who is here, the recently active first."""

from __future__ import annotations

from collections.abc import Callable

from tcpchat.repl.model.roster import Roster


def roster(*names: str) -> Roster:
    filled = Roster()
    filled.fill(names)
    return filled


def test_nobody_is_here_at_first() -> None:
    assert len(Roster()) == 0
    assert Roster().recent() == []
    assert "bob" not in Roster()


def test_the_last_to_speak_comes_first() -> None:
    people = roster("alice", "bob", "carol")
    people.spoke("alice")
    people.spoke("bob")
    people.spoke("alice")
    assert people.recent() == ["alice", "bob", "carol"]
    people.spoke("somebody who left")
    assert people.recent() == ["alice", "bob", "carol"]


def test_who_comes_is_recent_and_who_leaves_is_gone() -> None:
    people = roster("alice", "bob")
    people.joined(["carol", "dave"])
    assert people.recent()[0] == "dave"
    people.left(["dave", "bob", "nobody"])
    assert people.recent() == ["carol", "alice"]
    assert len(people) == 2
    assert "bob" not in people


def test_a_new_name_takes_the_place_of_the_old() -> None:
    people = roster("alice", "bob")
    people.renamed("alice", "alicia")
    assert people.recent() == ["alicia", "bob"]
    assert "alice" not in people
    people.renamed("stranger", "zoe")
    assert people.recent() == ["zoe", "alicia", "bob"]


def test_the_whole_list_drops_who_left_and_keeps_who_was_active_ahead() -> None:
    people = roster("alice", "bob", "carol")
    people.spoke("carol")
    people.spoke("alice")
    people.fill(["alice", "carol", "dave", "erin"])
    assert people.recent()[:2] == ["alice", "carol"]
    assert sorted(people.recent()[2:]) == ["dave", "erin"]
    assert "bob" not in people


def test_what_was_returned_is_made_anew_after_each_change() -> None:
    people = roster("alice", "bob")
    changes: list[tuple[Callable[[], None], str]] = [
        (lambda: people.spoke("bob"), "bob"),
        (lambda: people.joined(["carol"]), "carol"),
        (lambda: people.left(["carol"]), "bob"),
        (lambda: people.renamed("alice", "ann"), "ann"),
        (lambda: people.fill(["zoe"]), "zoe"),
    ]
    for change, first in changes:
        people.recent()
        change()
        assert people.recent()[0] == first
    assert people.recent() is people.recent(), "thousands of names are not listed anew for each key"
