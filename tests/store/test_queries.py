"""What is kept of users comes back as it was written: each kind of change, and what the chat asks of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
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
    EndSession,
    NewKey,
    NewMention,
    NewMessage,
    NewUser,
    Prune,
    SetAccount,
    SetAllLeft,
    SetAway,
    SetIgnored,
    SetLeft,
    SetMark,
    SetName,
    SetReceipts,
    SetSession,
    TrimKeys,
)
from tcpchat.store.queries.messages import count_unread, unread_messages
from tcpchat.store.queries.snapshot import load_snapshot
from tcpchat.store.queries.users import counterparts, find_user, names_of, password_hash
from tcpchat.store.rows import AwayRow, ConversationRow, Counterpart, MarkRow, NameRow, UnreadRange, UserRow
from tcpchat.store.sqlite import SqliteStore
from tcpchat.store.statements import ROWS
from tests.store.rows import NOW, StoreWithUsers, everything, message, private, scheduled, seqs

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
            SetMark("u1", LOBBY, 1, 2),
            SetMark("u1", BETWEEN, 1, 2),
            SetMark("u2", BETWEEN, 2, 2),
            private(1), private(2, "u2", "u1"), message(1), message(2), message(3),
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
        lobby=MarkRow(1, 2),
        sessions=[device("u1"), device("u1", 2, "laptop")],
        ignored=["u3"],
        keys=[key(1), key(3)],
        conversations=[ConversationRow(BETWEEN, 2, 1, 2)],
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
        lobby=None,
        sessions=[],
        ignored=[],
        keys=[],
        conversations=[],
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


# Marks


def test_a_mark_never_goes_back(store: SqliteStore) -> None:
    keep(store, "u1")
    for read, delivered, expected in ((3, 5, (3, 5)), (2, 6, (3, 6)), (4, 1, (4, 6)), (0, 0, (4, 6))):
        store.commit([SetMark("u1", LOBBY, read, delivered)])
        assert found(store).lobby == expected
    store.commit([SetMark("u1", LOBBY, 9, 9), SetMark("u1", LOBBY, 8, 8)])
    assert found(store).lobby == (9, 9)


def test_a_conversation_without_messages_has_the_number_0(store: SqliteStore) -> None:
    keep(store, "u1")
    store.commit([SetMark("u1", BETWEEN, 0, 0)])
    assert found(store).conversations == [(BETWEEN, 0, 0, 0)]


SAID = st.tuples(
    st.sampled_from(["u1", "u2", "u3"]), st.booleans(), st.booleans()
)  # author, private, mention
MARK = st.integers(0, 12)


@given(st.lists(SAID, max_size=12), MARK, MARK, st.sets(st.sampled_from(["u2", "u3"])), st.integers(1, 4))
def test_unread_is_what_others_said_after_the_marks(
    said: list[tuple[str, bool, bool]], read: int, read_private: int, ignored: set[str], page: int
) -> None:
    """Against plain lists; u1 and u2 talk privately, and each message of the lobby may mention u1."""
    store = StoreWithUsers(None)
    lobby: list[tuple[NewMessage, bool]] = []
    talk: list[NewMessage] = []
    order: list[NewMessage] = []
    for author, is_private, mention in said:
        if is_private and author != "u3":
            talk.append(private(len(talk) + 1, author, "u2" if author == "u1" else "u1"))
            order.append(talk[-1])
            store.commit([talk[-1]])
        else:
            lobby.append((message(len(lobby) + 1, author=author), mention))
            order.append(lobby[-1][0])
            mentions = [NewMention("u1", LOBBY, len(lobby)), NewMention("u3", LOBBY, len(lobby))]
            store.commit([order[-1], *mentions[: 2 * mention]])
    rooms = [
        UnreadRange(LOBBY, min(read, len(lobby)), len(lobby)),
        UnreadRange(BETWEEN, min(read_private, len(talk)), len(talk)),
    ]
    silent = {"u1", *ignored}
    heard = [(line, mention) for line, mention in lobby[read:] if line.author not in silent]
    own = [line for line in talk[read_private:] if line.author not in silent]
    assert store.ask(count_unread, "u1", rooms, ignored) == [
        (len(heard), any(mention for _, mention in heard)), (len(own), False)
    ]  # fmt: skip

    expected = [line for line in order if line in own or line in [line for line, _ in heard]]
    pages: list[NewMessage] = []
    cursor = 0
    while some := store.ask(unread_messages, "u1", rooms, ignored, page, cursor):
        assert len(some) <= page
        pages += [one.message for one in some]
        cursor = some[-1].cursor
    assert pages == expected
    store.close()


def test_what_comes_after_the_last_number_asked_for_is_not_unread_yet(store: SqliteStore) -> None:
    store.commit([message(seq, author="u2") for seq in range(1, 5)])
    store.commit([private(seq, "u2", "u1") for seq in range(1, 5)])
    store.commit([NewMention("u1", LOBBY, 4)])
    rooms = [UnreadRange(LOBBY, 1, 3), UnreadRange(BETWEEN, 1, 3)]
    assert store.ask(count_unread, "u1", rooms, ()) == [(2, False), (2, False)]
    assert [one.message.seq for one in store.ask(unread_messages, "u1", rooms, (), 10, 0)] == [2, 3, 2, 3]


def test_of_a_conversation_with_who_is_ignored_or_oneself_nothing_is_unread(store: SqliteStore) -> None:
    store.commit([private(1, "u2", "u1"), private(1, "u1", "u1")])
    rooms = [UnreadRange(BETWEEN, 0, 1), UnreadRange("@u1@u1", 0, 1)]
    assert store.ask(count_unread, "u1", rooms, {"u2"}) == [(0, False)] * 2
    assert store.ask(unread_messages, "u1", rooms, {"u2"}, 10, 0) == []
    assert store.ask(count_unread, "u1", rooms, ()) == [(1, False), (0, False)]


def test_a_message_is_marked_as_a_mention_of_a_user_once(store: SqliteStore) -> None:
    store.commit([NewMention("u1", LOBBY, 1), NewMention("u1", LOBBY, 1), message(1, author="u2")])
    assert store.ask(count_unread, "u1", [UnreadRange(LOBBY, 0, 1)], ()) == [(1, True)]
    assert store.ask(count_unread, "u3", [UnreadRange(LOBBY, 0, 1)], ()) == [(1, False)]


# Who others are


def test_the_other_one_of_a_conversation_has_the_name_of_now_and_marks(store: SqliteStore) -> None:
    keep(store, "u1", "u2")
    store.commit(
        [private(1), SetMark("u2", BETWEEN, 1, 2), SetMark("u1", BETWEEN, 8, 9), SetReceipts("u2", 0)]
    )
    assert store.ask(counterparts, "u1", [BETWEEN]) == [Counterpart("U2", 2, 1, receipts=False)]
    assert store.ask(counterparts, "u2", [BETWEEN]) == [Counterpart("U1", 9, 8, receipts=True)]


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ([private(1), private(2, "u2", "u1")._replace(name="Bob")], "Bob"),
        ([private(1)._replace(recipient_name="Rob")], "Rob"),
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
    store.commit([SetMark("u1", "@u1@u1", 1, 1)])
    assert store.ask(counterparts, "u1", ["@u1@u1"]) == [Counterpart("U1", 1, 1, receipts=True)]


def test_names_are_those_of_now_or_the_last_that_was_heard(store: SqliteStore) -> None:
    keep(store, "u1", "u2", "u3", "u4")
    store.commit([message(1, author="u2"), message(2, author="u2")._replace(name="later")])
    store.commit([private(1, "u3", "u1")])
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
            [SetMark(id, LOBBY, 1, 1), NewMention(id, LOBBY, 1), SetIgnored(id, "soon"), message(1, room=id)]
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
    for table in ("mark", "mention", "ignored"):
        kept = rows(store, f"SELECT user FROM {table} ORDER BY user")
        assert kept == [("here",), ("no device",), ("registered",), ("soon",)], table
    assert rows(store, "SELECT user FROM device ORDER BY user") == [("here",), ("registered",), ("soon",)]
    assert rows(store, "SELECT key FROM sent_key") == [("k2",)]
    assert [len(everything(store, id)) for id in people] == [1] * 5, "what was said stays"
    assert found(store, "long gone").name == "LONG GONE"


def test_who_logged_out_on_all_devices_comes_back_with_everything(store: SqliteStore) -> None:
    keep(store, "u1", left=4)
    store.commit([SetAccount("u1", 7, "hash"), SetMark("u1", LOBBY, 3, 3), SetIgnored("u1", "u2")])
    store.commit([EndSession(b"u1/1"), Prune(left=1000, keys=0)])
    again = found(store)
    assert (again.sessions, again.lobby, again.ignored, again.registered) == ([], (3, 3), ["u2"], 7)


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
    store.commit([SetMark(id, LOBBY, 1, 2) for id in ids])
    store.commit([NewMention(id, LOBBY, 1) for id in ids])
    for table in ("user", "device", "mark", "mention"):
        assert rows(store, f"SELECT count(*) FROM {table}") == [(count,)], table
    assert found(store, ids[-1]).lobby == (1, 2)
    store.commit([EndSession(f"{id}/1".encode()) for id in ids[1:]])
    assert rows(store, "SELECT user FROM device") == [(ids[0],)]


def test_a_message_and_what_comes_with_it_are_kept_or_lost_together(store: SqliteStore) -> None:
    store.commit([message(1)])
    with pytest.raises(sqlite3.IntegrityError):
        store.commit([message(2), key(2), NewMention("u1", LOBBY, 2), SetMark("u1", LOBBY, 2, 2), message(1)])
    for table in ("sent_key", "mention", "mark"):
        assert rows(store, f"SELECT count(*) FROM {table}") == [(0,)], table
    assert seqs(everything(store)) == [1]


def test_what_cannot_be_read_is_a_storage_error(store: SqliteStore) -> None:
    for table in ("device", "account", "message", "mark", "name"):
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
    connection.set_trace_callback(None)
    assert len(plans) > 12
    for statement in plans:
        plan = connection.execute(f"EXPLAIN QUERY PLAN {statement}").fetchall()
        assert not [row[3] for row in plan if row[3].startswith("SCAN")], statement
        if "count(*)" in statement:  # of millions, maybe
            assert [row[3] for row in plan if " INDEX message_" in row[3]], plan
    store.close()
