"""Places: what people see, and what a request says."""

from __future__ import annotations

import pytest

from tcpchat.protocol import Message
from tcpchat.repl.model.place import LOBBY_PLACE, Place


@pytest.mark.parametrize(
    ("place", "is_direct", "name", "room_field"),
    [
        (LOBBY_PLACE, False, "lobby", None),
        (Place("ops"), False, "ops", "ops"),
        (Place.direct("bob"), True, "bob", None),
        (Place("@b", "bob"), True, "bob", None),
    ],
)
def test_a_place_has_a_name_and_fields(
    place: Place, is_direct: bool, name: str, room_field: str | None
) -> None:
    assert (place.is_direct, place.name, place.room_field) == (is_direct, name, room_field)


@pytest.mark.parametrize(
    ("sender", "to", "room", "place"),
    [
        ("bob", None, "lobby", LOBBY_PLACE),
        ("bob", "alice", "@b", Place("@b", "bob")),
        ("alice", "bob", "@b", Place("@b", "bob")),
        ("alice", "alice", "@a", Place("@a", "alice")),
    ],
)
def test_a_message_is_in_the_room_with_the_other_user(
    sender: str, to: str | None, room: str, place: Place
) -> None:
    message = Message(room=room, to=to, seq=1, at="", sender=sender, text="x")
    assert Place.of_message(message, "alice") == place


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (LOBBY_PLACE, Place("lobby"), True),
        (LOBBY_PLACE, Place("ops"), False),
        (Place.direct("bob"), Place("@b", "bob"), True),
        (Place.direct("bob"), Place("@b", "eve"), False),
        (Place.direct("bob"), LOBBY_PLACE, False),
        (Place("@b"), Place("@b", "bob"), True),
    ],
)
def test_a_direct_room_is_the_same_without_its_id(one: Place, other: Place, same: bool) -> None:
    assert one.is_at(other) is other.is_at(one) is same


def test_a_direct_room_follows_its_user() -> None:
    assert Place("@b", "bob").renamed("bob", "robert") == Place("@b", "robert")
    assert Place("@b", "bob").renamed("eve", "bob2") == Place("@b", "bob")
    assert LOBBY_PLACE.renamed("lobby", "x") == LOBBY_PLACE


def test_an_option_names_a_place() -> None:
    assert Place.of_option("username", "Bob") == Place.direct("bob")
    assert Place.of_option("room", "#Lobby") == LOBBY_PLACE
    assert Place.of_option("time", "10") is None
