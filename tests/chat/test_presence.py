"""Announcements of presence: the net change, each user once, in a fixed order."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from tcpchat.chat.presence import NAMES_PER_LINE, Announcement, Presence
from tcpchat.chat.user import User
from tests.chat.harness import Line
from tests.chat.parts import joined, left, lines, new_user, renamed
from tests.rows import rows


def here(presence: Presence, *names: str) -> list[User]:
    users = [new_user(name) for name in names]
    for user in users:
        presence.join(user)
    presence.settle()
    return users


def rename(presence: Presence, user: User, name: str) -> None:
    presence.rename(user, name)
    user.name = name


def news(presence: Presence) -> list[Line]:
    presence.settle()
    return lines([announcement.lines for announcement in presence.announce()])


def one(presence: Presence) -> Announcement:
    presence.settle()
    (announcement,) = presence.announce()
    return announcement


def test_who_is_here_is_listed_by_name() -> None:
    presence = Presence()
    carol, alice, bob = here(presence, "carol", "alice", "bob")
    assert presence.users() == [alice, bob, carol]
    assert presence.users(after="alice", most=1) == [bob]
    assert presence.users(after="b") == [bob, carol]
    assert len(presence) == 3
    assert alice in presence
    presence.leave(alice)
    assert alice not in presence
    assert presence.users() == [bob, carol]


def test_one_who_leaves_before_settling_is_never_told_of() -> None:
    """A script that asks or says one thing is here, and no presence."""
    presence = Presence()
    script = new_user("script")
    presence.join(script)
    assert script in presence
    assert presence.arriving
    assert not presence.knows(script)
    assert not presence.has_changed()
    presence.rename(script, "deploybot")
    script.name = "deploybot"
    presence.leave(script)
    assert not presence.arriving
    assert not presence.has_changed()
    assert lines([announcement.lines for announcement in presence.announce()]) == []


def test_those_who_stayed_long_enough_are_told_of() -> None:
    clock = iter([1.0, 2.0, 3.0])
    presence = Presence(now=lambda: next(clock))
    for name in ("alice", "bob", "carol"):
        presence.join(new_user(name))
    presence.settle(2.0)
    assert lines([announcement.lines for announcement in presence.announce()]) == [joined("alice", "bob")]
    assert presence.arriving
    presence.settle(3.0)
    assert lines([announcement.lines for announcement in presence.announce()]) == [joined("carol")]


def test_another_user_of_the_same_name_is_not_the_one_who_is_here() -> None:
    presence = Presence()
    here(presence, "alice")
    assert new_user("alice") not in presence


def test_a_second_connection_of_somebody_who_is_here_is_nothing_to_tell() -> None:
    presence = Presence()
    (alice,) = here(presence, "alice")
    news(presence)
    presence.join(alice)
    assert not presence.has_changed()


def test_what_was_told_is_not_told_again() -> None:
    presence = Presence()
    (alice,) = here(presence, "alice")
    assert presence.has_changed()
    assert not presence.knows(alice)
    assert news(presence) == [joined("alice")]
    assert not presence.has_changed()
    assert presence.knows(alice)
    assert news(presence) == []


def test_a_user_who_comes_and_goes_untold_of_is_not_told_of() -> None:
    presence = Presence()
    (alice,) = here(presence, "alice")
    presence.leave(alice)
    assert not presence.has_changed()
    presence.join(alice)
    assert news(presence) == [joined("alice")]


def test_a_user_who_left_twice_is_told_of_once() -> None:
    presence = Presence()
    (alice,) = here(presence, "alice")
    news(presence)
    presence.leave(alice)
    presence.leave(alice)
    assert news(presence) == [left("alice")]


def test_a_user_who_is_back_in_time_is_not_told_of() -> None:
    presence = Presence()
    (alice,) = here(presence, "alice")
    news(presence)
    presence.leave(alice)
    presence.join(alice)
    assert not presence.has_changed()
    assert news(presence) == []


def test_a_user_who_is_renamed_while_away_comes_back_under_the_new_name() -> None:
    presence = Presence()
    alice, bob = here(presence, "alice", "bob")
    news(presence)
    presence.leave(alice)
    rename(presence, alice, "al")
    rename(presence, bob, "alice")
    presence.join(alice)
    assert news(presence) == [left("alice"), renamed("bob", "alice"), joined("al")]


def test_who_left_is_told_before_who_was_renamed_before_who_joined() -> None:
    presence = Presence()
    alice, bob = here(presence, "alice", "bob")
    news(presence)
    here(presence, "carol")
    rename(presence, bob, "rob")
    presence.leave(alice)
    here(presence, "alice")
    assert news(presence) == [left("alice"), renamed("bob", "rob"), joined("carol", "alice")]


def test_a_user_who_joined_and_took_a_name_is_told_of_once_under_it() -> None:
    presence = Presence()
    (guest,) = here(presence, "guest-1")
    rename(presence, guest, "alice")
    assert news(presence) == [joined("alice")]


def test_two_renames_are_told_as_one() -> None:
    presence = Presence()
    (alice,) = here(presence, "alice")
    news(presence)
    rename(presence, alice, "bob")
    rename(presence, alice, "carol")
    assert news(presence) == [renamed("alice", "carol")]
    assert presence.users() == [alice]


def test_a_rename_and_back_is_not_told() -> None:
    presence = Presence()
    (alice,) = here(presence, "alice")
    news(presence)
    rename(presence, alice, "bob")
    rename(presence, alice, "alice")
    assert news(presence) == []


def test_a_user_who_took_a_name_and_left_is_told_of_under_the_name_that_was_known() -> None:
    presence = Presence()
    (alice,) = here(presence, "alice")
    news(presence)
    rename(presence, alice, "bob")
    presence.leave(alice)
    assert news(presence) == [left("alice")]


def test_a_name_that_is_passed_on_is_told_in_the_order_in_which_it_was() -> None:
    presence = Presence()
    alice, bob = here(presence, "alice", "bob")
    news(presence)
    rename(presence, alice, "al")
    rename(presence, bob, "alice")
    assert news(presence) == [renamed("alice", "al"), renamed("bob", "alice")]
    rename(presence, bob, "b")
    rename(presence, alice, "alice")
    rename(presence, bob, "al")
    assert presence.users() == [bob, alice]
    assert news(presence) == [renamed("alice", "b"), renamed("al", "alice"), renamed("b", "al")]


def test_every_change_that_others_are_told_of_is_announced_to_be_told() -> None:
    calls: list[str] = []
    presence = Presence(lambda: calls.append("change"))
    (alice,) = here(presence, "alice")
    news(presence)
    assert len(calls) == 1
    rename(presence, alice, "bob")
    news(presence)
    assert len(calls) == 2
    presence.leave(alice)
    assert len(calls) == 3


# Lines


def test_nobody_is_told_about_themselves() -> None:
    presence = Presence()
    alice, bob, carol = here(presence, "alice", "bob", "carol")
    news(presence)
    rename(presence, alice, "al")
    presence.leave(carol)
    dora, emil = here(presence, "dora", "emil")
    told = one(presence)
    assert told.about == {alice, dora, emil}
    assert bob not in told.about
    assert lines(told.lines) == [left("carol"), renamed("alice", "al"), joined("dora", "emil")]
    assert lines(told.to(alice)) == [left("carol"), joined("dora", "emil")]
    assert lines(told.to(dora)) == [left("carol"), renamed("alice", "al"), joined("emil")]
    assert lines(told.to(emil)) == [left("carol"), renamed("alice", "al"), joined("dora")]
    assert told.to(bob) == told.lines


def test_who_joins_alone_is_told_nothing() -> None:
    presence = Presence()
    (alice,) = here(presence, "alice")
    assert one(presence).to(alice) == b""


def test_a_line_names_users_as_they_were_called_when_it_was_made() -> None:
    presence = Presence()
    alice, bob = here(presence, "alice", "bob")
    told = one(presence)
    alice.name = "al"
    assert lines(told.to(alice)) == [joined("bob")]
    assert lines(told.to(bob)) == [joined("alice")]


@given(st.lists(st.text('ab",[]\\:é', min_size=1, max_size=4), min_size=1, max_size=6, unique=True))
@example(["bob", "bo", "ob", "b"])
@example(['a"b', "c", "b"])
def test_whatever_the_names_each_joiner_is_told_of_all_others(names: list[str]) -> None:
    users = [new_user(name) for name in names]
    told = Announcement(users, [], {})
    for user in users:
        others = [name for name in names if name != user.name]
        assert lines(told.to(user)) == ([joined(*others)] if others else [])


def test_many_joiners_come_in_lines_of_so_many_names() -> None:
    most = NAMES_PER_LINE
    names = [f"guest-{number}" for number in range(2 * most + 5)]
    users = [new_user(name) for name in names]
    told = Announcement(users, [], {})
    expected = [joined(*names[:most]), joined(*names[most : 2 * most]), joined(*names[2 * most :])]
    assert lines(told.lines) == expected
    expected[1] = joined(*names[most : most + 7], *names[most + 8 : 2 * most])
    assert lines(told.to(users[most + 7])) == expected


def test_who_is_alone_in_the_last_line_is_told_the_full_lines_only() -> None:
    names = [f"guest-{number}" for number in range(NAMES_PER_LINE + 1)]
    users = [new_user(name) for name in names]
    assert lines(Announcement(users, [], {}).to(users[-1])) == [joined(*names[:-1])]


@rows("most", [NAMES_PER_LINE])
def test_many_who_left_come_in_lines_of_so_many_names(most: int) -> None:
    names = [f"guest-{number}" for number in range(2 * most + 5)]
    shown = lines(Announcement([], names, {}).lines)
    assert [len(line["users"]) for line in shown] == [most, most, 5]
