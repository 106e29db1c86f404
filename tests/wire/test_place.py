"""Place names: which fields name a place, and how a room is written."""

from __future__ import annotations

import pytest

from tcpchat.errors import ChatError
from tcpchat.wire.place import Place, is_direct, parse_place, parse_room
from tests.rows import rows


@rows(
    ("room", "username", "place"),
    [
        (None, None, Place("lobby")),
        ("lobby", None, Place("lobby")),
        ("#lobby", None, Place("lobby")),
        ("LOBBY", None, Place("lobby")),
        ("@0123456789ABCDEF", None, Place("@0123456789abcdef")),
        (None, "Bob", Place(None, "Bob")),
        (None, "#bob", Place(None, "#bob")),
    ],
)
def test_a_place_is_a_room_or_a_user_and_else_the_lobby(
    room: str | None, username: str | None, place: Place
) -> None:
    assert parse_place(room, username) == place


def test_only_one_number_sign_is_left_out() -> None:
    assert parse_room("##lobby") == "#lobby"
    assert parse_room("#") == ""


@rows(("room", "username", "suggestion"), [("lobby", "bob", None), (None, "@0123456789abcdef", "room")])
def test_two_places_or_a_room_as_a_user_are_refused(
    room: str | None, username: str, suggestion: str | None
) -> None:
    with pytest.raises(ChatError, match="room") as refused:
        parse_place(room, username)
    assert (refused.value.code, refused.value.details["field"]) == ("bad-usage", "username")
    assert refused.value.details.get("suggestion") == suggestion


def test_a_direct_room_is_told_by_its_name() -> None:
    assert is_direct("@0123456789abcdef")
    assert not is_direct("lobby")
