"""Rooms in memory: the lobby always, a direct room for as long as one of its users is."""

from __future__ import annotations

import gc

from tcpchat.chat.room import RECENT, Kind, Room
from tcpchat.chat.rooms import Rooms


def test_the_lobby_is_there_from_the_beginning_and_remembers() -> None:
    rooms = Rooms()
    assert list(rooms) == [rooms.lobby]
    assert rooms.get("lobby") is rooms.open("lobby", 7) is rooms.lobby
    assert (rooms.lobby.kind, rooms.lobby.seq, rooms.lobby.remembers) == (Kind.LOBBY, 0, RECENT)


def test_the_lobby_of_before_a_restart_goes_on() -> None:
    lobby = Room("lobby", Kind.LOBBY, seq=41, remembers=10)
    assert Rooms(lobby).open("lobby") is lobby


def test_a_room_is_opened_once_and_goes_on_where_memory_has_it() -> None:
    """Whoever opens it later may have read an older number from disk."""
    rooms = Rooms()
    room = rooms.open("@a@b", 7)
    assert (room.name, room.kind, room.seq) == ("@a@b", Kind.DIRECT, 7)
    room.append(8, "a", b"")
    assert rooms.open("@a@b", 7) is rooms.get("@a@b") is room
    assert room.seq == 8
    assert list(rooms) == [rooms.lobby, room]


def test_a_room_that_nobody_holds_is_gone_and_read_anew() -> None:
    rooms = Rooms()
    rooms.open("@a@b", 7)
    gc.collect()
    assert rooms.get("@a@b") is None
    assert list(rooms) == [rooms.lobby]
    assert rooms.open("@a@b", 9).seq == 9
