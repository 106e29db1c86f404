"""Single parts of a chat for tests of one module: users, connections, and lines read back."""

from __future__ import annotations

from typing import Any

import orjson

from tcpchat.chat.limits import TokenBucket
from tcpchat.chat.member import Member
from tcpchat.chat.room import Kind, Room
from tcpchat.chat.session import Session
from tcpchat.chat.sessions import hash_token
from tcpchat.chat.user import User
from tcpchat.names import skeleton
from tcpchat.store.changes import NewMessage, NewScheduled, SetSession
from tcpchat.store.rows import UserRow
from tests.chat.harness import Line, NullSubscriber

NOW = 1_795_251_600_123
AT = "2026-11-21T09:00:00.123Z"


def new_user(name: str, *, registered: int | None = None, lobby: Room | None = None) -> User:
    """Return a user who is nowhere yet; a member of the lobby only."""
    bucket = TokenBucket(0, 0)
    user = User(
        id=f"id of {name}", name=name, key=skeleton(name), since=0, bucket=bucket, registered=registered
    )
    user.members["lobby"] = Member(lobby or Room("lobby", Kind.LOBBY))
    return user


def new_session(user: User, token: str, number: int = 1, **fields: Any) -> Session:
    """Return a session that its user does not have yet."""
    given: dict[str, Any] = {"name": "", "address": "", "since": 0, "used": number}
    return Session(user=user.id, number=number, hash=hash_token(token), **given | fields)


def message(
    seq: int, *, author: str = "1", text: str = "hi", room: str = "lobby", to: str | None = None
) -> NewMessage:
    return NewMessage(room, seq, NOW, author, "alice", None if to is None else "2", to, text)


def pending(
    id: int, *, author: str = "1", number: int = 1, due: int = NOW, to: str | None = None
) -> NewScheduled:
    """Return a scheduled message, for the lobby or for the user of that id."""
    room = "lobby" if to is None else "@" + "@".join(sorted((author, to)))
    name = None if to is None else f"name of {to}"
    return NewScheduled(id, number, author, f"name of {author}", room, to, name, f"text {id}", due)


def lines(data: bytes | list[bytes]) -> list[Line]:
    """Return lines of the wire, decoded."""
    joined = b"".join(data) if isinstance(data, list) else data
    return [orjson.loads(line) for line in joined.splitlines()]


def take(connection: NullSubscriber) -> list[Line]:
    """Return what the connection was given since this was asked last."""
    given, connection.lines = connection.lines, []
    return given


def of_type(given: list[Line], *types: str) -> list[Line]:
    return [line for line in given if line["type"] in types]


def joined(*names: str) -> Line:
    return {"type": "joined", "room": "lobby", "users": list(names)}


def left(*names: str) -> Line:
    return {"type": "left", "room": "lobby", "users": list(names)}


def renamed(old: str, new: str) -> Line:
    return {"type": "renamed", "old": old, "new": new}


def row_of(name: str, /, *tokens: str, **fields: Any) -> UserRow:
    """Return the row of a user who left, with a session for each token."""
    id = f"id of {name}"
    sessions = [
        SetSession(hash_token(token), id, number, "", "", 0, 0) for number, token in enumerate(tokens, 1)
    ]
    given: dict[str, Any] = {
        "user": id,
        "at": 7,
        "left": None,
        "name": name,
        "registered": None,
        "last_number": 0,
        "away": None,
        "receipts": True,
        "sessions": sessions,
        "ignored": [],
        "keys": [],
        "members": [],
    }
    return UserRow(**given | fields)
