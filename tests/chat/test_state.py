"""A server's state when it starts, when somebody comes in, and when its settings change."""

from __future__ import annotations

from itertools import count
from typing import Any

import attrs
import pytest

from tcpchat.chat.draft import Draft
from tcpchat.chat.state import ServerState
from tcpchat.chat.wakeups import Notify, Wakeups
from tcpchat.errors import ChatError
from tcpchat.settings import Limits, Rules, Settings
from tcpchat.store.changes import NewReport, Prune, SetBan, SetMute
from tcpchat.store.rows import EventRow, NameRow, Snapshot
from tcpchat.times import FOREVER
from tests.chat.harness import Clock, Harness, NullSubscriber, empty_snapshot
from tests.chat.parts import lines, message, new_user, pending
from tests.rows import rows


def start(wakeups: Wakeups | None = None, **fields: Any) -> ServerState:
    """Return the state of a server that starts with this on disk."""
    snapshot: Snapshot = attrs.evolve(empty_snapshot(), **fields)
    ids = count(1)
    return ServerState(
        Settings(), snapshot, Clock(), lambda: f"id{next(ids)}", lambda: f"token{next(ids)}", wakeups
    )


def row(seq: int, *, target: int | None = None) -> EventRow:
    kind = "message" if target is None else "edited"
    return EventRow(**message(seq)._asdict(), kind=kind, target=target, edited=None)


# A start


def test_numbers_and_the_lobby_go_on_after_a_restart() -> None:
    state = start(lobby_seq=41, messages=60, recent=[row(39), row(40), row(41, target=39)], journal="abc")
    lobby = state.rooms.lobby
    assert (lobby.seq, state.messages, state.journal) == (41, 60, "abc")
    assert Draft(state, 0).take_seqs("lobby") == 42
    events = lobby.events(38, 10)
    assert events is not None
    assert [(event.seq, event.is_message) for event in events] == [(39, True), (40, True), (41, False)]
    assert [line["type"] for line in lines([event.line for event in events])] == [
        "message",
        "message",
        "edited",
    ]
    assert lobby.events(37, 10) is None


def test_names_are_held_after_a_restart() -> None:
    """Guests who were connected when the server ended left now, and others when they did."""
    now = Clock().now()
    registered, here = NameRow("a", "alice", "alice", 1, None), NameRow("b", "bob", "bob", None, None)
    left = NameRow("c", "carol", "carol", None, now - 5)
    state = start(registered=[registered], absent=[left, here], guests=7)
    assert state.directory.stored("a") == registered
    assert state.directory.stored("b") == here._replace(left=now)
    assert state.directory.first_left() == now - 5
    assert state.enter(NullSubscriber(), "::1")[0].name == "guest-8"


def test_what_was_decided_about_users_holds_after_a_restart() -> None:
    state = start(
        reports=[NewReport("eve", "a", "a", None, 1)],
        mutes=[SetMute("eve", FOREVER, None, 1)],
        bans=[SetBan("address", "192.0.2.0/24", FOREVER, None)],
        names={"eve": "eve"},
        scheduled=[pending(5)],
        scheduled_id=9,
    )
    assert state.moderation.of("eve").reports == 1
    assert state.moderation.inherited("new", "eve") == "eve"
    with pytest.raises(ChatError):
        state.moderation.check("eve", 0)
    with pytest.raises(ChatError):
        state.bans.check_address("192.0.2.1", 0)
    assert list(state.schedule) == [pending(5)]
    assert state.schedule.next_id() == 10


# Coming in


def test_a_new_connection_is_a_guest_with_a_welcome() -> None:
    state, connection = start(lobby_seq=3), NullSubscriber()
    user, welcome = state.enter(connection, "::1")
    assert (welcome.user, welcome.room, welcome.seq, welcome.journal) == (user.name, "lobby", 3, "j")
    assert welcome.token is not None
    assert list(state.audience.pending) == [connection]


def test_where_login_is_required_a_new_connection_is_nobody() -> None:
    state = Harness(Settings(rules=Rules(require_login=True))).state
    user, welcome = state.enter(NullSubscriber(), "::1")
    assert (user.id, welcome.user, welcome.token) == ("", None, None)
    assert "login" in str(welcome.hint)
    assert not state.audience.pending
    assert state.directory.users() == []


# What the tasks are called for


def test_each_task_is_called_for_its_own_changes() -> None:
    calls: list[str] = []

    def call(name: str) -> Notify:
        return lambda: calls.append(name)

    state = start(Wakeups(**{name: call(name) for name in attrs.fields_dict(Wakeups)}))

    def called() -> set[str]:
        found = {*calls}
        calls.clear()
        return found

    connection = NullSubscriber()
    user, _ = state.enter(connection, "::1")
    assert called() == {"presence"}
    state.audience.subscribe_pending(connection)
    assert called() == {"presence"}
    user.has_row = True
    state.users.leave(user, connection, for_good=False)
    assert called() == {"sessions", "absence"}
    state.schedule.add(pending(1))
    assert called() == {"schedule"}
    room = state.rooms.open("@a@b")
    state.receipts.deliver(new_user("a"), room, 1)
    assert called() == {"receipts"}


# Settings and counters


def test_other_settings_hold_from_now_on_for_everybody() -> None:
    chat = Harness()
    settings = Settings(
        limits=Limits(connections=7, connections_per_address=2),
        rules=Rules(reports_to_mute=9, mute_seconds=4),
    )
    chat.state.configure(settings)
    state = chat.state
    assert state.settings is settings
    assert (state.slots.total, state.slots.per_address) == (7, 2)
    assert (state.moderation.reports_to_mute, state.moderation.mute_milliseconds) == (9, 4000)


@rows(("presence", "grace", "keys", "expected"), [(5, 600, 60, (600, 60)), (700, 600, 60, (700, 60))])
def test_what_has_expired_need_not_be_on_disk(
    presence: float, grace: float, keys: float, expected: tuple[int, int]
) -> None:
    rules = Rules(presence_seconds=presence, grace_seconds=grace, key_seconds=keys)
    chat = Harness(Settings(rules=rules))
    now = chat.clock.now()
    left, keys_since = (now - 1000 * seconds for seconds in expected)
    assert chat.state.prune() == Prune(left=left, keys=keys_since)
    assert chat.state.keys_since() == keys_since


def test_keys_are_remembered_for_very_long_where_that_is_not_limited() -> None:
    chat = Harness(Settings(rules=Rules(key_seconds=0)))
    assert chat.state.keys_since() < chat.clock.now() - 10**12


def test_messages_are_counted_in_all_and_in_the_last_minute() -> None:
    state = start(messages=5)
    state.count(3)
    assert state.messages == 8
    assert state.meter.last_minute(state.clock.monotonic()) == 3
