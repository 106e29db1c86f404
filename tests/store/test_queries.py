"""Queries of users: each kind of change is read as it was written."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpchat.store import StorageError
from tcpchat.store.changes import (
    Change,
    DropIgnored,
    DropScheduled,
    EditMessage,
    EndSession,
    NewKey,
    NewMention,
    NewMessage,
    NewRoom,
    NewUser,
    Prune,
    SetAccount,
    SetAllLeft,
    SetAway,
    SetIgnored,
    SetLeft,
    SetMember,
    SetName,
    SetReceipts,
    SetSession,
    TrimKeys,
)
from tcpchat.store.queries.events import (
    count_unread,
    find_event,
    messages_of,
    read_events,
    read_history,
    unread_messages,
)
from tcpchat.store.queries.snapshot import load_snapshot
from tcpchat.store.queries.users import counterparts, find_user, names_of, password_hash
from tcpchat.store.rows import AwayRow, Counterpart, EventRow, MemberRow, NameRow, UnreadRange, UserRow
from tcpchat.store.sqlite import SqliteStore
from tcpchat.store.statements import ROWS
from tests.store.rows import (
    NOW,
    StoreWithUsers,
    direct,
    edit,
    everything,
    message,
    scheduled,
    seqs,
    stored,
)

LOBBY = "lobby"
BETWEEN = "@u1@u2"


@pytest.fixture
def store() -> Iterator[SqliteStore]:
    store = StoreWithUsers(None)
    yield store
    store.close()


def key(number: int, user: str = "u1", at: int = NOW) -> NewKey:
    return NewKey(user, f"k{number}", at, LOBBY, None, number, None, at)


def device(user: str, number: int = 1, name: str = "phone") -> SetSession:
    return SetSession(f"{user}/{number}".encode(), user, number, name, "::1", NOW, NOW + number)


def keep(store: SqliteStore, *users: str, left: int | None = None) -> None:
    """Keep users with a name and a device each."""
    for id in users:
        store.commit(
            [NewUser(id, NOW), SetName(id, f"name of {id}", id.upper()), SetLeft(id, NOW, left), device(id)]
        )


def found(store: SqliteStore, who: bytes | str = "u1", keys: int = 10) -> UserRow:
    identity = store.ask(find_user, who, keys)
    assert identity is not None
    return identity


def rows(store: SqliteStore, query: str) -> list[Any]:
    return store._writer.execute(query).fetchall()


# Who a user is


@pytest.mark.parametrize("in_memory", [False, True])
def test_all_that_is_kept_of_a_user_comes_back_by_id_and_by_each_token(
    tmp_path: Path, *, in_memory: bool
) -> None:
    store = StoreWithUsers(None if in_memory else tmp_path, "off")
    keep(store, "u1", left=5)
    keep(store, "u2", "u3")
    store.commit(
        [
            device("u1", 2, "laptop"),
            SetAccount("u1", NOW, "hash"),
            SetAway("u1", "tea", 7),
            SetReceipts("u1", 0),
            SetIgnored("u1", "u3"),
            SetMember("u1", LOBBY, 1, 2),
            SetMember("u1", BETWEEN, 1, 2),
            SetMember("u2", BETWEEN, 2, 2),
            direct(1), direct(2, "u2", "u1"), message(1), message(2), message(3),
            scheduled(1)._replace(number=7), DropScheduled(1),
            key(1), key(2, "u2"), key(3),
        ]
    )  # fmt: skip
    expected = UserRow(
        user="u1",
        at=NOW,
        left=5,
        name="U1",
        registered=NOW,
        last_number=7,
        away=AwayRow("tea", 7),
        receipts=False,
        sessions=[device("u1"), device("u1", 2, "laptop")],
        ignored=["u3"],
        keys=[key(1), key(3)],
        members=[MemberRow(BETWEEN, 2, 1, 2), MemberRow(LOBBY, 3, 1, 2)],
    )
    for who in ("u1", b"u1/1", b"u1/2"):
        assert store.ask(find_user, who, 10) == expected
    assert store.ask(find_user, "u1", 1) == attrs.evolve(expected, keys=[key(3)])
    assert store.ask(find_user, b"u1", 10) is store.ask(find_user, "nobody", 10) is None
    store.close()


def test_of_a_user_of_whom_little_is_kept_the_rest_is_as_if_never_set(store: SqliteStore) -> None:
    store.commit([NewUser("u1", NOW)])
    assert found(store) == UserRow(
        user="u1",
        at=NOW,
        left=None,
        name=None,
        registered=None,
        last_number=0,
        away=None,
        receipts=True,
        sessions=[],
        ignored=[],
        keys=[],
        members=[],
    )


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        ([SetLeft("u1", NOW, 7)], "left", 7),
        ([SetLeft("u1", NOW, 7), SetLeft("u1", NOW + 1, None)], "left", None),
        ([SetAway("u1", "", 7)], "away", ("", 7)),
        ([SetAway("u1", "tea", 7), SetAway("u1", None, None)], "away", None),
        ([SetReceipts("u1", 0), SetReceipts("u1", 1)], "receipts", True),
        ([SetIgnored("u1", "u2"), SetIgnored("u1", "u2"), SetIgnored("u1", "u3")], "ignored", ["u2", "u3"]),
        ([SetIgnored("u1", "u2"), SetIgnored("u2", "u1"), DropIgnored("u1", "u2")], "ignored", []),
        ([device("u1", 2), EndSession(b"u1/1")], "sessions", [device("u1", 2)]),
        ([EndSession(b"u2/1"), EndSession(b"never")], "sessions", [device("u1")]),
        ([SetName("u2", "name of u1", "U1")], "name", None),
        ([SetName("u1", "al", "Al")], "name", "Al"),
    ],
)
def test_a_change_replaces_what_was_there(
    store: SqliteStore, changes: list[Change], field: str, value: object
) -> None:
    keep(store, "u1", "u2", "u3")
    store.commit(changes)
    assert getattr(found(store), field) == value


def test_a_device_that_is_used_again_keeps_its_user_number_and_age(store: SqliteStore) -> None:
    keep(store, "u1", "u2")
    store.commit([SetSession(b"u1/1", "u2", 9, "new name", "::2", NOW + 50, NOW + 60)])
    assert found(store).sessions == [SetSession(b"u1/1", "u1", 1, "new name", "::2", NOW, NOW + 60)]


def test_only_who_is_registered_has_a_password_and_a_new_one_keeps_since_when(store: SqliteStore) -> None:
    keep(store, "u1", "u2")
    assert store.ask(password_hash, "u1") is None
    store.commit([SetAccount("u1", 7, "old"), SetAccount("u1", 8, "new")])
    assert store.ask(password_hash, "u1") == "new"
    assert found(store).registered == 7
    assert store.ask(password_hash, "u2") is None
    assert found(store, "u2").registered is None


# Members


def member(store: SqliteStore, room: str = LOBBY, user: str = "u1") -> tuple[int, int, int]:
    """Return the room's last number, and how far the user has read it and was given it."""
    (found_one,) = [one for one in found(store, user).members if one.room == room]
    return found_one.seq, found_one.read, found_one.delivered


def test_read_markers_never_go_back(store: SqliteStore) -> None:
    keep(store, "u1")
    for read, delivered, expected in ((3, 5, (3, 5)), (2, 6, (3, 6)), (4, 1, (4, 6)), (0, 0, (4, 6))):
        store.commit([SetMember("u1", LOBBY, read, delivered)])
        assert member(store) == (0, *expected)
    store.commit([SetMember("u1", LOBBY, 9, 9), SetMember("u1", LOBBY, 8, 8)])
    assert member(store) == (0, 9, 9)


def test_a_room_without_messages_has_the_number_0(store: SqliteStore) -> None:
    keep(store, "u1")
    store.commit([NewRoom(BETWEEN, "direct"), SetMember("u1", BETWEEN, 0, 0)])
    assert found(store).members == [MemberRow(BETWEEN, 0, 0, 0)]


def test_the_number_of_a_room_counts_events_of_every_kind(store: SqliteStore) -> None:
    keep(store, "u1")
    store.commit([SetMember("u1", LOBBY, 0, 0), message(1), edit(2, 1)])
    assert member(store) == (2, 0, 0)


SENT = st.tuples(
    st.sampled_from(["u1", "u2", "u3"]), st.booleans(), st.booleans(), st.booleans()
)  # author, direct, mention, edit
MARKER = st.integers(0, 12)


@given(st.lists(SENT, max_size=12), MARKER, MARKER, st.sets(st.sampled_from(["u2", "u3"])), st.integers(1, 4))
def test_unread_is_what_others_sent_after_the_read_markers(
    sent: list[tuple[str, bool, bool, bool]], read: int, read_direct: int, ignored: set[str], page: int
) -> None:
    """Against plain lists; u1 and u2 write directly, messages of the lobby may mention u1, some are edits."""
    store = StoreWithUsers(None)
    lobby: list[tuple[NewMessage | None, bool]] = []
    talk: list[NewMessage | None] = []
    order: list[NewMessage] = []
    for author, is_direct, mention, is_edit in sent:
        between = is_direct and author != "u3"
        one = direct(len(talk) + 1, author, "u2" if author == "u1" else "u1")
        if not between:
            one = message(len(lobby) + 1, author=author)
        if is_edit:
            store.commit([edit(one.seq, 0, room=one.room, author=author)])
        else:
            order.append(one)
            store.commit([one])
        written = None if is_edit else one
        if between:
            talk.append(written)
            continue
        lobby.append((written, mention and not is_edit))
        if lobby[-1][1]:
            store.commit([NewMention("u1", LOBBY, len(lobby)), NewMention("u3", LOBBY, len(lobby))])
    rooms = [
        UnreadRange(LOBBY, min(read, len(lobby)), len(lobby)),
        UnreadRange(BETWEEN, min(read_direct, len(talk)), len(talk)),
    ]
    silent = {"u1", *ignored}
    shown = [(one, mention) for one, mention in lobby[read:] if one is not None and one.author not in silent]
    own = [one for one in talk[read_direct:] if one is not None and one.author not in silent]
    assert store.ask(count_unread, "u1", rooms, ignored) == [
        (len(shown), any(mention for _, mention in shown)), (len(own), False)
    ]  # fmt: skip

    expected = [stored(one) for one in order if one in own or one in [one for one, _ in shown]]
    pages: list[EventRow] = []
    cursor = 0
    while some := store.ask(unread_messages, "u1", rooms, ignored, page, cursor):
        assert len(some) <= page
        pages += [found_one.message for found_one in some]
        cursor = some[-1].cursor
    assert pages == expected
    store.close()


def test_what_comes_after_the_last_number_asked_for_is_not_unread_yet(store: SqliteStore) -> None:
    store.commit([message(seq, author="u2") for seq in range(1, 5)])
    store.commit([direct(seq, "u2", "u1") for seq in range(1, 5)])
    store.commit([NewMention("u1", LOBBY, 4)])
    rooms = [UnreadRange(LOBBY, 1, 3), UnreadRange(BETWEEN, 1, 3)]
    assert store.ask(count_unread, "u1", rooms, ()) == [(2, False), (2, False)]
    assert [one.message.seq for one in store.ask(unread_messages, "u1", rooms, (), 10, 0)] == [2, 3, 2, 3]


@pytest.mark.parametrize("author", ["u1", "u2", "u3"])
def test_an_edit_is_no_unread_message_whoever_made_it(store: SqliteStore, author: str) -> None:
    """It has a number in the range, and it is neither counted nor taken off twice."""
    store.commit([message(seq, author="u2") for seq in (1, 2)])
    store.commit([edit(3, 1, author=author), message(4, author="u3"), edit(5, 4, author=author)])
    rooms = [UnreadRange(LOBBY, 1, 5)]
    assert store.ask(count_unread, "u1", rooms, ()) == [(2, False)]
    assert store.ask(count_unread, "u1", rooms, ("u3",)) == [(1, False)]
    assert store.ask(count_unread, "u1", [UnreadRange(LOBBY, 2, 3)], ()) == [(0, False)]
    assert [one.message.seq for one in store.ask(unread_messages, "u1", rooms, (), 10, 0)] == [2, 4]


def test_an_unread_message_is_shown_as_it_is_now(store: SqliteStore) -> None:
    store.commit([message(1, author="u2"), edit(2, 1, "new", author="u2")])
    (one,) = store.ask(unread_messages, "u1", [UnreadRange(LOBBY, 0, 2)], (), 10, 0)
    assert (one.message.text, one.message.edited) == ("new", NOW + 2)


def statements(store: SqliteStore, query: Callable[..., object], *arguments: object) -> int:
    """Return how many statements a query runs."""

    def run(db: sqlite3.Connection) -> int:
        seen: list[str] = []
        db.set_trace_callback(seen.append)
        query(db, *arguments)
        db.set_trace_callback(None)
        return len(seen)

    return store.ask(run)


def test_what_is_unread_costs_no_more_the_more_users_are_ignored(store: SqliteStore) -> None:
    """A query for each of them in each room kept a reader busy for seconds."""
    ignored = [f"x{number}" for number in range(1000)]
    rooms = [UnreadRange(f"@u1@y{number}", 0, 1) for number in range(150)]
    silent = [UnreadRange(f"@u1@{user}", 0, 1) for user in ignored]
    everything = [UnreadRange(LOBBY, 0, 9), *rooms, *silent]
    assert statements(store, count_unread, "u1", everything, ignored) <= 6
    assert statements(store, count_unread, "u1", silent, ignored) == 0
    assert statements(store, unread_messages, "u1", everything, ignored, 10, 0) == 1 + len(rooms)


def test_of_a_direct_room_with_an_ignored_user_or_oneself_nothing_is_unread(store: SqliteStore) -> None:
    store.commit([direct(1, "u2", "u1"), direct(1, "u1", "u1")])
    rooms = [UnreadRange(BETWEEN, 0, 1), UnreadRange("@u1@u1", 0, 1)]
    assert store.ask(count_unread, "u1", rooms, {"u2"}) == [(0, False)] * 2
    assert store.ask(unread_messages, "u1", rooms, {"u2"}, 10, 0) == []
    assert store.ask(count_unread, "u1", rooms, ()) == [(1, False), (0, False)]


def test_a_message_is_marked_as_a_mention_of_a_user_once(store: SqliteStore) -> None:
    store.commit([NewMention("u1", LOBBY, 1), NewMention("u1", LOBBY, 1), message(1, author="u2")])
    assert store.ask(count_unread, "u1", [UnreadRange(LOBBY, 0, 1)], ()) == [(1, True)]
    assert store.ask(count_unread, "u3", [UnreadRange(LOBBY, 0, 1)], ()) == [(1, False)]


# Events


def edited(message: NewMessage, change: EditMessage) -> EventRow:
    return stored(message)._replace(text=change.text, edited=change.at)


def event(change: EditMessage) -> EventRow:
    """Return the row of an edit."""
    return EventRow(**change._asdict(), kind="edited", edited=None)


def test_an_edit_is_an_event_and_gives_its_message_another_text(store: SqliteStore) -> None:
    first, second = message(1, "one"), message(2, "two")
    change, again = edit(3, 1, "uno"), edit(4, 1, "une")
    store.commit([first, second, message(1, "elsewhere", room="attic"), change])
    assert everything(store) == [edited(first, change), stored(second)]
    store.commit([again])
    assert everything(store) == [edited(first, again), stored(second)], "no edit is a message"
    assert everything(store, "attic")[0].text == "elsewhere"
    assert store.ask(read_events, LOBBY, 0, 10, 10) == [
        edited(first, again), stored(second), event(change), event(again)
    ]  # fmt: skip


def test_an_edit_in_a_direct_room_has_a_recipient(store: SqliteStore) -> None:
    one = direct(1)
    change = EditMessage(BETWEEN, 2, NOW + 2, "u1", "U1", "u2", "U2", 1, "corrected")
    store.commit([one, change])
    assert store.ask(read_events, BETWEEN, 0, 10, 10) == [edited(one, change), event(change)]


def test_history_of_so_many_messages_passes_over_edits(store: SqliteStore) -> None:
    store.commit([message(1), edit(2, 1), edit(3, 1), message(4), edit(5, 4), message(6)])

    def history(count: int, before: int | None = None, after: int | None = None, until: int = 6) -> list[int]:
        return seqs(store.ask(read_history, LOBBY, count, before=before, after=after, until=until))

    assert history(2) == [4, 6]
    assert history(2, until=5) == [1, 4]
    assert history(2, before=5) == [1, 4]
    assert history(2, after=1) == [4, 6]
    assert history(2, after=2, until=5) == [4]


@pytest.mark.parametrize(
    ("after", "count", "until", "expected"),
    [
        (0, 10, 10, [1, 2, 3, 4]),
        (0, 2, 10, [1, 2]),
        (1, 2, 10, [2, 3]),
        (2, 10, 3, [3]),
        (4, 10, 10, []),
        (9, 10, 10, []),
        (0, 10, 0, []),
        (0, 0, 10, []),
    ],
)
def test_events_of_every_kind_come_in_order_after_a_number(
    store: SqliteStore, after: int, count: int, until: int, expected: list[int]
) -> None:
    store.commit([message(1), edit(2, 1), message(3), edit(4, 3)])
    store.commit([message(seq, room="attic") for seq in range(1, 5)])
    found_all = store.ask(read_events, LOBBY, after, count, until)
    assert seqs(found_all) == expected
    assert {one.room for one in found_all} <= {LOBBY}


def test_an_event_is_found_by_its_number_in_its_room(store: SqliteStore) -> None:
    one, change = message(1), edit(2, 1)
    store.commit([one, change, direct(1)])
    assert store.ask(find_event, LOBBY, 1) == edited(one, change)
    assert store.ask(find_event, LOBBY, 2) == event(change)
    assert store.ask(find_event, BETWEEN, 1) == stored(direct(1))
    assert store.ask(find_event, LOBBY, 3) is store.ask(find_event, "attic", 1) is None


def test_messages_of_a_user_are_without_edits(store: SqliteStore) -> None:
    one, change = message(1), edit(2, 1)
    store.commit([one, change, message(3, author="u2"), direct(1, "u2", "u1")])
    found_all = [page.message for page in store.ask(messages_of, "u1", 10, 0)]
    assert found_all == [edited(one, change), stored(direct(1, "u2", "u1"))]


def test_a_start_has_the_last_events_and_counts_messages_only(store: SqliteStore) -> None:
    one, two = message(1), message(2)
    change = edit(3, 1)
    store.commit([one, two, change, direct(1)])
    snapshot = store.ask(load_snapshot, 2, 0)
    assert snapshot.recent == [stored(two), event(change)]
    assert (snapshot.lobby_seq, snapshot.messages) == (3, 3)
    assert store.ask(load_snapshot, 10, 0).recent[0] == edited(one, change)


# Who others are


def test_the_other_user_of_a_direct_room_has_the_present_name_and_read_markers(store: SqliteStore) -> None:
    keep(store, "u1", "u2")
    store.commit(
        [direct(1), SetMember("u2", BETWEEN, 1, 2), SetMember("u1", BETWEEN, 8, 9), SetReceipts("u2", 0)]
    )
    assert store.ask(counterparts, "u1", [BETWEEN]) == [Counterpart("U2", 2, 1, receipts=False)]
    assert store.ask(counterparts, "u2", [BETWEEN]) == [Counterpart("U1", 9, 8, receipts=True)]


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ([direct(1), direct(2, "u2", "u1")._replace(name="Bob")], "Bob"),
        ([direct(1)._replace(recipient_name="Rob")], "Rob"),
        ([], "?"),
    ],
)
def test_the_other_one_whose_name_was_taken_has_the_last_one_there(
    store: SqliteStore, said: list[NewMessage], name: str
) -> None:
    keep(store, "u1", "u2")
    store.commit([*said, SetName("u3", "name of u2", "U2")])
    assert store.ask(counterparts, "u1", [BETWEEN]) == [Counterpart(name, 0, 0, receipts=True)]


def test_who_writes_to_themselves_is_the_other_one(store: SqliteStore) -> None:
    keep(store, "u1")
    store.commit([SetMember("u1", "@u1@u1", 1, 1)])
    assert store.ask(counterparts, "u1", ["@u1@u1"]) == [Counterpart("U1", 1, 1, receipts=True)]


def test_names_are_those_of_now_or_the_last_that_was_heard(store: SqliteStore) -> None:
    keep(store, "u1", "u2", "u3", "u4")
    store.commit([message(1, author="u2"), message(2, author="u2")._replace(name="later")])
    store.commit([direct(1, "u3", "u1")])
    store.commit([SetName("u9", f"name of {id}", "x") for id in ("u2", "u3", "u4")])
    assert store.ask(names_of, ["u1", "u2", "u3", "u4", "u5"]) == {"u1": "U1", "u2": "later", "u3": "U3"}
    assert store.ask(names_of, []) == {}


# Starts, and what is not kept for ever


def test_a_start_knows_registered_users_and_guests_who_may_come_back(store: SqliteStore) -> None:
    for id, left in (("here", None), ("gone", 4), ("later", 9), ("soon", 5), ("al", None)):
        keep(store, id, left=left)
    store.commit([SetAccount("al", 7, "hash"), SetName("al", "al", "Al")])
    store.commit([NewUser("no device", 1), SetName("no device", "nd", "Nd")])
    snapshot = store.ask(load_snapshot, 0, 5)
    assert snapshot.registered == [NameRow("al", "al", "Al", 7, None)]
    assert snapshot.absent == [
        NameRow(id, f"name of {id}", id.upper(), None, left)
        for id, left in (("soon", 5), ("later", 9), ("here", None))
    ]


def test_a_start_notes_that_who_was_here_left_then(store: SqliteStore) -> None:
    keep(store, "guest", "registered")
    keep(store, "away", left=50)
    store.commit([SetAccount("registered", 7, "hash"), NewUser("no device", 1)])
    store.commit([SetAllLeft(100), Prune(left=0, keys=0)])
    left = rows(store, "SELECT id, left FROM user ORDER BY id")
    assert left == [("away", 50), ("guest", 100), ("no device", None), ("registered", 100)]


@pytest.mark.parametrize("at_start", [False, True])
def test_of_guests_who_left_before_nothing_is_kept_that_only_they_need(
    store: SqliteStore, *, at_start: bool
) -> None:
    people = {"long gone": 4, "soon": 5, "here": None, "registered": 4, "no device": 4}
    for id, left in people.items():
        keep(store, id, left=left)
        store.commit(
            [
                SetMember(id, LOBBY, 1, 1),
                NewMention(id, LOBBY, 1),
                SetIgnored(id, "soon"),
                message(1, room=id),
            ]
        )
    store.commit(
        [SetAccount("registered", 7, ""), SetAccount("no device", 7, ""), EndSession(b"no device/1")]
    )
    store.commit([key(1, at=7), key(2, at=8)])
    prune = Prune(left=5, keys=8)
    if at_start:
        store.commit([SetAllLeft(100), prune])
    else:
        store.commit([prune])
    for table in ("member", "mention", "ignored"):
        kept = rows(store, f"SELECT user FROM {table} ORDER BY user")
        assert kept == [("here",), ("no device",), ("registered",), ("soon",)], table
    assert rows(store, "SELECT user FROM device ORDER BY user") == [("here",), ("registered",), ("soon",)]
    assert rows(store, "SELECT key FROM sent_key") == [("k2",)]
    assert [len(everything(store, id)) for id in people] == [1] * 5, "what was said stays"
    assert found(store, "long gone").name == "LONG GONE"


def test_how_far_a_guest_who_is_gone_had_read_stays_known_to_the_other(store: SqliteStore) -> None:
    """Receipts never go back."""
    keep(store, "u1", left=50)
    keep(store, "u2", left=4)
    store.commit([NewRoom(BETWEEN, "direct"), direct(1, "u1", "u2")])
    store.commit([SetMember("u1", BETWEEN, 1, 1), SetMember("u2", BETWEEN, 1, 1)])
    before = store.ask(counterparts, "u1", [BETWEEN])
    store.commit([Prune(left=5, keys=0)])
    assert found(store, "u2").sessions == []
    assert store.ask(counterparts, "u1", [BETWEEN]) == before
    assert (before[0].delivered, before[0].read) == (1, 1)


def test_who_logged_out_on_all_devices_comes_back_with_everything(store: SqliteStore) -> None:
    keep(store, "u1", left=4)
    store.commit([SetAccount("u1", 7, "hash"), SetMember("u1", LOBBY, 3, 3), SetIgnored("u1", "u2")])
    store.commit([EndSession(b"u1/1"), Prune(left=1000, keys=0)])
    again = found(store)
    assert (again.sessions, again.members, again.ignored, again.registered) == (
        [], [MemberRow(LOBBY, 0, 3, 3)], ["u2"], 7
    )  # fmt: skip


def test_the_newest_keys_of_a_user_stay(store: SqliteStore) -> None:
    store.commit([key(number) for number in range(10)] + [key(5, "u2")])
    store.commit([key(0)])  # used again, so it is the newest
    store.commit([TrimKeys("u1", 3)])
    store.commit([TrimKeys("u2", 3)])
    kept = rows(store, "SELECT user, key FROM sent_key ORDER BY id")
    assert kept == [("u1", "k8"), ("u1", "k9"), ("u2", "k5"), ("u1", "k0")]


# How it is written and read


def test_what_many_rows_are_written_of_is_written_whole(store: SqliteStore) -> None:
    count = ROWS + 1
    ids = [f"u{number:03}" for number in range(count)]
    store.commit([SetLeft(id, NOW, 1) for id in ids])
    store.commit([device(id) for id in ids])
    store.commit([SetMember(id, LOBBY, 1, 2) for id in ids])
    store.commit([NewMention(id, LOBBY, 1) for id in ids])
    for table in ("user", "device", "member", "mention"):
        assert rows(store, f"SELECT count(*) FROM {table}") == [(count,)], table
    assert member(store, user=ids[-1]) == (0, 1, 2)
    store.commit([EndSession(f"{id}/1".encode()) for id in ids[1:]])
    assert rows(store, "SELECT user FROM device") == [(ids[0],)]


def test_a_message_and_what_comes_with_it_are_kept_or_lost_together(store: SqliteStore) -> None:
    store.commit([message(1)])
    with pytest.raises(sqlite3.IntegrityError):
        store.commit(
            [message(2), key(2), NewMention("u1", LOBBY, 2), SetMember("u1", LOBBY, 2, 2), message(1)]
        )
    for table in ("sent_key", "mention", "member"):
        assert rows(store, f"SELECT count(*) FROM {table}") == [(0,)], table
    assert seqs(everything(store)) == [1]


def test_what_cannot_be_read_is_a_storage_error(store: SqliteStore) -> None:
    for table in ("device", "account", "event", "member", "name"):
        store._writer.execute(f"ALTER TABLE {table} RENAME TO lost_{table}")
    for ask in (
        lambda: store.ask(find_user, b"", 1),
        lambda: store.ask(password_hash, "u1"),
        lambda: store.ask(count_unread, "u1", [UnreadRange(LOBBY, 0, 1)], ()),
        lambda: store.ask(unread_messages, "u1", [UnreadRange(LOBBY, 0, 1)], (), 1, 0),
        lambda: store.ask(counterparts, "u1", [BETWEEN]),
        lambda: store.ask(names_of, ["u1"]),
        lambda: store.commit([SetAllLeft(NOW)]),
    ):
        with pytest.raises(StorageError, match="no such table"):
            ask()


def test_no_question_reads_all_messages(tmp_path: Path) -> None:
    """Messages are many: who resumes must not make the reader go through all of them."""
    store = StoreWithUsers(tmp_path, "off")
    plans: list[str] = []
    connection = store._connect()
    store._readers.append(connection)
    keep(store, "u1", "u2")
    connection.set_trace_callback(plans.append)
    store.ask(find_user, b"u1/1", 10)
    store.ask(password_hash, "u1")
    rooms = [UnreadRange(LOBBY, 0, 1), UnreadRange(BETWEEN, 0, 1)]
    store.ask(count_unread, "u1", rooms, ["u3"])
    store.ask(unread_messages, "u1", rooms, ["u3"], 10, 0)
    store.ask(counterparts, "u1", ["@u1@u9"])
    store.ask(names_of, ["u9"])
    store.ask(find_event, LOBBY, 1)
    store.ask(read_events, LOBBY, 0, 10, 10)
    store.ask(read_history, LOBBY, 10, before=None, after=None, until=10)
    connection.set_trace_callback(None)
    assert len(plans) > 12
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    for statement in plans:
        plan = connection.execute(f"EXPLAIN QUERY PLAN {statement}").fetchall()
        assert not [row[3] for row in plan if row[3].startswith("SCAN") and tables & {*row[3].split()}], plan
        if "count(*)" in statement:  # of millions, maybe
            assert [row[3] for row in plan if " INDEX event_" in row[3]], plan
    store.close()
