"""Commands about named rooms themselves: list, create and join them, change the topic, close one."""

from __future__ import annotations

from typing import ClassVar

import attrs

from tcpchat.commands.command import Command, argument, flag, option, room_option
from tcpchat.wire import room_events
from tcpchat.wire.base import MORE, Reply, Request, about
from tcpchat.wire.room_events import NAMED

_PRIVATE = about("true if only members and invited users know that it exists")
_CLOSED = about("since when nothing can be said in it, if so; RFC 3339")
ROOM_NAME = argument("NAME", "the name of the room, with or without # before it")


@attrs.frozen(kw_only=True)
class RoomInfo:
    """A named room as you see it. What only members see is absent if you are not one."""

    room: str = attrs.field(metadata=NAMED)
    topic: str | None = attrs.field(default=None, metadata=room_events.TOPIC)
    private: bool | None = attrs.field(default=None, metadata=_PRIVATE)
    closed: str | None = attrs.field(default=None, metadata=_CLOSED)
    members: int = attrs.field(metadata=about("how many users are in it"))
    role: str | None = attrs.field(default=None, metadata=about("your role: owner, moderator or member"))
    seq: int | None = attrs.field(default=None, metadata=about("the number of its last event"))
    read: int | None = attrs.field(
        default=None, metadata=about("the number of the last message that you have read")
    )
    unread: int | None = attrs.field(default=None, metadata=about("the number of unread messages"))


@attrs.frozen(kw_only=True)
class RoomDetails(Reply):
    """A named room as it is now."""

    type: ClassVar[str] = "room"
    room: str = attrs.field(metadata=NAMED)
    topic: str | None = attrs.field(default=None, metadata=room_events.TOPIC)
    private: bool | None = attrs.field(default=None, metadata=_PRIVATE)
    closed: str | None = attrs.field(default=None, metadata=_CLOSED)
    role: str | None = attrs.field(default=None, metadata=about("your role; absent if you are not a member"))
    seq: int | None = attrs.field(
        default=None, metadata=about("the number of its last event; absent if you are not a member")
    )


@attrs.frozen(kw_only=True)
class Rooms(Reply):
    """Named rooms."""

    type: ClassVar[str] = "rooms"
    rooms: list[RoomInfo] = attrs.field(metadata=about("by name"))
    more: bool = attrs.field(metadata=MORE)


@attrs.frozen(kw_only=True)
class ListRooms(Request[Rooms]):
    """List the named rooms that you are in."""

    type: ClassVar[str] = "rooms"
    all: bool = attrs.field(default=False, metadata=flag("also the rooms that you may join"))
    after: str | None = attrs.field(
        default=None, metadata=option(None, "NAME", "only names that sort after this one, for the next page")
    )


ROOMS = Command(
    request=ListRooms,
    reply=Rooms,
    summary="list the rooms that you are in, or all that you may join",
    examples=("rooms", "rooms --all", '{"type":"rooms","all":true,"after":"ops"}'),
)


@attrs.frozen(kw_only=True)
class CreateRoom(Request[RoomDetails]):
    """Create a room, whose owner you are."""

    type: ClassVar[str] = "create"
    name: str = attrs.field(metadata=ROOM_NAME)
    private: bool = attrs.field(
        default=False, metadata=flag("only members and invited users know that the room exists")
    )
    topic: str | None = attrs.field(
        default=None, metadata=argument("TOPIC", "what the room is about", rest=True)
    )


CREATE = Command(
    request=CreateRoom,
    reply=RoomDetails,
    summary="create a room, whose owner you are",
    examples=(
        "create ops what is up and what is not",
        "create --private board",
        '{"type":"create","name":"ops","topic":"what is up"}',
    ),
)


@attrs.frozen(kw_only=True)
class JoinRoom(Request[RoomDetails]):
    """Enter a room: an open one, or one that you are invited to."""

    type: ClassVar[str] = "join"
    name: str = attrs.field(metadata=ROOM_NAME)


JOIN = Command(
    request=JoinRoom,
    reply=RoomDetails,
    summary="enter a room, which is open or to which you are invited",
    examples=("join ops", '{"type":"join","name":"ops"}'),
)


@attrs.frozen(kw_only=True)
class ChangeTopic(Request[RoomDetails]):
    """Show a room, or give it another topic."""

    type: ClassVar[str] = "topic"
    room: str | None = attrs.field(default=None, metadata=room_option())
    text: str | None = attrs.field(
        default=None, metadata=argument("TEXT", "the new topic; without it the room is shown", rest=True)
    )


TOPIC = Command(
    request=ChangeTopic,
    reply=RoomDetails,
    summary="show what a room is about, or change it, as moderators and owners may",
    examples=("topic -r ops", "topic -r ops what is up", '{"type":"topic","room":"ops","text":"what is up"}'),
)


@attrs.frozen(kw_only=True)
class CloseRoom(Request[RoomDetails]):
    """Close a room: its members can read it, and nothing more is said in it."""

    type: ClassVar[str] = "close"
    room: str | None = attrs.field(default=None, metadata=room_option())


CLOSE = Command(
    request=CloseRoom,
    reply=RoomDetails,
    summary="close a room, as its owners may: its members can still read it",
    examples=("close -r ops", '{"type":"close","room":"ops"}'),
)
