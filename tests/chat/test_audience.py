"""Pending subscribers miss no event, and others do not learn of them; and who ignores whom."""

from __future__ import annotations

import pytest

from tcpchat.chat.audience import Audience
from tcpchat.chat.lines import message_line
from tcpchat.chat.presence import Presence
from tcpchat.chat.room import RECENT, Kind, Room
from tcpchat.chat.user import User
from tcpchat.store.changes import NewMessage
from tests.chat.harness import Line, NullSubscriber
from tests.chat.parts import NOW, joined, lines, new_user, take
from tests.rows import rows


class Subscriber(NullSubscriber):
    """A connection that must not be given nothing."""

    def write_nowait(self, data: bytes) -> None:
        assert data, "nothing is not worth a write"
        super().write_nowait(data)


class Lobby:
    """An audience with its lobby and presence."""

    def __init__(self, seq: int = 0) -> None:
        self.room = Room("lobby", Kind.LOBBY, seq, RECENT)
        self.calls: list[str] = []
        self.presence = Presence(lambda: self.calls.append("presence"))
        self.audience = Audience(self.room, self.presence, lambda: self.calls.append("pending"))

    def send(self, count: int = 1, author: str = "somebody") -> None:
        """Let so many messages be on disk, and give them to nobody."""
        for _ in range(count):
            seq = self.room.seq + 1
            id = f"id of {author}"
            line = message_line(NewMessage("lobby", seq, NOW, id, author, None, None, "hi"))
            self.room.append(seq, id, line)

    def newcomer(self, name: str, now: float = 0) -> tuple[User, Subscriber]:
        """Return a pending subscriber."""
        user, connection = new_user(name), Subscriber()
        user.connections.append(connection)
        self.audience.subscribe_later(user, connection, now)
        return user, connection

    def news(self) -> list[Line]:
        self.presence.settle()
        return lines([announcement.lines for announcement in self.presence.announce()])


def seqs(connection: NullSubscriber) -> list[int]:
    return [line["seq"] for line in take(connection)]


def test_a_pending_subscriber_is_not_here_and_is_given_nothing() -> None:
    lobby = Lobby()
    user, connection = lobby.newcomer("alice")
    assert user not in lobby.presence
    assert connection not in lobby.audience.subscribed
    assert not lobby.presence.has_changed()
    lobby.send()
    assert connection.lines == []


def test_a_pending_subscriber_is_something_to_be_announced_soon() -> None:
    lobby = Lobby()
    lobby.newcomer("alice")
    assert lobby.calls == ["pending"]


def test_who_subscribes_is_here_and_first_gets_what_was_sent_since_it_came() -> None:
    lobby = Lobby(seq=3)
    user, connection = lobby.newcomer("alice")
    lobby.send(2)
    assert connection.lines == []
    lobby.audience.subscribe_pending(connection)
    assert seqs(connection) == [4, 5]
    assert lobby.audience.subscribed == {connection: user}
    assert not lobby.audience.pending
    assert lobby.news() == [joined("alice")]


def test_who_missed_nothing_is_given_nothing() -> None:
    lobby = Lobby()
    lobby.send()
    _, connection = lobby.newcomer("alice")
    lobby.audience.subscribe_pending(connection)
    assert connection.lines == []


@rows("count", [1, RECENT])
def test_after_an_event_come_all_later_ones_that_are_in_memory(count: int) -> None:
    lobby, user, connection = Lobby(), new_user("alice"), Subscriber()
    lobby.send(7)
    lobby.send(count)
    lobby.audience.subscribe_after(user, connection, 7)
    assert seqs(connection) == [*range(8, 8 + count)]
    assert connection in lobby.audience.subscribed


def test_what_was_missed_of_ignored_authors_has_no_text() -> None:
    lobby = Lobby()
    user, connection = lobby.newcomer("alice")
    lobby.audience.ignore(user, frozenset({"id of bob"}))
    for author in ("bob", "carol"):
        lobby.send(1, author)
    lobby.audience.subscribe_pending(connection)
    shown = [(line["from"], line["text"], line.get("ignored")) for line in connection.lines]
    assert shown == [("bob", "", True), ("carol", "hi", None)]


def test_the_last_event_that_a_connection_saw_is_where_it_can_go_on() -> None:
    lobby = Lobby(seq=3)
    alice, connection = lobby.newcomer("alice")
    subscribed = Subscriber()
    lobby.audience.subscribe(alice, subscribed)
    lobby.send(2)
    last_seen = [lobby.audience.last_seen_seq(one) for one in (connection, subscribed, Subscriber())]
    assert last_seen == [3, 5, 5]


def test_those_who_came_first_subscribe_first() -> None:
    lobby = Lobby()
    came = (("a", 1), ("b", 2), ("c", 2.5))
    first, second, third = (lobby.newcomer(name, at)[1] for name, at in came)
    lobby.audience.subscribe_all_pending(0.9)
    assert not lobby.audience.subscribed
    lobby.audience.subscribe_all_pending(2)
    assert [*lobby.audience.subscribed] == [first, second]
    assert [*lobby.audience.pending] == [third]
    lobby.audience.subscribe_all_pending()
    assert [*lobby.audience.subscribed] == [first, second, third]
    assert lobby.news() == [joined("a", "b", "c")]


@pytest.mark.parametrize(("before", "events", "subscribes"), [(2, RECENT - 2, False), (2, RECENT - 1, True)])
def test_pending_subscribers_are_let_in_before_memory_lacks_what_they_missed(
    before: int, events: int, *, subscribes: bool
) -> None:
    """So that none ever misses one, however many are sent in one commit."""
    lobby = Lobby()
    _, early = lobby.newcomer("early")
    lobby.send(before)
    _, late = lobby.newcomer("late")
    lobby.audience.flush_before_window(events)
    assert [one in lobby.audience.subscribed for one in (early, late)] == [subscribes, subscribes]
    lobby.send(events)
    lobby.audience.subscribe_all_pending()
    assert seqs(early) == [*range(1, before + 1 + (0 if subscribes else events))]


def test_a_pending_subscriber_that_goes_was_never_here() -> None:
    lobby = Lobby()
    _, connection = lobby.newcomer("alice")
    lobby.audience.unsubscribe(connection)
    lobby.audience.subscribe_all_pending()
    assert not lobby.audience.pending
    assert not lobby.audience.subscribed
    assert not lobby.presence.has_changed()


def test_a_second_connection_of_somebody_who_is_here_is_told_to_nobody() -> None:
    lobby = Lobby()
    user, first = lobby.newcomer("alice")
    lobby.audience.subscribe_pending(first)
    lobby.news()
    lobby.audience.subscribe(user, Subscriber())
    assert not lobby.presence.has_changed()


def test_who_unsubscribes_gets_no_more_and_is_still_here() -> None:
    lobby, connection = Lobby(), Subscriber()
    alice = new_user("alice")
    lobby.audience.subscribe(alice, connection)
    lobby.audience.unsubscribe(connection)
    lobby.audience.unsubscribe(connection)
    assert not lobby.audience.subscribed
    assert alice in lobby.presence


def test_what_is_said_in_a_room_reaches_its_own_audience() -> None:
    lobby = Lobby()
    alice, connection = lobby.newcomer("alice")
    lobby.audience.subscribe_all_pending()
    assert lobby.audience.of(lobby.room) == {connection: alice}
    for other in (Room("@a@b", Kind.DIRECT), Room("attic", Kind.LOBBY)):
        assert lobby.audience.of(other) == {}


# Ignoring


def test_who_ignores_a_user_is_known_until_it_ends() -> None:
    audience = Lobby().audience
    alice, bob = new_user("alice"), new_user("bob")
    audience.ignore(alice, frozenset({"c", "d"}))
    audience.ignore(bob, frozenset({"c"}))
    assert audience.ignored_by == {"c": {alice, bob}, "d": {alice}}
    audience.ignore(alice, frozenset({"c", "e"}))
    assert audience.ignored_by == {"c": {alice, bob}, "e": {alice}}
    assert alice.ignored == {"c", "e"}
    audience.ignore(alice, frozenset())
    audience.ignore(bob, frozenset())
    assert audience.ignored_by == {}, "nobody is left"


def test_whom_a_user_ignores_who_comes_into_memory_is_known_until_the_user_goes() -> None:
    audience, alice = Lobby().audience, new_user("alice")
    alice.ignored = frozenset({"c"})
    audience.index_ignored(alice)
    assert audience.ignored_by == {"c": {alice}}
    audience.stop_ignoring(alice, alice.ignored)
    assert audience.ignored_by == {}
    assert alice.ignored == {"c"}, "it is on disk"
