"""A room remembers its last events, and says where its memory does not reach."""

from __future__ import annotations

import itertools
import re

from hypothesis import example, given
from hypothesis import strategies as st

from tcpchat.chat.room import Kind, Logged, Room, direct_name, kind_of, public_id
from tests.rows import rows


def line(seq: int) -> bytes:
    return b"line %d\n" % seq


def room_of(kinds: str, *, remembers: int = 10, old: int = 0) -> Room:
    """Return a room with a message for each m and an edit for each e, the first `old` filled at a start."""
    events = [Logged(seq, "1", line(seq), kind == "m") for seq, kind in enumerate(kinds, 1)]
    room = Room("lobby", Kind.LOBBY, seq=old, remembers=remembers)
    room.fill(events[:old][-remembers:] if remembers else [])
    for event in events[old:]:
        room.append(event.seq, event.author, event.line, is_message=event.is_message)
    return room


def seqs(events: list[Logged] | None) -> list[int] | None:
    return None if events is None else [event.seq for event in events]


def test_a_room_has_the_number_of_its_last_event() -> None:
    room = Room("lobby", Kind.LOBBY, seq=41)
    assert room.seq == 41
    room.append(42, "1", line(42))
    assert room.seq == 42


def test_what_was_appended_is_taken_once_to_be_sent_out() -> None:
    room = Room("lobby", Kind.LOBBY, seq=41, remembers=1)
    room.fill([Logged(41, "1", line(41), is_message=True)])
    assert room.take_appended() == [], "what was there when the server started was sent out before"
    room.append(42, "1", line(42))
    room.append(43, "1", line(43), is_message=False)
    both = [Logged(42, "1", line(42), is_message=True), Logged(43, "1", line(43), is_message=False)]
    assert room.take_appended() == both
    assert room.take_appended() == []


# Messages


@rows(("count_all", "remembers"), itertools.product(range(7), range(7)))
def test_messages_are_what_a_list_of_everything_would_give_or_none_beyond_memory(
    count_all: int, remembers: int
) -> None:
    room = room_of("m" * count_all, remembers=remembers)
    in_memory = range(count_all - remembers + 1, count_all + 1)
    numbers = [None, *range(9)]
    for count, before, after in itertools.product(range(1, 9), numbers, numbers):
        everything = [seq for seq in range(1, count_all + 1) if before is None or seq < before]
        later = [seq for seq in everything if after is not None and seq > after]
        wanted = everything[-count:] if after is None else later[:count]
        reaches = all(seq in in_memory for seq in wanted)
        found = room.messages(count, before=before, after=after)
        if not wanted:  # where memory ends, the disk may be asked for nothing
            assert found in ([], None), (count, before, after)
            continue
        expected = [Logged(seq, "1", line(seq), True) for seq in wanted] if reaches else None  # noqa: FBT003
        assert found == expected, (count, before, after)


NUMBER = st.none() | st.integers(0, 14)


@given(st.text("me", max_size=12), st.integers(0, 12), st.integers(0, 12), st.integers(1, 8), NUMBER, NUMBER)
@example("mem", 2, 0, 1, None, None)
@example("mmeee", 3, 5, 1, None, None)
def test_messages_among_other_events_are_whole_or_none(
    kinds: str, remembers: int, old: int, count: int, before: int | None, after: int | None
) -> None:
    """Of a plain list; None only where an event that might be one of them is not in memory."""
    room = room_of(kinds, remembers=remembers, old=min(old, len(kinds)))
    forgotten = max(0, len(kinds) - remembers)
    everything = [
        seq for seq, kind in enumerate(kinds, 1) if kind == "m" and (before is None or seq < before)
    ]
    wanted = everything[-count:] if after is None else [seq for seq in everything if seq > after][:count]
    found = seqs(room.messages(count, before=before, after=after))
    if found is None:
        if after is None:
            assert forgotten
            assert len([seq for seq in wanted if seq > forgotten]) < count
        else:
            assert after < forgotten
    else:
        assert found == wanted


def test_what_was_sent_before_a_restart_is_remembered() -> None:
    room = Room("lobby", Kind.LOBBY, seq=3, remembers=10)
    room.fill([Logged(2, "1", line(2), is_message=True), Logged(3, "1", line(3), is_message=True)])
    assert seqs(room.messages(2, before=None, after=None)) == [2, 3]
    assert room.messages(3, before=None, after=None) is None


def test_a_room_that_was_not_filled_asks_the_disk() -> None:
    room = Room("@1@2", Kind.DIRECT, seq=3)
    assert room.messages(1, before=None, after=None) is None
    assert room.messages(1, before=None, after=3) == []
    assert room.events(2, 1) is None
    assert room.events(3, 1) == []
    room.append(4, "1", line(4))
    assert room.find(4) is None, "a direct room remembers nothing"
    assert room.messages(1, before=None, after=3) is None


# Events


@given(
    st.text("me", max_size=12), st.integers(0, 12), st.integers(0, 12), st.integers(0, 14), st.integers(0, 8)
)
def test_events_after_a_number_are_whole_or_none(
    kinds: str, remembers: int, old: int, after: int, count: int
) -> None:
    room = room_of(kinds, remembers=remembers, old=min(old, len(kinds)))
    forgotten = max(0, len(kinds) - remembers)
    found = seqs(room.events(after, count))
    assert found == (None if after < forgotten else list(range(after + 1, len(kinds) + 1))[:count])


@given(st.text("me", max_size=12), st.integers(0, 12), st.integers(-1, 14))
def test_an_event_is_found_while_it_is_in_memory(kinds: str, remembers: int, seq: int) -> None:
    room = room_of(kinds, remembers=remembers)
    found = room.find(seq)
    if max(0, len(kinds) - remembers) < seq <= len(kinds):
        assert found == Logged(seq, "1", line(seq), kinds[seq - 1] == "m")
    else:
        assert found is None


# Rewriting


@given(st.integers(0, 6), st.integers(0, 6), st.integers(-1, 8))
def test_one_event_is_rewritten_if_it_is_in_memory_and_no_other(count: int, remembers: int, seq: int) -> None:
    room = room_of("m" * count, remembers=remembers)
    room.rewrite(seq, lambda old: b"new " + old)
    forgotten = max(0, count - remembers)
    shown = [event.line for event in room.events(forgotten, 10) or ()]
    expected = [line(number) if number != seq else b"new " + line(number) for number in range(1, count + 1)]
    assert shown == expected[forgotten:]
    assert room.seq == count


def test_all_events_of_one_author_are_rewritten() -> None:
    room = Room("lobby", Kind.LOBBY, remembers=10)
    for seq, author in enumerate("abab", 1):
        room.append(seq, author, line(seq), is_message=seq != 3)
    room.rewrite_all("a", lambda old: b"new " + old)
    assert room.events(0, 10) == [
        Logged(1, "a", b"new line 1\n", is_message=True),
        Logged(2, "b", line(2), is_message=True),
        Logged(3, "a", b"new line 3\n", is_message=False),
        Logged(4, "b", line(4), is_message=True),
    ]


# Names


def test_two_users_have_one_direct_room_whoever_begins() -> None:
    assert direct_name("1", "2") == direct_name("2", "1")
    assert len({direct_name(*two) for two in (("1", "2"), ("1", "3"), ("2", "3"), ("1", "1"))}) == 4


def test_a_rooms_kind_follows_from_its_name() -> None:
    assert kind_of("lobby") is Kind.LOBBY
    assert kind_of(direct_name("1", "2")) is kind_of(direct_name("1", "1")) is Kind.DIRECT


def test_a_direct_room_has_one_public_id_that_says_nothing_of_the_users() -> None:
    name = direct_name("alice's id", "bob's id")
    assert public_id(name) == public_id(direct_name("bob's id", "alice's id"))
    assert re.fullmatch("@[0-9a-f]{16}", public_id(name))
    assert public_id(name) != public_id(direct_name("alice's id", "alice's id"))
    assert Room(name, Kind.DIRECT).id == public_id(name)


def test_the_lobby_is_called_on_the_wire_as_it_is_called() -> None:
    assert public_id("lobby") == Room("lobby", Kind.LOBBY).id == "lobby"
