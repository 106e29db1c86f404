"""A chat without sockets and disks: operations are decided, and then taken by the disk or refused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any

import orjson

from tcpchat.chat.batch import decide, settle
from tcpchat.chat.draft import Draft
from tcpchat.chat.fanout import Fanout
from tcpchat.chat.operations.base import Operation
from tcpchat.chat.operations.membership import InviteUser, JoinRoom
from tcpchat.chat.operations.messages import EditText, SendMessages
from tcpchat.chat.operations.rooms import CreateRoom
from tcpchat.chat.operations.sessions import RegisterUser
from tcpchat.chat.operations.users import Rename
from tcpchat.chat.room import direct_name
from tcpchat.chat.state import ServerState
from tcpchat.chat.user import User
from tcpchat.names import skeleton
from tcpchat.protocol import Error
from tcpchat.settings import Settings
from tcpchat.store.changes import Change
from tcpchat.store.rows import Snapshot

LOBBY = "lobby"
Line = dict[str, Any]


class Clock:
    """Time of day and time in seconds, which stand still until they are moved."""

    def __init__(self) -> None:
        self.seconds = 1_000_000.0

    def now(self) -> int:
        return int(self.seconds * 1000)

    def monotonic(self) -> float:
        return self.seconds


class NullSubscriber:
    """A connection that keeps what it is given."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.stopped: str | None = None

    def write_nowait(self, data: bytes) -> None:
        self.lines += [orjson.loads(line) for line in data.splitlines()]

    def acknowledge(self, replies: bytes, count: int) -> None:
        self.write_nowait(replies)

    def stop(self, reason: str) -> None:
        self.stopped = reason


def empty_snapshot() -> Snapshot:
    return Snapshot(
        journal="j",
        lobby_seq=0,
        messages=0,
        recent=[],
        scheduled=[],
        reports=[],
        mutes=[],
        names={},
        registered=[],
        absent=[],
        guests=0,
        scheduled_id=0,
    )


def raise_again(operation: Operation) -> Error:
    """Let a bug fail the test."""
    raise  # noqa: PLE0704  # called while the exception is handled


class Harness:
    """One state, and everything that was written."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.clock = Clock()
        ids, tokens = count(1), count(1)
        self.settings = settings or Settings()
        self.state = ServerState(
            self.settings,
            empty_snapshot(),
            self.clock,
            lambda: f"id{next(ids)}",
            lambda: f"token{next(tokens)}",
        )
        self.written: list[Change] = []

    def join(self, *names: str) -> list[User]:
        """Return users with a connection each, which is subscribed."""
        users = []
        for name in names:
            connection = NullSubscriber()
            user, _ = self.state.enter(connection, "127.0.0.1")
            self.state.audience.subscribe_pending(connection)
            users.append(user)
            self.rename(user, name)
        return users

    def rename(self, user: User, name: str) -> None:
        self.state.directory.claim(user.id, name, skeleton(name))
        self.take(Rename(user=user.id, name=name, key=skeleton(name)))

    def decide(self, draft: Draft, operations: Sequence[Operation]) -> list[Change]:
        rows: list[Change] = []
        for operation in operations:
            decide(operation, draft, rows, raise_again)
        return rows

    def take(self, *operations: Operation) -> Fanout:
        """Let the disk take the operations as one batch; return what is sent out."""
        with self.commit(*operations) as fanout:
            pass
        return fanout

    @contextmanager
    def commit(self, *operations: Operation) -> Iterator[Fanout]:
        """As `take`; the block is what happens while the disk writes."""
        fanout, draft = Fanout(), Draft(self.state, self.clock.now())
        rows = self.decide(draft, operations)
        yield fanout
        self.written += rows
        for operation in operations:
            settle(operation, self.state, fanout, raise_again)
        draft.close()

    @contextmanager
    def refuse(self, *operations: Operation) -> Iterator[None]:
        """Let the disk refuse the operations; the block is what happens before it does."""
        draft = Draft(self.state, self.clock.now())
        self.decide(draft, operations)
        yield
        draft.rollback(0)
        for operation in operations:
            operation.reject(Error(code="storage-failed", message="full"))
            settle(operation, self.state, Fanout(), raise_again)
        draft.close()

    def send(self, author: User, text: str, to: User | None = None, key: str | None = None) -> SendMessages:
        if key is not None:
            author.sent.begin(key)
        return SendMessages(
            author=author.id,
            name=author.name,
            room=LOBBY if to is None else direct_name(author.id, to.id),
            texts=[text],
            key=key,
            mentions=[],
        )

    def edit(self, author: User, target: int, text: str, to: User | None = None) -> EditText:
        room = LOBBY if to is None else direct_name(author.id, to.id)
        name = None if to is None else to.name
        return EditText(author=author.id, name=author.name, room=room, to=name, target=target, texts=[text])

    def create(self, owner: User, name: str, *members: User, private: bool = False, most: int = 0) -> None:
        """Let a user, who is registered then, create a room, and others be in it."""
        if owner.registered is None:
            self.take(RegisterUser(user=owner.id, hash="#", session=owner.sessions[0].change()))
        self.take(create_room(owner, name, private=private, most=most))
        for member in members:
            invite = InviteUser(user=owner.id, room=name, other=member.id, name=owner.name)
            self.take(invite, JoinRoom(user=member.id, room=name))


def create_room(owner: User, name: str, *, private: bool = False, most: int = 0) -> CreateRoom:
    return CreateRoom(
        user=owner.id, room=name, key=skeleton(name), private=private, topic=f"about {name}", most=most
    )


def say_in(room: str, author: User, text: str) -> SendMessages:
    return SendMessages(author=author.id, name=author.name, room=room, texts=[text], key=None, mentions=[])


def replies(*operations: Operation) -> list[Line]:
    for operation in operations:
        operation.ids = operation.ids or [None]
    return [orjson.loads(line) for operation in operations for line in operation.encode_replies()]


def posted(fanout: Fanout) -> list[Line]:
    """Return the events that go to whole rooms."""
    return [orjson.loads(post.line) for posts in fanout.posts.values() for post in posts]


def sent_to(fanout: Fanout, user: User) -> list[Line]:
    """Return the lines that go to the user's first connection alone."""
    return [orjson.loads(line) for line in b"".join(fanout.direct.get(user.connections[0], ())).splitlines()]
