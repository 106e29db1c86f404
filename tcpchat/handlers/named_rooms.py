"""Handlers for named rooms themselves: list, create and join them, change the topic, close one."""

from __future__ import annotations

from tcpchat.chat.draft_rooms import room_taken
from tcpchat.chat.operations.membership import JoinRoom
from tcpchat.chat.operations.rooms import CloseRoom, CreateRoom, SetTopic, details
from tcpchat.chat.room import Room
from tcpchat.commands import named_rooms as commands
from tcpchat.errors import ChatError
from tcpchat.handlers.caller import Caller
from tcpchat.handlers.places import find_named, visible_room
from tcpchat.handlers.registry import Outcome, handles
from tcpchat.names import enforce, skeleton
from tcpchat.protocol import (
    LOBBY,
    EncodedReply,
    RoomDetails,
    RoomInfo,
    Rooms,
    encode_part,
    page,
    parse_room,
    reply_with,
)
from tcpchat.store.queries.events import count_unread
from tcpchat.store.queries.rooms import list_rooms
from tcpchat.store.rows import ListedRoom, UnreadRange
from tcpchat.times import timestamp

PAGE = 200  # rooms in one reply
ROOMS_COUNTED = 50  # of which the unread messages are counted for one request more
MAX_TOPIC = 250  # characters; it is shown in one line


@handles(commands.ROOMS)
async def rooms(caller: Caller, request: commands.ListRooms) -> EncodedReply[Rooms]:
    user, after = caller.user, request.after or ""
    found = await caller.reader.ask(list_rooms, user.id, after, PAGE + 1, others=request.all)
    unread = await _count_unread(caller, found[:PAGE])
    shown, more = page(encode_part(_info(caller, row, unread)) for row in found[:PAGE])
    return reply_with(Rooms, rooms=shown, more=more or len(found) > PAGE)


async def _count_unread(caller: Caller, listed: list[ListedRoom]) -> dict[str, int]:
    """Return by room how many messages the caller has not read, of the rooms that the caller is in."""
    user = caller.user
    members = [user.members[row.name] for row in listed if row.name in user.members]
    behind = [
        UnreadRange(one.room.name, one.read, one.room.seq) for one in members if one.room.seq > one.read
    ]
    caller.cost += len(behind) // ROOMS_COUNTED
    counts = await caller.reader.ask(count_unread, user.id, behind, user.ignored) if behind else []
    return {wanted.room: count.messages for wanted, count in zip(behind, counts, strict=True)}


def _info(caller: Caller, row: ListedRoom, unread: dict[str, int]) -> RoomInfo:
    member = caller.user.members.get(row.name)
    return RoomInfo(
        room=row.name,
        topic=row.topic or None,
        private=bool(row.private) or None,
        closed=None if row.closed is None else timestamp(row.closed),
        members=row.members,
        role=None if member is None else member.role,
        seq=None if member is None else member.room.seq,
        read=None if member is None else member.read,
        unread=None if member is None else unread.get(row.name, 0),
    )


@handles(commands.CREATE)
async def create(caller: Caller, request: commands.CreateRoom) -> CreateRoom:
    if caller.user.registered is None:
        raise ChatError("not-registered", "only registered users create rooms; register first")
    limits = caller.state.settings.limits
    name = enforce(request.name.removeprefix("#"), limits.name_characters)
    key = skeleton(name)
    if caller.state.rooms.named_like(key) is not None:
        raise room_taken(name)
    return CreateRoom(
        user=caller.user.id,
        room=name,
        key=key,
        private=request.private,
        topic=_checked_topic(request.topic or ""),
        most=limits.rooms_per_user,
    )


@handles(commands.JOIN)
async def join(caller: Caller, request: commands.JoinRoom) -> JoinRoom:
    if parse_room(request.name) == LOBBY:
        raise ChatError("already-member", "everybody is in the lobby, you too", name=LOBBY)
    return JoinRoom(user=caller.user.id, room=visible_room(caller, request.name).name)


def _checked_topic(topic: str) -> str:
    if len(topic) > MAX_TOPIC:
        message = f"the topic has {len(topic)} characters; at most {MAX_TOPIC} are allowed"
        raise ChatError("text-too-long", message, limit=MAX_TOPIC, field="topic")
    return topic


@handles(commands.TOPIC)
async def topic(caller: Caller, request: commands.ChangeTopic) -> Outcome[RoomDetails]:
    if request.text is None:
        return details(_shown(caller, request.room), caller.user)
    room = find_named(caller, request.room)
    return SetTopic(user=caller.user.id, room=room.name, topic=_checked_topic(request.text))


def _shown(caller: Caller, name: str | None) -> Room:
    """Return a room that the caller may know of; also one in which the caller is not."""
    return find_named(caller, name) if name is None else visible_room(caller, name)


@handles(commands.CLOSE)
async def close(caller: Caller, request: commands.CloseRoom) -> CloseRoom:
    return CloseRoom(user=caller.user.id, room=find_named(caller, request.room).name)
