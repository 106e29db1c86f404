from __future__ import annotations

import itertools
import re

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tcpchat.chat.room import Room, as_line, conversation, public_id
from tcpchat.store.changes import NewMessage

AT = "2026-11-21T09:00:00.123Z"


def line(seq: int) -> bytes:
    return b"line %d\n" % seq


def room_of(said: int, *, remembers: int = 10) -> Room:
    room = Room("lobby", remembers=remembers)
    for _ in range(said):
        seq = room.number()
        room.settle(seq, "1", line(seq))
    return room


def kept(seq: int, recipient: str | None = None) -> NewMessage:
    return NewMessage(
        "lobby" if recipient is None else "@1@2",
        seq, 1_795_251_600_123, "1", "alice", recipient and "2", recipient, "hi",
    )  # fmt: skip


def test_numbers_begin_at_1_and_have_no_gaps() -> None:
    room = Room("lobby")
    assert [room.number() for _ in range(4)] == [1, 2, 3, 4]


def test_numbers_go_on_after_a_restart() -> None:
    assert Room("lobby", seq=41).number() == 42


def test_a_number_given_out_is_not_known_to_readers_before_it_is_on_disk() -> None:
    room = Room("lobby", seq=41, remembers=10)
    seq = room.number()
    assert room.seq == 41
    room.settle(seq, "1", line(seq))
    assert room.seq == 42


@pytest.mark.parametrize("order", [(2, 3, 4), (4, 3, 2), (3, 2, 4)])
def test_numbers_of_a_batch_that_failed_go_to_the_next_one(order: tuple[int, ...]) -> None:
    room = room_of(1)
    batch = [room.number() for _ in range(3)]
    assert sorted(order) == batch
    for seq in order:
        room.undo(seq)
    assert room.number() == 2
    assert room.seq == 1


@pytest.mark.parametrize("remembers", range(7))
@pytest.mark.parametrize("said", range(7))
def test_recent_is_what_a_list_of_everything_would_give_or_none_beyond_memory(
    said: int, remembers: int
) -> None:
    room = room_of(said, remembers=remembers)
    in_memory = range(said - remembers + 1, said + 1)
    numbers = [None, *range(9)]
    for count, before, after in itertools.product(range(1, 9), numbers, numbers):
        everything = [seq for seq in range(1, said + 1) if before is None or seq < before]
        later = [seq for seq in everything if after is not None and seq > after]
        wanted = everything[-count:] if after is None else later[:count]
        reaches = all(seq in in_memory for seq in wanted)
        expected = [line(seq) for seq in wanted] if reaches else None
        assert room.recent(count, before=before, after=after) == expected, (count, before, after)


@given(
    st.lists(st.sampled_from("abc"), max_size=9),
    st.integers(0, 9),
    st.integers(0, 9),
    st.integers(1, 10),
    st.none() | st.integers(0, 11),
    st.none() | st.integers(0, 11),
    st.frozensets(st.sampled_from("abc")),
)
@example(list("abcab"), 4, 2, 10, None, 1, frozenset("a"))
def test_what_ignored_authors_said_has_a_number_and_no_text(
    authors: list[str],
    remembers: int,
    old: int,
    count: int,
    before: int | None,
    after: int | None,
    ignored: frozenset[str],
) -> None:
    """As of a plain list, whatever memory holds; the first `old` are from before a restart."""
    messages = [kept(seq)._replace(author=author) for seq, author in enumerate(authors, 1)]
    old = min(old, len(messages))
    room = Room("lobby", seq=old, remembers=remembers)
    room.fill(messages[:old][-remembers:] if remembers else [])
    for message in messages[old:]:
        room.settle(room.number(), message.author, as_line(message))
    everything = [message for message in messages if before is None or message.seq < before]
    if after is None:
        wanted = everything[-count:]
    else:
        wanted = [message for message in everything if message.seq > after][:count]
    in_memory = messages[-remembers:] if remembers else []
    lines = room.recent(count, before=before, after=after, ignored=ignored)
    if not all(message in in_memory for message in wanted):
        assert lines is None
        return
    assert lines is not None
    shown = [orjson.loads(line) for line in lines]
    assert [line["seq"] for line in shown] == [message.seq for message in wanted]
    for line, message in zip(shown, wanted, strict=True):
        silent = {"text": "", "ignored": True} if message.author in ignored else {}
        assert line == orjson.loads(as_line(message)) | silent


def test_what_was_said_before_a_restart_is_remembered() -> None:
    room = Room("lobby", seq=3, remembers=10)
    room.fill([kept(2), kept(3)])
    assert room.recent(2, before=None, after=None) == [as_line(kept(2)), as_line(kept(3))]
    assert room.recent(3, before=None, after=None) is None


def test_a_room_that_was_not_filled_asks_the_disk() -> None:
    room = Room("@1@2", seq=3)
    assert room.recent(1, before=None, after=None) is None
    assert room.recent(1, before=None, after=3) == []


def test_a_message_of_a_room_is_written_with_the_room() -> None:
    assert orjson.loads(as_line(kept(7))) == {
        "type": "message", "room": "lobby", "seq": 7, "at": AT, "from": "alice", "text": "hi",
    }  # fmt: skip


def test_a_private_message_is_written_with_its_recipient_and_without_the_hidden_room() -> None:
    assert orjson.loads(as_line(kept(7, "bob"))) == {
        "type": "message", "room": public_id("@1@2"), "to": "bob", "seq": 7, "at": AT,
        "from": "alice", "text": "hi",
    }  # fmt: skip


def test_two_users_have_one_conversation_whoever_begins() -> None:
    assert conversation("1", "2") == conversation("2", "1")
    assert len({conversation(*two) for two in (("1", "2"), ("1", "3"), ("2", "3"), ("1", "1"))}) == 4


def test_a_conversation_has_one_public_id_that_says_nothing_of_the_users() -> None:
    room = conversation("alice's id", "bob's id")
    assert public_id(room) == public_id(conversation("bob's id", "alice's id"))
    assert re.fullmatch("@[0-9a-f]{16}", public_id(room))
    assert public_id(room) != public_id(conversation("alice's id", "alice's id"))
