"""How far a person has read: what was shown and seen, never what was only said."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from tcpchat.protocol import History, Message, Read, ReadHistory, Request, Unread, UnreadInfo
from tcpchat.repl.model.markers import INTERVAL, ReadMarkers, send_marks


def lobby(seq: int) -> Message:
    return Message(room="lobby", seq=seq, at="", sender="bob", text="x")


def private(seq: int, conversation: str = "@b") -> Message:
    return Message(to="alice", room=conversation, seq=seq, at="", sender="bob", text="x")


def show(reading: ReadMarkers, *messages: Message, mine: bool = False) -> None:
    for message in messages:
        reading.show(message, mine=mine)


def told(read: int, seq: int, conversation: str | None = None) -> Unread:
    info = UnreadInfo(room=conversation or "lobby", count=1, mentioned=False, read=read, seq=seq)
    return Unread(rooms=[info])


def page(first: int, last: int, *, more: bool = False) -> History:
    messages = [lobby(seq) for seq in range(first, last + 1)]
    return History(room="lobby", messages=messages, more=more)


def marks(reading: ReadMarkers) -> list[tuple[str | None, int | None]]:
    return [(mark.room, mark.seq) for mark in reading.marks()]


def test_the_mark_moves_to_what_was_shown_when_the_person_is_there() -> None:
    reading = ReadMarkers()
    show(reading, lobby(1), lobby(2), private(1))
    assert marks(reading) == []
    assert reading.unread == 1
    assert reading.here()
    show(reading, lobby(3), private(2))
    assert marks(reading) == [("lobby", 2), ("@b", 1)]
    assert marks(reading) == []
    assert reading.unread == 1
    reading.here()
    assert marks(reading) == [("lobby", 3), ("@b", 2)]
    assert not reading.here()
    assert marks(reading) == []


def test_own_messages_move_nothing_and_are_not_unread() -> None:
    reading = ReadMarkers()
    show(reading, lobby(1), private(1), mine=True)
    reading.here()
    assert (reading.unread, marks(reading)) == (0, [])
    show(reading, lobby(2))
    show(reading, lobby(3), mine=True)
    reading.here()
    assert marks(reading) == [("lobby", 2)]


def test_what_another_device_read_is_not_unread_nor_marked_again() -> None:
    reading = ReadMarkers()
    show(reading, private(1), private(2), private(3), private(1, "@c"))
    reading.read(Read(room="@b", username="bob", seq=2))
    assert reading.unread == 2
    reading.read(Read(room="@b", username="bob", seq=3))
    reading.here()
    assert marks(reading) == [("@c", 1)]


def test_what_was_read_before_is_not_unread_when_it_comes_again() -> None:
    reading = ReadMarkers()
    reading.told(told(4, 6, "@b"))
    show(reading, *(private(seq) for seq in range(3, 7)))
    assert reading.unread == 2


# Unread messages of the lobby that are not shown at the start.


def with_gap() -> ReadMarkers:
    """100 are read, and 111 to 112 are shown."""
    reading = ReadMarkers()
    reading.told(told(100, 112))
    show(reading, lobby(111), lobby(112))
    return reading


def test_the_mark_does_not_pass_over_what_was_not_shown() -> None:
    reading = with_gap()
    reading.here()
    assert marks(reading) == []
    show(reading, lobby(113))
    reading.here()
    assert marks(reading) == []


@pytest.mark.parametrize(
    ("pages", "mark"),
    [
        ([(ReadHistory(after=100), page(101, 110))], 112),
        ([(ReadHistory(after=100), page(101, 105, more=True))], 105),
        ([(ReadHistory(after=100), page(101, 105)), (ReadHistory(after=105), page(106, 115))], 112),
        ([(ReadHistory(before=111), page(91, 110))], 112),
        ([(ReadHistory(before=111), page(106, 110)), (ReadHistory(before=106), page(90, 105))], 112),
        ([(ReadHistory(before=111), page(106, 110))], None),
        ([(ReadHistory(after=102), page(103, 105))], None),
        ([(ReadHistory(unread=True), page(103, 107, more=True))], 107),
        ([(ReadHistory(unread=True), page(103, 104))], 112),
        (
            [
                (
                    ReadHistory(unread=True, username="bob"),
                    History(room="@b", username="bob", messages=[], more=False),
                )
            ],
            None,
        ),
        ([(ReadHistory(), History(room="lobby", messages=[], more=False))], None),
        (
            [
                (
                    ReadHistory(username="bob"),
                    History(room="@b", username="bob", messages=[private(105)], more=False),
                )
            ],
            None,
        ),
    ],
)
def test_it_moves_once_history_showed_it(pages: list[tuple[ReadHistory, History]], mark: int | None) -> None:
    reading = with_gap()
    for request, reply in pages:
        reading.show_history(request, reply)
    reading.here()
    assert marks(reading) == ([] if mark is None else [("lobby", mark)])


def test_it_moves_once_all_is_said_to_be_read() -> None:
    reading = with_gap()
    reading.read(Read(room="lobby", seq=112))
    show(reading, lobby(113))
    reading.here()
    assert marks(reading) == [("lobby", 113)]


def test_without_unread_ones_before_there_is_nothing_to_wait_for() -> None:
    for reading in (ReadMarkers(), ReadMarkers()):
        reading.told(told(110, 112))
        show(reading, lobby(111), lobby(112))
        reading.here()
        assert marks(reading) == [("lobby", 112)]


# Somebody else, somewhere else.


def test_another_user_has_seen_the_lobby_but_no_conversation() -> None:
    reading = ReadMarkers()
    show(reading, lobby(5), private(1))
    reading.here()
    reading.forget()
    assert (reading.unread, marks(reading)) == (0, [])
    reading.told(told(4, 5))
    reading.here()
    assert marks(reading) == [("lobby", 5)]


def test_another_user_has_unread_ones_before_what_the_screen_shows() -> None:
    reading = ReadMarkers()
    show(reading, lobby(5))
    reading.forget()
    reading.told(told(1, 5))
    reading.here()
    assert marks(reading) == []


def test_numbers_of_another_journal_mean_nothing() -> None:
    reading = ReadMarkers()
    assert not reading.welcome("a", 0)
    show(reading, lobby(5))
    reading.here()
    assert not reading.welcome("a", 5)
    assert reading.welcome("b", 7)
    show(reading, lobby(1))
    reading.here()
    assert marks(reading) == [("lobby", 1)]


# Telling the server.


async def test_it_is_told_at_once_and_then_once_a_second(
    nursery: trio.Nursery, mock_clock: MockClock
) -> None:
    reading, asked, online = ReadMarkers(), list[tuple[float, Request]](), [True]
    nursery.start_soon(
        send_marks, reading, lambda: online[0], lambda mark: asked.append((trio.current_time(), mark))
    )

    def last() -> tuple[float, int]:
        time, mark = asked[-1]
        return time, getattr(mark, "seq", 0)

    began = trio.current_time()
    for seq in range(1, 6):
        show(reading, lobby(seq))
        reading.here()
        await wait_all_tasks_blocked()
    assert [last(), len(asked)] == [(began, 1), 1]
    mock_clock.jump(INTERVAL)
    await wait_all_tasks_blocked()
    assert [last(), len(asked)] == [(began + INTERVAL, 5), 2]
    mock_clock.jump(INTERVAL * 5)
    online[0] = False
    show(reading, lobby(6))
    reading.here()
    await wait_all_tasks_blocked()
    assert len(asked) == 2
    online[0] = True
    reading.moved.unpark_all()
    await wait_all_tasks_blocked()
    assert last() == (began + INTERVAL * 6, 6)
