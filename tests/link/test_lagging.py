"""Lagging rooms: what was missed comes in the order in which it was said, over all rooms."""

from __future__ import annotations

from collections.abc import Iterator

import attrs
from hypothesis import given
from hypothesis import strategies as st

from tcpchat.link.inbox import MAX_BYTES, Inbox, Replay
from tcpchat.link.lagging import MAX_HELD, LaggingRooms, Numbered, Room
from tcpchat.protocol import (
    LOBBY,
    MAX_COUNT,
    ConversationInfo,
    Conversations,
    Edited,
    ListConversations,
    ListRooms,
    Log,
    Message,
    ReadLog,
    Rooms,
    Unknown,
)

BOB, EVE = "@b0b0b0b0b0b0b0b0", "@e0e0e0e0e0e0e0e0"


def said(room: str, seq: int, at: str = "") -> Message:
    return Message(room=room, seq=seq, at=at, sender="x", text=f"{room} {seq}")


def in_order(inbox: Inbox, logs: dict[str, list[Numbered]], size: int, together: int) -> Iterator[Numbered]:
    """Yield what an inbox gives where the server has these logs, and gives pages of that size."""
    inbox.welcome(len(logs.get(LOBBY, [])), "j")
    inbox.switch_user(new=False)
    listed = [
        ConversationInfo(room=room, username="x", seq=len(log), read=0, delivered=0)
        for room, log in logs.items()
        if room != LOBBY
    ]
    request = inbox.next_request()
    assert isinstance(request, ListRooms)
    inbox.put_reply(request, Rooms(rooms=[], more=False))
    request = inbox.next_request()
    assert isinstance(request, ListConversations)
    inbox.put_reply(request, Conversations(conversations=listed, more=False))
    while inbox.lagging:
        asked = [request for _ in range(together) if (request := inbox.next_request()) is not None]
        assert asked
        for request in asked:
            assert isinstance(request, ReadLog)
            room = request.room or LOBBY
            rest = logs[room][request.after :]
            inbox.put_reply(request, Log(room=room, events=rest[:size], first=1, more=len(rest) > size))
        for event in iter(inbox.get, None):
            assert isinstance(event, Message | Edited | Unknown)
            yield event


@given(
    rooms=st.lists(st.sampled_from([LOBBY, "@a", "@b", "@c"]), max_size=30),
    size=st.integers(1, 4),
    together=st.integers(1, 4),
)
def test_missed_messages_come_in_the_order_in_which_they_were_said(
    rooms: list[str], size: int, together: int
) -> None:
    logs: dict[str, list[Numbered]] = {}
    order = []
    for second, room in enumerate(rooms):
        log = logs.setdefault(room, [])
        log.append(said(room, len(log) + 1, f"2026-11-21T09:00:{second:02}.000Z"))
        order.append(log[-1])
    inbox = Inbox(replay=Replay(last=99))
    assert list(in_order(inbox, logs, size, together)) == order


def test_of_one_moment_the_lobby_comes_first_and_then_rooms_by_name() -> None:
    logs: dict[str, list[Numbered]] = {room: [said(room, 1), said(room, 2)] for room in (EVE, LOBBY, BOB)}
    inbox = Inbox(replay=Replay(last=99))
    given = [(event.room, event.seq) for event in in_order(inbox, logs, 5, 3) if isinstance(event, Message)]
    assert given == [(room, seq) for room in (LOBBY, BOB, EVE) for seq in (1, 2)]


def test_a_clock_that_was_set_back_changes_no_order_within_a_room() -> None:
    logs: dict[str, list[Numbered]] = {
        BOB: [said(BOB, 1, "2026-11-21T09:00:09.000Z"), said(BOB, 2, "2026-11-21T09:00:01.000Z")],
        EVE: [said(EVE, 1, "2026-11-21T09:00:05.000Z")],
    }
    given = [event.text for event in in_order(Inbox(), logs, 1, 2) if isinstance(event, Message)]
    assert given == [f"{EVE} 1", f"{BOB} 1", f"{BOB} 2"]


def test_edits_and_events_of_a_later_version_have_their_place_too() -> None:
    edit = Edited(room=BOB, seq=1, at="2026-11-21T09:00:03.000Z", sender="x", target=1, text="new")
    later = Unknown(
        fields={"type": "pinned", "room": EVE, "seq": 1, "at": "2026-11-21T09:00:02.000Z"},
    )
    message = said("@f", 1, "2026-11-21T09:00:01.000Z")
    logs: dict[str, list[Numbered]] = {BOB: [edit], EVE: [later], "@f": [message]}
    assert list(in_order(Inbox(), logs, 5, 3)) == [message, later, edit]


def test_many_rooms_share_the_memory_for_what_waits() -> None:
    for rooms, count in ((1, MAX_COUNT), (40, MAX_COUNT), (100, 200), (MAX_HELD * 2, 1)):
        lagging = LaggingRooms(MAX_BYTES)
        for number in range(rooms):
            lagging.add(Room(f"@{number}", last=0))
        following = lagging.next()
        assert following is not None
        assert following[1] == count


def test_what_is_here_counts_before_more_is_requested() -> None:
    lagging = LaggingRooms(MAX_BYTES)
    rooms = [Room(f"@{number}", last=0) for number in range(60)]
    for room in rooms:
        lagging.add(room)
    counts = []
    while (following := lagging.next()) is not None:
        room, count = following
        counts.append(count)
        lagging.put(room, [said(room.id, seq) for seq in range(1, count + 1)], more=True)
    assert counts[0] == MAX_HELD // 60
    assert sum(counts) <= MAX_HELD
    given = list(lagging.take())
    assert len(given) == counts[0], "then a room waits for its next page"


def test_large_events_do_not_wait_for_those_of_other_rooms() -> None:
    lagging = LaggingRooms(max_bytes=100)
    small, large = Room(BOB, last=0), Room(EVE, last=0)
    lagging.add(small)
    lagging.add(large)
    lagging.next()
    lagging.next()
    lagging.put(large, [attrs.evolve(said(EVE, seq), text="x" * 60) for seq in (1, 2)], more=False)
    assert [event.fields if isinstance(event, Unknown) else event.seq for event in lagging.take()] == [1]
    lagging.put(small, [said(BOB, 1)], more=False)
    assert [event.text for event in lagging.take() if isinstance(event, Message)] == [f"{BOB} 1", "x" * 60]
    assert not len(lagging)
