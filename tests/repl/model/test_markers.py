"""Read markers of the person: up to messages that were shown and seen, never only sent."""

from __future__ import annotations

import pytest

from tcpchat.protocol import Edited, History, Message, Read, ReadHistory, Unread, UnreadInfo
from tcpchat.repl.model.markers import ReadMarkers
from tcpchat.repl.model.place import Place


def lobby(seq: int) -> Message:
    return Message(room="lobby", seq=seq, at="", sender="bob", text="x")


def private(seq: int, room: str = "@b") -> Message:
    return Message(to="alice", room=room, seq=seq, at="", sender="bob", text="x")


def show(markers: ReadMarkers, *messages: Message, mine: bool = False) -> None:
    for message in messages:
        markers.show(message, Place.of_message(message, "alice"), mine=mine)


def unread(read: int, seq: int, conversation: str | None = None) -> Unread:
    info = UnreadInfo(room=conversation or "lobby", count=seq - read, mentioned=False, read=read, seq=seq)
    return Unread(rooms=[info])


def page(first: int, last: int, *, more: bool = False) -> History:
    messages = [lobby(seq) for seq in range(first, last + 1)]
    return History(room="lobby", messages=messages, more=more)


def due(markers: ReadMarkers) -> list[tuple[str | None, int | None]]:
    return [(request.room, request.seq) for request in markers.take_due()]


def test_the_marker_moves_to_the_last_shown_message_once_the_person_is_there() -> None:
    markers = ReadMarkers()
    show(markers, lobby(1), lobby(2), private(1))
    assert (due(markers), markers.are_due) == ([], False)
    assert markers.unread == 1
    assert markers.see()
    assert markers.are_due
    show(markers, lobby(3), private(2))
    assert due(markers) == [("lobby", 2), ("@b", 1)]
    assert due(markers) == []
    assert markers.unread == 1
    markers.see()
    assert due(markers) == [("lobby", 3), ("@b", 2)]
    assert not markers.see()
    assert due(markers) == []


def test_own_messages_move_nothing_and_are_not_unread() -> None:
    markers = ReadMarkers()
    show(markers, lobby(1), private(1), mine=True)
    markers.see()
    assert (markers.unread, due(markers)) == (0, [])
    show(markers, lobby(2))
    show(markers, lobby(3), mine=True)
    markers.see()
    assert due(markers) == [("lobby", 2)]


def test_messages_read_on_another_device_are_not_marked_again() -> None:
    markers = ReadMarkers()
    show(markers, private(1), private(2), private(3), private(1, "@c"))
    markers.set_read(Read(room="@b", username="bob", seq=2))
    assert markers.unread == 2
    markers.set_read(Read(room="@b", username="bob", seq=3))
    markers.see()
    assert due(markers) == [("@c", 1)]


def test_messages_read_before_are_not_unread_when_they_come_again() -> None:
    markers = ReadMarkers()
    markers.set_unread(unread(4, 6, "@b"))
    show(markers, *(private(seq) for seq in range(3, 7)))
    assert markers.unread == 2


# Unread messages of the lobby that are not shown at the start.


def with_gap() -> ReadMarkers:
    """100 are read, and 111 to 112 are shown."""
    markers = ReadMarkers()
    markers.set_unread(unread(100, 112))
    show(markers, lobby(111), lobby(112))
    return markers


def test_the_marker_does_not_pass_over_a_message_that_was_not_shown() -> None:
    markers = with_gap()
    markers.see()
    assert due(markers) == []
    show(markers, lobby(113))
    markers.see()
    assert due(markers) == []


@pytest.mark.parametrize(
    ("pages", "mark"),
    [
        ([(ReadHistory(after=100), page(101, 110))], 112),
        ([(ReadHistory(after=100), page(101, 105, more=True))], 105),
        (
            [(ReadHistory(after=100), page(101, 105, more=True)), (ReadHistory(after=105), page(106, 115))],
            112,
        ),
        ([(ReadHistory(after=100), page(102, 109))], 112),
        ([(ReadHistory(after=100), History(room="lobby", messages=[], more=False))], 112),
        ([(ReadHistory(before=111), page(91, 110, more=True))], 112),
        ([(ReadHistory(before=111), page(91, 109, more=True))], 112),
        ([(ReadHistory(before=111), page(106, 110))], 112),
        (
            [
                (ReadHistory(before=111), page(106, 110, more=True)),
                (ReadHistory(before=106), page(90, 105, more=True)),
            ],
            112,
        ),
        ([(ReadHistory(before=111), page(106, 110, more=True))], None),
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
    markers = with_gap()
    for request, reply in pages:
        markers.show_history(request, reply)
    markers.see()
    assert due(markers) == ([] if mark is None else [("lobby", mark)])


def test_where_only_edits_are_between_nothing_was_missed() -> None:
    """101 and 102 are edits: of the 3 unread messages all are shown."""
    markers = ReadMarkers()
    room = UnreadInfo(room="lobby", count=3, mentioned=False, read=100, seq=105)
    markers.set_unread(Unread(rooms=[room]))
    show(markers, lobby(103), lobby(104))
    markers.see()
    assert due(markers) == []
    show(markers, lobby(105))
    markers.see()
    assert due(markers) == [("lobby", 105)]


def test_later_messages_do_not_make_up_for_missing_ones() -> None:
    markers = ReadMarkers()
    room = UnreadInfo(room="lobby", count=3, mentioned=False, read=100, seq=105)
    markers.set_unread(Unread(rooms=[room]))
    show(markers, lobby(104), lobby(105), lobby(106))
    markers.see()
    assert due(markers) == []


def test_an_edit_moves_the_marker_and_is_not_unread() -> None:
    markers = ReadMarkers()
    edit = Edited(to="alice", room="@b", seq=2, at="", sender="bob", target=1, text="y")
    markers.show(private(1), Place("@b", "bob"), mine=False)
    markers.show(edit, Place("@b", "bob"), mine=False)
    assert markers.unread == 1
    markers.see()
    assert due(markers) == [("@b", 2)]


def test_it_moves_once_everything_is_marked_as_read() -> None:
    markers = with_gap()
    markers.set_read(Read(room="lobby", seq=112))
    show(markers, lobby(113))
    markers.see()
    assert due(markers) == [("lobby", 113)]


def test_without_earlier_unread_messages_the_marker_moves_at_once() -> None:
    for markers in (ReadMarkers(), ReadMarkers()):
        markers.set_unread(unread(110, 112))
        show(markers, lobby(111), lobby(112))
        markers.see()
        assert due(markers) == [("lobby", 112)]


# Somebody else, somewhere else.


def test_another_user_has_seen_the_lobby_but_no_direct_room() -> None:
    markers = ReadMarkers()
    show(markers, lobby(5), private(1))
    markers.see()
    markers.change_user()
    assert (markers.unread, due(markers)) == (0, [])
    markers.set_unread(unread(4, 5))
    markers.see()
    assert due(markers) == [("lobby", 5)]


def test_another_user_may_have_unread_messages_before_the_shown_ones() -> None:
    markers = ReadMarkers()
    show(markers, lobby(5))
    markers.change_user()
    markers.set_unread(unread(1, 5))
    markers.see()
    assert due(markers) == []


def test_numbers_of_another_journal_mean_nothing() -> None:
    markers = ReadMarkers()
    assert not markers.welcome("a", 0)
    show(markers, lobby(5))
    markers.see()
    assert not markers.welcome("a", 5)
    assert markers.welcome("b", 7)
    show(markers, lobby(1))
    markers.see()
    assert due(markers) == [("lobby", 1)]
