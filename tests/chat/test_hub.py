from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tcpchat.chat.hub import Hub
from tcpchat.chat.limits import TokenBucket
from tcpchat.chat.presence import NAMES_PER_LINE, Told
from tcpchat.chat.receiver import Receiver
from tcpchat.chat.room import conversation
from tcpchat.chat.user import Mark, User
from tcpchat.errors import ChatError
from tcpchat.names import skeleton


class Ear:
    """A connection that takes everything and says nothing."""

    def write_nowait(self, data: bytes) -> None: ...

    def acknowledge(self, replies: bytes, count: int) -> None: ...

    async def wait_backlog(self, most: int) -> None: ...

    def stop(self, reason: str) -> None: ...


def new_user(name: str, *, id: str | None = None) -> User:
    key = skeleton(name)
    return User(id=id or f"id of {name}", name=name, key=key, since=0, bucket=TokenBucket(0, 0))


def join(hub: Hub, *names: str) -> list[User]:
    users = [new_user(name) for name in names]
    for user in users:
        arrive(hub, user)
    return users


def arrive(hub: Hub, user: User) -> Ear:
    """Give the user a connection that listens."""
    ear = Ear()
    hub.attach(user, ear)
    hub.listen(user, ear)
    return ear


def go(hub: Hub, user: User, connection: Receiver) -> None:
    """Take a connection out; with the last one its user is gone."""
    hub.detach(user, connection)
    if not user.connections:
        hub.gone(user)


def leave(hub: Hub, user: User) -> None:
    for connection in list(user.connections):
        go(hub, user, connection)


def rename(hub: Hub, user: User, name: str) -> None:
    hub.claim(user, name, skeleton(name))
    hub.rename(user, name, skeleton(name))


def told(data: bytes) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in data.splitlines()]


def news(hub: Hub) -> list[dict[str, Any]]:
    return told(hub.presence.tell().all)


def joined(*names: str) -> dict[str, Any]:
    return {"type": "joined", "room": "lobby", "users": list(names)}


def left(*names: str) -> dict[str, Any]:
    return {"type": "left", "room": "lobby", "users": list(names)}


def renamed(old: str, new: str) -> dict[str, Any]:
    return {"type": "renamed", "old": old, "new": new}


def test_who_joins_is_found_by_name_and_by_id_and_listed_by_name() -> None:
    hub = Hub()
    carol, alice = join(hub, "carol", "alice")
    assert hub.find("carol") is hub.find_known("id of carol") is carol
    assert hub.users() == [alice, carol]
    assert hub.user_count() == 2


def test_who_left_is_not_found_and_the_name_is_free() -> None:
    hub = Hub()
    alice, bob = join(hub, "alice", "bob")
    leave(hub, alice)
    assert hub.users() == [bob]
    assert not hub.is_here(alice)
    with pytest.raises(ChatError, match="there is nobody called 'alice'"):
        hub.find("alice")
    rename(hub, bob, "alice")
    assert hub.find("alice") is bob


def test_a_user_is_here_as_long_as_one_connection_is() -> None:
    hub, alice = Hub(), new_user("alice")
    first, second = arrive(hub, alice), arrive(hub, alice)
    assert news(hub) == [joined("alice")]
    go(hub, alice, first)
    assert hub.find("alice") is alice
    assert not hub.presence
    go(hub, alice, second)
    assert news(hub) == [left("alice")]


def test_who_departed_is_not_here_but_keeps_the_name() -> None:
    hub = Hub()
    alice, bob = join(hub, "alice", "bob")
    news(hub)
    hub.detach(alice, alice.connections[0])
    assert hub.is_here(alice)
    assert not hub.presence
    hub.depart(alice)
    hub.depart(alice)
    assert news(hub) == [left("alice")]
    assert hub.users() == [bob]
    assert not hub.is_here(alice)
    assert hub.find_known(alice.id) is alice
    assert hub.find("alice") is alice, "who is away can be written to"
    for name, like in (("alice", ""), ("a1ice", "alice, who is away")):
        with pytest.raises(ChatError, match=f"{name} is taken.*{like}"):
            hub.claim(bob, name, skeleton(name))
    arrive(hub, alice)
    assert news(hub) == [joined("alice")]
    assert hub.find("alice") is alice


def test_who_departed_unheard_of_or_is_back_in_time_is_not_told_of() -> None:
    hub = Hub()
    (alice,) = join(hub, "alice")
    assert not hub.presence.has_told(alice)
    hub.detach(alice, alice.connections[0])
    hub.depart(alice)
    assert news(hub) == []
    arrive(hub, alice)
    assert news(hub) == [joined("alice")]
    assert hub.presence.has_told(alice)
    hub.detach(alice, alice.connections[0])
    hub.depart(alice)
    arrive(hub, alice)
    assert news(hub) == []


def test_who_is_renamed_while_away_comes_back_under_the_new_name() -> None:
    hub = Hub()
    alice, bob = join(hub, "alice", "bob")
    news(hub)
    hub.claim(alice, "al", "al")
    hub.detach(alice, alice.connections[0])
    hub.depart(alice)
    hub.rename(alice, "al", "al")
    rename(hub, bob, "alice")
    arrive(hub, alice)
    assert news(hub) == [left("alice"), renamed("bob", "alice"), joined("al")]


def test_a_conversation_is_restored_for_both_and_goes_on_where_it_is_known() -> None:
    hub = Hub()
    alice, bob = join(hub, "alice", "bob")
    name = conversation(alice.id, bob.id)
    hub.restore_conversation(alice, name, 7, Mark(5, 6))
    room = hub.conversation(bob, alice)
    assert room is alice.conversations[bob.id].room is bob.conversations[alice.id].room
    assert (room.name, room.seq) == (name, 7)
    assert (alice.mark(name), bob.mark(name)) == (Mark(5, 6), Mark(0, 0))
    room.settle(room.number(), bob.id, b"")
    hub.restore_conversation(bob, name, 7, Mark(1, 2))
    assert bob.conversations[alice.id].room is room
    assert (room.seq, bob.mark(name)) == (8, Mark(1, 2))


def test_a_conversation_with_who_is_not_in_memory_goes_on_when_that_user_is() -> None:
    hub = Hub()
    (alice,) = join(hub, "alice")
    name = conversation(alice.id, "id of bob")
    hub.restore_conversation(alice, name, 5, Mark(5, 5))
    (bob,) = join(hub, "bob")
    hub.restore_conversation(bob, name, 5, Mark(0, 0))
    assert hub.conversation(alice, bob).number() == 6
    assert hub.conversation(bob, alice).number() == 7


@pytest.mark.parametrize("written", ["bob", "BOB", "Bob", "\uff42\uff4f\uff42"])
def test_a_name_is_found_in_any_case_and_width(written: str) -> None:
    hub = Hub()
    (bob,) = join(hub, "bob")
    assert hub.find(written) is bob


@pytest.mark.parametrize("written", ["b0b", "b\u043eb", "rob", "", "b ob", "bob\x00", "x" * 1000])
def test_a_name_that_only_looks_alike_is_not_found(written: str) -> None:
    """A message must not go to who imitates somebody."""
    hub = Hub()
    join(hub, "bob")
    with pytest.raises(ChatError) as refused:
        hub.find(written)
    assert (refused.value.code, refused.value.details) == ("no-such-user", {"name": written[:64]})


def test_guests_have_rising_numbers_and_names_that_are_free() -> None:
    hub = Hub(guests=6)
    assert hub.guest_name() == ("guest-7", skeleton("guest-7"))
    join(hub, "guest-8", "guest-1o")  # the second looks like guest-10
    assert [hub.guest_name()[0] for _ in range(2)] == ["guest-9", "guest-11"]


def test_a_new_name_replaces_the_old_one_which_is_free() -> None:
    hub = Hub()
    alice, bob = join(hub, "alice", "bob")
    rename(hub, alice, "carol")
    assert hub.find("carol") is alice
    rename(hub, bob, "alice")
    assert hub.find("alice") is bob


@pytest.mark.parametrize("name", ["bob", "b0b", "b\u043eb"])
def test_a_name_of_somebody_here_and_its_look_alikes_are_refused(name: str) -> None:
    hub = Hub()
    alice, bob = join(hub, "alice", "bob")
    with pytest.raises(ChatError) as refused:
        hub.claim(alice, name, skeleton(name))
    assert (refused.value.code, refused.value.details) == ("name-taken", {"name": name})
    assert ("looks like bob" in refused.value.message) == (name != "bob")
    assert hub.find("bob") is bob


def test_a_claimed_name_is_held_until_it_is_released() -> None:
    hub = Hub()
    alice, bob = join(hub, "alice", "bob")
    hub.claim(alice, "carol", "carol")
    with pytest.raises(ChatError, match="carol is taken"):
        hub.claim(bob, "carol", "carol")
    hub.release(alice, "carol")
    hub.claim(bob, "carol", "carol")
    assert hub.find("alice") is alice


def test_who_only_claimed_a_name_is_not_found_by_it_yet() -> None:
    hub = Hub()
    (alice,) = join(hub, "alice")
    hub.claim(alice, "carol", "carol")
    with pytest.raises(ChatError, match="nobody called 'carol'"):
        hub.find("carol")


def test_users_may_take_a_look_alike_of_their_own_name() -> None:
    hub = Hub()
    paypal, mallory = join(hub, "paypal", "mallory")
    rename(hub, paypal, "paypa1")
    assert hub.find("paypa1") is paypal
    with pytest.raises(ChatError, match="it looks like paypa1"):
        hub.claim(mallory, "paypal", skeleton("paypal"))
    leave(hub, paypal)
    rename(hub, mallory, "paypal")


def test_releasing_a_look_alike_of_ones_own_name_keeps_that() -> None:
    hub = Hub()
    (paypal,) = join(hub, "paypal")
    hub.claim(paypal, "paypa1", skeleton("paypa1"))
    hub.release(paypal, skeleton("paypa1"))
    assert hub.find("paypal") is paypal


@pytest.mark.parametrize("end", [Hub.release, lambda hub, user, key: hub.rename(user, "carol", key)])
def test_a_name_claimed_by_who_left_meanwhile_is_free_again(end: Any) -> None:
    hub = Hub()
    alice, bob = join(hub, "alice", "bob")
    news(hub)
    hub.claim(alice, "carol", "carol")
    leave(hub, alice)
    end(hub, alice, "carol")
    assert news(hub) == [left("alice")]
    rename(hub, bob, "carol")
    assert hub.users() == [bob]


def test_two_users_share_one_conversation_whoever_is_here() -> None:
    """A scheduled message may come due when its author is gone."""
    hub = Hub()
    alice, bob = join(hub, "alice", "bob")
    room = hub.conversation(alice, bob)
    assert hub.conversation(bob, alice) is room
    leave(hub, alice)
    assert hub.conversation(alice, bob) is room
    leave(hub, bob)
    assert hub.conversation(alice, bob) is room


def test_a_conversation_that_only_one_knows_goes_on() -> None:
    """The disk refused its first message, and the other has been forgotten and read anew since."""
    hub = Hub()
    alice, bob = join(hub, "alice", "bob")
    room = hub.conversation(alice, bob)
    bob.conversations.clear()
    assert hub.conversation(alice, bob) is hub.conversation(bob, alice) is room


def test_users_can_write_to_themselves_and_leave() -> None:
    hub = Hub()
    (alice,) = join(hub, "alice")
    assert hub.conversation(alice, alice) is hub.conversation(alice, alice)
    leave(hub, alice)
    assert not hub.users()


def test_who_left_is_told_before_who_was_renamed_before_who_joined() -> None:
    hub = Hub()
    alice, bob = join(hub, "alice", "bob")
    news(hub)
    join(hub, "carol")
    rename(hub, bob, "rob")
    leave(hub, alice)
    join(hub, "alice")
    assert news(hub) == [left("alice"), renamed("bob", "rob"), joined("carol", "alice")]


def test_what_was_told_is_not_told_again() -> None:
    hub = Hub()
    join(hub, "alice")
    assert hub.presence
    assert news(hub) == [joined("alice")]
    assert not hub.presence
    assert news(hub) == []


def test_who_comes_and_goes_unheard_is_not_told() -> None:
    hub = Hub()
    (alice,) = join(hub, "alice")
    leave(hub, alice)
    assert not hub.presence


def test_who_joined_and_took_a_name_is_told_once_under_it() -> None:
    hub = Hub()
    (guest,) = join(hub, "guest-1")
    rename(hub, guest, "alice")
    assert news(hub) == [joined("alice")]


def test_two_renames_are_told_as_one() -> None:
    hub = Hub()
    (alice,) = join(hub, "alice")
    news(hub)
    rename(hub, alice, "bob")
    rename(hub, alice, "carol")
    assert news(hub) == [renamed("alice", "carol")]


def test_a_rename_and_back_is_not_told() -> None:
    hub = Hub()
    (alice,) = join(hub, "alice")
    news(hub)
    rename(hub, alice, "bob")
    rename(hub, alice, "alice")
    assert news(hub) == []


def test_who_took_a_name_and_left_is_told_under_the_name_that_was_known() -> None:
    hub = Hub()
    (alice,) = join(hub, "alice")
    news(hub)
    rename(hub, alice, "bob")
    leave(hub, alice)
    assert news(hub) == [left("alice")]


def test_every_change_that_others_may_hear_calls_for_telling() -> None:
    calls: list[str] = []
    hub = Hub(notify=lambda: calls.append("change"))
    (alice,) = join(hub, "alice")
    news(hub)
    assert len(calls) == 1
    rename(hub, alice, "bob")
    news(hub)
    assert len(calls) == 2
    leave(hub, alice)
    assert len(calls) == 3


def test_nobody_is_told_about_themselves() -> None:
    hub = Hub()
    alice, bob, carol = join(hub, "alice", "bob", "carol")
    news(hub)
    rename(hub, alice, "al")
    leave(hub, carol)
    dora, emil = join(hub, "dora", "emil")
    tell = hub.presence.tell()
    assert tell.about == {alice, dora, emil}
    assert bob not in tell.about
    assert told(tell.all) == [left("carol"), renamed("alice", "al"), joined("dora", "emil")]
    assert told(tell.to(alice)) == [left("carol"), joined("dora", "emil")]
    assert told(tell.to(dora)) == [left("carol"), renamed("alice", "al"), joined("emil")]
    assert told(tell.to(emil)) == [left("carol"), renamed("alice", "al"), joined("dora")]


def test_who_joins_alone_is_told_nothing() -> None:
    hub = Hub()
    (alice,) = join(hub, "alice")
    assert hub.presence.tell().to(alice) == b""


@given(st.lists(st.text('ab",[]\\:é', min_size=1, max_size=4), min_size=1, max_size=6, unique=True))
@example(["bob", "bo", "ob", "b"])
@example(['a"b', "c", "b"])
def test_whatever_the_names_each_joiner_hears_of_all_others(names: list[str]) -> None:
    users = [new_user(name) for name in names]
    tell = Told(users, [], {})
    for user in users:
        others = [name for name in names if name != user.name]
        assert told(tell.to(user)) == ([joined(*others)] if others else [])


def test_many_joiners_come_in_lines_of_so_many_names() -> None:
    most = NAMES_PER_LINE
    names = [f"guest-{number}" for number in range(2 * most + 5)]
    users = [new_user(name) for name in names]
    tell = Told(users, [], {})
    lines = [joined(*names[:most]), joined(*names[most : 2 * most]), joined(*names[2 * most :])]
    assert told(tell.all) == lines
    lines[1] = joined(*names[most : most + 7], *names[most + 8 : 2 * most])
    assert told(tell.to(users[most + 7])) == lines


def test_who_is_alone_in_the_last_line_hears_the_full_lines_only() -> None:
    names = [f"guest-{number}" for number in range(NAMES_PER_LINE + 1)]
    users = [new_user(name) for name in names]
    assert told(Told(users, [], {}).to(users[-1])) == [joined(*names[:-1])]


def test_many_who_left_come_in_lines_of_so_many_names() -> None:
    most = NAMES_PER_LINE
    names = [f"guest-{number}" for number in range(2 * most + 5)]
    assert [len(line["users"]) for line in told(Told([], names, {}).all)] == [most, most, 5]
