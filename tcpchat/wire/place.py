"""Place names: how a request says which room it means. Pure; finding the room is the server's.

On the wire a place is one field, `room`: `lobby`, a room's name, or `@…`, the public id of a direct room. A
request may also give a `username`, for the direct room with that user.
"""

from __future__ import annotations

import attrs

from tcpchat.errors import ChatError
from tcpchat.wire.base import LOBBY

DIRECT = "@"  # how the public ids of direct rooms begin; no other room and no user is called so
MAX_SHOWN = 64  # characters of a wrong name that an error quotes


@attrs.frozen
class Place:
    """The room of a name, or the direct room with a user: exactly one of the two is set."""

    room: str | None
    username: str | None = None


_LOBBY = Place(LOBBY)


def parse_place(room: str | None, username: str | None) -> Place:
    """Return the place that a request names; without either field the lobby.

    Raises ChatError `bad-usage` where both fields are given, or `username` is the id of a room.
    """
    if username is None:
        return _LOBBY if room is None else Place(parse_room(room))
    if room is not None:
        raise ChatError("bad-usage", "give either room or username, not both", field="username")
    if username.startswith(DIRECT):
        message = f"{username[:MAX_SHOWN]!r} is not a username; the id of a direct room goes into room"
        raise ChatError("bad-usage", message, field="username", suggestion="room")
    return Place(None, username)


def parse_room(text: str) -> str:
    """Return the name of a room as it is stored: without a leading `#`, in lower case."""
    return text.removeprefix("#").lower()


def is_direct(room: str) -> bool:
    """Return whether a room's name on the wire is that of a direct room."""
    return room.startswith(DIRECT)


def no_such_room(room: str) -> ChatError:
    """Return the refusal of a room that does not exist, or not for the user who asks."""
    message = f"there is no room {room[:MAX_SHOWN]!r}; rooms --all lists those that you may join"
    return ChatError("no-such-room", message, field="room")
