"""The fan-out of one commit: events for the audience of each room, and lines for single connections."""

from __future__ import annotations

from tcpchat.chat.lines import without_text
from tcpchat.chat.room import Logged, Room
from tcpchat.chat.subscriber import Subscriber
from tcpchat.chat.user import User


class Fanout:
    """Filled by the operations of a batch, in their order; sent by the pipeline in one go."""

    __slots__ = ("direct", "entered", "messages", "posts")

    def __init__(self) -> None:
        self.posts: dict[Room, list[Logged]] = {}
        """Events for the whole audience of a room."""
        self.entered: dict[Room, dict[Subscriber, int]] = {}
        """How many of the posts of a room came before the connection's user entered it."""
        self.direct: dict[Subscriber, list[bytes]] = {}
        self.messages = 0

    def to_room(self, room: Room, events: list[Logged]) -> None:
        """Add events for everybody who gets the room's events."""
        posts = self.posts.get(room)
        if posts is not None:
            posts += events
        elif events:
            self.posts[room] = events

    def enter(self, room: Room, user: User) -> None:
        """Let a user who has just entered get what comes from now on, and nothing from before."""
        before = len(self.posts.get(room, ()))
        entered = self.entered.setdefault(room, {})
        entered.update(dict.fromkeys(user.connections, before))

    def leave(self, room: Room, user: User) -> None:
        """Give a user who has just left the events up to now; the others get them in the end."""
        posts, entered = self.posts.get(room, []), self.entered.get(room, {})
        for connection in user.connections:
            missed = posts[entered.pop(connection, 0) :]
            lines = (without_text(post.line) if post.author in user.ignored else post.line for post in missed)
            self.direct.setdefault(connection, []).extend(lines)

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
