"""Connections that do not listen yet: they miss nothing, and nobody hears of them."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tcpchat.chat.entry import Delivery, Post
from tcpchat.chat.hub import Hub
from tcpchat.chat.room import RECENT
from tcpchat.chat.user import User
from tests.chat.test_hub import Ear, arrive, joined, new_user, news


class Listener(Ear):
    """Remembers what it was given."""

    def __init__(self) -> None:
        self.data = b""

    def write_nowait(self, data: bytes) -> None:
        assert data, "nothing is not worth a write"
        self.data += data

    def lines(self) -> list[dict[str, Any]]:
        data, self.data = self.data, b""
        return [orjson.loads(line) for line in data.splitlines()]

    def seqs(self) -> list[int]:
        return [line["seq"] for line in self.lines()]


def say(hub: Hub, count: int = 1, author: User | None = None) -> None:
    """Let so many messages be on disk, as the pipeline does, and tell nobody."""
    author = author or new_user("somebody")
    for _ in range(count):
        post = Post(hub.lobby, author, author.name, "hi")
        post.prepare(0)
        post.settle(Delivery())


def newcomer(hub: Hub, name: str, now: float = 0) -> tuple[User, Listener]:
    user, connection = new_user(name), Listener()
    hub.attach(user, connection)
    hub.wait_to_listen(user, connection, now)
    return user, connection


def test_a_newcomer_is_not_here_and_hears_nothing() -> None:
    hub = Hub()
    user, connection = newcomer(hub, "alice")
    assert not hub.is_here(user)
    assert connection not in hub.connections
    assert not hub.presence
    assert hub.find("alice") is user, "the name is taken"


def test_a_newcomer_is_something_to_be_told_about_soon() -> None:
    calls: list[str] = []
    hub = Hub(notify=lambda: calls.append("change"))
    newcomer(hub, "alice")
    assert calls == ["change"]


def test_who_begins_to_listen_is_here_and_first_hears_what_was_said_since_it_came() -> None:
    hub = Hub(lobby_seq=3)
    user, connection = newcomer(hub, "alice")
    say(hub, 2)
    assert connection.lines() == []
    hub.let_listen(connection)
    assert connection.seqs() == [4, 5]
    assert hub.connections == {connection: user}
    assert not hub.newcomers
    assert news(hub) == [joined("alice")]


def test_who_missed_nothing_is_given_nothing() -> None:
    hub = Hub()
    say(hub)
    _, connection = newcomer(hub, "alice")
    hub.let_listen(connection)
    assert connection.data == b""


@pytest.mark.parametrize("count", [1, RECENT])
def test_after_a_message_come_all_later_ones_that_are_in_memory(count: int) -> None:
    hub, user, connection = Hub(), new_user("alice"), Listener()
    say(hub, 7)
    hub.attach(user, connection)
    say(hub, count)
    hub.listen_after(user, connection, 7)
    assert connection.seqs() == [*range(8, 8 + count)]


def test_what_was_missed_of_who_is_ignored_has_no_text() -> None:
    hub = Hub()
    bob, carol = new_user("bob"), new_user("carol")
    user, connection = newcomer(hub, "alice")
    hub.ignore(user, frozenset({bob.id}))
    for author in (bob, carol):
        say(hub, 1, author)
    hub.let_listen(connection)
    shown = [(line["from"], line["text"], line.get("ignored")) for line in connection.lines()]
    assert shown == [("bob", "", True), ("carol", "hi", None)]


def test_what_a_connection_heard_is_where_it_can_go_on() -> None:
    hub = Hub(lobby_seq=3)
    alice, connection = newcomer(hub, "alice")
    listening = arrive(hub, alice)
    say(hub, 2)
    assert (hub.heard(connection), hub.heard(listening), hub.heard(Ear())) == (3, 5, 5)


def test_those_who_came_first_listen_first() -> None:
    hub = Hub()
    first, second, third = (newcomer(hub, name, at)[1] for name, at in (("a", 1), ("b", 2), ("c", 2.5)))
    hub.let_all_listen(0.9)
    assert not hub.connections
    hub.let_all_listen(2)
    assert [*hub.connections] == [first, second]
    assert [*hub.newcomers] == [third]
    hub.let_all_listen()
    assert [*hub.connections] == [first, second, third]
    assert news(hub) == [joined("a", "b", "c")]


@pytest.mark.parametrize(("said", "messages", "listens"), [(2, RECENT - 2, False), (2, RECENT - 1, True)])
def test_newcomers_listen_before_memory_lacks_what_they_missed(
    said: int, messages: int, *, listens: bool
) -> None:
    """So that none ever misses one, however many are said in one commit."""
    hub = Hub()
    _, early = newcomer(hub, "early")
    say(hub, said)
    _, late = newcomer(hub, "late")
    hub.make_room(messages)
    assert [connection in hub.connections for connection in (early, late)] == [listens, listens]
    say(hub, messages)
    hub.let_all_listen()
    assert early.seqs() == [*range(1, said + 1 + (0 if listens else messages))]


def test_a_newcomer_that_goes_was_never_here() -> None:
    hub = Hub()
    user, connection = newcomer(hub, "alice")
    hub.detach(user, connection)
    hub.gone(user)
    hub.let_all_listen()
    assert not hub.newcomers
    assert not hub.connections
    assert not hub.presence


def test_a_second_connection_of_somebody_who_is_here_is_told_of_to_nobody() -> None:
    hub = Hub()
    user, first = newcomer(hub, "alice")
    hub.let_listen(first)
    news(hub)
    arrive(hub, user)
    assert not hub.presence
