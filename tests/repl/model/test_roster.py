"""The users who are here, the recently active first."""

from __future__ import annotations

from collections.abc import Callable

from tcpchat.protocol import UserInfo, Users
from tcpchat.repl.model.roster import Roster


def roster(*names: str) -> Roster:
    filled = Roster()
    filled.fill(names)
    return filled


def test_a_new_roster_is_empty() -> None:
    assert len(Roster()) == 0
    assert Roster().recent() == []
    assert "bob" not in Roster()


def test_the_last_active_user_comes_first() -> None:
    people = roster("alice", "bob", "carol")
    people.touch("alice")
    people.touch("bob")
    people.touch("alice")
    assert people.recent() == ["alice", "bob", "carol"]
    people.touch("somebody who left")
    assert people.recent() == ["alice", "bob", "carol"]


def test_users_who_join_are_recent_and_those_who_leave_are_removed() -> None:
    people = roster("alice", "bob")
    people.join(["carol", "dave"])
    assert people.recent()[0] == "dave"
    people.leave(["dave", "bob", "nobody"])
    assert people.recent() == ["carol", "alice"]
    assert len(people) == 2
    assert "bob" not in people


def test_a_new_name_takes_the_place_of_the_old() -> None:
    people = roster("alice", "bob")
    people.rename("alice", "alicia")
    assert people.recent() == ["alicia", "bob"]
    assert "alice" not in people
    people.rename("stranger", "zoe")
    assert people.recent() == ["zoe", "alicia", "bob"]


def test_the_list_removes_missing_users_and_keeps_active_ones_ahead() -> None:
    people = roster("alice", "bob", "carol")
    people.touch("carol")
    people.touch("alice")
    people.fill(["alice", "carol", "dave", "erin"])
    assert people.recent()[:2] == ["alice", "carol"]
    assert sorted(people.recent()[2:]) == ["dave", "erin"]
    assert "bob" not in people


def test_recent_is_computed_again_after_each_change() -> None:
    people = roster("alice", "bob")
    changes: list[tuple[Callable[[], None], str]] = [
        (lambda: people.touch("bob"), "bob"),
        (lambda: people.join(["carol"]), "carol"),
        (lambda: people.leave(["carol"]), "bob"),
        (lambda: people.rename("alice", "ann"), "ann"),
        (lambda: people.fill(["zoe"]), "zoe"),
    ]
    for change, first in changes:
        people.recent()
        change()
        assert people.recent()[0] == first
    assert people.recent() is people.recent(), "thousands of names are not listed anew for each key"


def test_pages_of_the_list_count_once_the_last_one_is_there() -> None:
    people = roster("zoe")
    for names, more in ((["alice", "bob"], True), (["carol"], False)):
        people.add_page(Users(users=[UserInfo(name=name, since="") for name in names], more=more))
        assert ("zoe" in people) is more
    assert sorted(people.recent()) == ["alice", "bob", "carol"]
    people.add_page(Users(users=[UserInfo(name="dave", since="")], more=False))
    assert people.recent() == ["dave"]
