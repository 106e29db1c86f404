"""The fan-out of one commit: events for the audience of each room, and lines for single connections."""

from __future__ import annotations

from typing import NamedTuple

from tcpchat.chat.room import Room
from tcpchat.chat.subscriber import Subscriber
from tcpchat.chat.user import User


class Posted(NamedTuple):
    """An event of a room: its author's id, and its line."""

    author: str
    line: bytes


class Fanout:
    """Filled by the operations of a batch, in their order; sent by the pipeline in one go."""

    __slots__ = ("direct", "messages", "posts")

    def __init__(self) -> None:
        self.posts: dict[Room, list[Posted]] = {}
        """Events for the whole audience of a room."""
        self.direct: dict[Subscriber, list[bytes]] = {}
        self.messages = 0

    def to_room(self, room: Room, author: str, line: bytes) -> None:
        """Add an event for everybody who gets the room's events."""
        self.posts.setdefault(room, []).append(Posted(author, line))

    def to_user(self, user: User, line: bytes, *, but: Subscriber | None = None) -> None:
        """Add a line for all connections of a user, or all but one."""
        for connection in user.connections:
            if connection is not but:
                self.direct.setdefault(connection, []).append(line)

    def deliver_or_queue(self, user: User, line: bytes) -> None:
        """Add a line for a user, who may have to come back to get it."""
        if not user.connections:
            user.queue_offline(line)
        self.to_user(user, line)
