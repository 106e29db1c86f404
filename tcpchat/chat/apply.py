"""The one way in which memory follows the disk: what each change makes true.

A change of a user who is not in memory changes nothing but names: the rest is read when the user is loaded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from tcpchat.chat.lines import edited_line, message_line, room_event_line, with_text, without_author
from tcpchat.chat.member import Member
from tcpchat.chat.roles import OWNER
from tcpchat.chat.room import NOBODY, Room
from tcpchat.chat.state import ServerState
from tcpchat.chat.user import User
from tcpchat.chat.users import session_of_row
from tcpchat.store.changes import (
    Change,
    DeleteUser,
    DropBan,
    DropIgnored,
    DropMute,
    DropScheduled,
    EditMessage,
    EndSession,
    NewKey,
    NewMention,
    NewMessage,
    NewReport,
    NewRoom,
    NewScheduled,
    NewUser,
    Prune,
    SetAccount,
    SetAllLeft,
    SetAway,
    SetBan,
    SetIgnored,
    SetLeft,
    SetMember,
    SetMute,
    SetName,
    SetReceipts,
    SetSession,
    TransferReports,
    TrimKeys,
)
from tcpchat.store.room_changes import (
    CloseRoom,
    DropStanding,
    EnterRoom,
    LeaveRoom,
    NewNamedRoom,
    NewRoomEvent,
    SetRole,
    SetStanding,
    SetTopic,
)
from tcpchat.store.rows import NameRow, RoomRow

C = TypeVar("C")
APPLIED: Final[dict[type, Callable[[ServerState, Any], None]]] = {}


def apply(state: ServerState, change: Change) -> None:
    """Make a change that is on disk true in memory.

    Whoever applies the same changes has the same state.
    """
    APPLIED[type(change)](state, change)


def _applies(kind: type[C]) -> Callable[[Callable[[ServerState, C], None]], Callable[[ServerState, C], None]]:
    def register(function: Callable[[ServerState, C], None]) -> Callable[[ServerState, C], None]:
        APPLIED[kind] = function
        return function

    return register


@_applies(NewMessage)
def _message(state: ServerState, change: NewMessage) -> None:
    state.rooms.open(change.room).append(change.seq, change.author, message_line(change))


@_applies(EditMessage)
def _edit(state: ServerState, change: EditMessage) -> None:
    room, text, at = state.rooms.open(change.room), change.text, change.at
    room.rewrite(change.target, lambda line: with_text(line, text, at))
    room.append(change.seq, change.author, edited_line(change), is_message=False)


@_applies(NewUser)
def _user(state: ServerState, change: NewUser) -> None:
    if state.users.get(change.id) is None:  # the operator created it, or this state follows another
        state.users.create(change.id, change.at)
    user = state.users.get(change.id)
    if user is not None:
        user.has_row = True


@_applies(SetName)
def _name(state: ServerState, change: SetName) -> None:
    user = state.users.get(change.user)
    if user is not None:
        state.presence.rename(user, change.name)
        state.moderation.rename(user.id, user.key, change.key)
        state.directory.rename(user, change.name, change.key)
        user.changed()
    state.directory.rename_stored(change.user, change.name, change.key)


@_applies(SetAccount)
def _account(state: ServerState, change: SetAccount) -> None:
    state.passwords[change.user] += 1
    user = state.users.get(change.user)
    if user is not None and user.registered is None:
        user.registered = change.since
        user.changed()
        state.directory.register(NameRow(user.id, user.key, user.name, change.since, user.left))


@_applies(SetLeft)
def _left(state: ServerState, change: SetLeft) -> None:
    user = state.users.get(change.user)
    if user is not None and not user.connections and change.user not in state.sessions.dirty:
        user.left = change.left  # else memory knows better, and the disk is yet to follow


@_applies(SetAllLeft)
def _all_left(state: ServerState, change: SetAllLeft) -> None:
    for user in state.directory.users():
        if user.left is None and user.sessions and not user.connections:
            user.left = change.at


@_applies(SetSession)
def _session(state: ServerState, change: SetSession) -> None:
    user, found = state.users.get(change.user), state.sessions.find(change.hash)
    if found is not None:
        session, owner = found
        session.name = change.name
        if session.connection is None and owner.id not in state.sessions.dirty:  # else memory knows better
            session.address, session.used = change.address, change.used
    elif user is not None and not user.gone:
        state.sessions.add(user, session_of_row(change))


@_applies(EndSession)
def _end_session(state: ServerState, change: EndSession) -> None:
    state.users.end_session(change.hash, change.why)


@_applies(SetMember)
def _member(state: ServerState, change: SetMember) -> None:
    user = state.users.get(change.user)
    if user is None:
        return
    member = user.members.get(change.room)
    if member is None:
        member = user.members[change.room] = Member(state.rooms.open(change.room))
    member.advance(change.read, change.delivered)


@_applies(NewNamedRoom)
def _named_room(state: ServerState, change: NewNamedRoom) -> None:
    state.rooms.create(RoomRow(change.name, change.key, change.private, change.topic, None, 0))


@_applies(EnterRoom)
def _enter_room(state: ServerState, change: EnterRoom) -> None:
    room, user = state.rooms.open(change.room), state.users.get(change.user)
    _set_owner(room, change.user, change.role)
    if user is None:
        return
    user.standings.pop(room.name, None)
    user.members[room.name] = Member(room, change.read, change.delivered, change.role, change.since)
    room.listeners.update(dict.fromkeys(user.connections, user))


@_applies(SetRole)
def _role(state: ServerState, change: SetRole) -> None:
    _set_owner(state.rooms.open(change.room), change.user, change.role)
    user = state.users.get(change.user)
    if user is not None and change.room in user.members:
        user.members[change.room].role = change.role


@_applies(LeaveRoom)
def _leave_room(state: ServerState, change: LeaveRoom) -> None:
    room, user = state.rooms.open(change.room), state.users.get(change.user)
    room.owners -= {change.user}
    if user is not None:
        user.members.pop(room.name, None)
        for connection in user.connections:
            room.listeners.pop(connection, None)


def _set_owner(room: Room, user: str, role: str) -> None:
    room.owners = room.owners | {user} if role == OWNER else room.owners - {user}


@_applies(SetStanding)
def _standing(state: ServerState, change: SetStanding) -> None:
    user = state.users.get(change.user)
    if user is not None:
        user.standings[change.room] = change.standing


@_applies(DropStanding)
def _no_standing(state: ServerState, change: DropStanding) -> None:
    user = state.users.get(change.user)
    if user is not None:
        user.standings.pop(change.room, None)


@_applies(SetTopic)
def _topic(state: ServerState, change: SetTopic) -> None:
    state.rooms.open(change.room).topic = change.topic


@_applies(CloseRoom)
def _close_room(state: ServerState, change: CloseRoom) -> None:
    state.rooms.open(change.room).closed = change.closed


@_applies(NewRoomEvent)
def _room_event(state: ServerState, change: NewRoomEvent) -> None:
    state.rooms.open(change.room).append(change.seq, NOBODY, room_event_line(change), is_message=False)


def _on_disk_only(state: ServerState, change: Change) -> None:
    """Memory makes it when it is needed, does not hold it, or has its own bound."""


APPLIED.update(dict.fromkeys((NewRoom, NewMention, Prune), _on_disk_only))


@_applies(SetAway)
def _away(state: ServerState, change: SetAway) -> None:
    user = state.users.get(change.user)
    if user is not None:
        user.away = None if change.text is None or change.since is None else (change.text, change.since)
        user.notify_again()
        user.changed()


@_applies(SetReceipts)
def _receipts(state: ServerState, change: SetReceipts) -> None:
    user = state.users.get(change.user)
    if user is not None:
        user.receipts = bool(change.on)


@_applies(SetIgnored)
def _ignored(state: ServerState, change: SetIgnored) -> None:
    user = state.users.get(change.user)
    if user is not None:
        state.audience.ignore(user, user.ignored | {change.other})


@_applies(DropIgnored)
def _not_ignored(state: ServerState, change: DropIgnored) -> None:
    user = state.users.get(change.user)
    if user is not None:
        state.audience.ignore(user, user.ignored - {change.other})


@_applies(NewKey)
def _key(state: ServerState, change: NewKey) -> None:
    user = state.users.get(change.user)
    if user is not None and not user.sent.on_disk:
        user.sent.add(change)


@_applies(TrimKeys)
def _trimmed(state: ServerState, change: TrimKeys) -> None:
    user = state.users.get(change.user)
    if user is not None:
        user.sent.trimmed()


@_applies(NewScheduled)
def _scheduled(state: ServerState, change: NewScheduled) -> None:
    state.schedule.add(change)
    user = state.users.get(change.author)
    if user is not None:
        user.last_number = max(user.last_number, change.number)


@_applies(DropScheduled)
def _not_scheduled(state: ServerState, change: DropScheduled) -> None:
    state.schedule.drop(change.id)


@_applies(NewReport)
def _report(state: ServerState, change: NewReport) -> None:
    state.moderation.add_report(change)
    _bind_to_name(state, state.users.get(change.target))


@_applies(SetMute)
def _mute(state: ServerState, change: SetMute) -> None:
    state.moderation.set_mute(change)
    _bind_to_name(state, state.users.get(change.user))


def _bind_to_name(state: ServerState, user: User | None) -> None:
    if user is not None:
        state.moderation.bind_to_name(user.id, user.key)


@_applies(DropMute)
def _not_muted(state: ServerState, change: DropMute) -> None:
    state.moderation.drop_mute(change.user)


@_applies(TransferReports)
def _transfer(state: ServerState, change: TransferReports) -> None:
    state.moderation.transfer(change.old, change.new)
    _bind_to_name(state, state.users.get(change.new))


@_applies(SetBan)
def _ban(state: ServerState, change: SetBan) -> None:
    state.bans.put(change)


@_applies(DropBan)
def _not_banned(state: ServerState, change: DropBan) -> None:
    state.bans.take(change.kind, change.target)


@_applies(DeleteUser)
def _delete(state: ServerState, change: DeleteUser) -> None:
    state.users.delete(change.user, "ended")
    state.schedule.drop_all(change.user)
    state.receipts.forget(change.user)
    state.moderation.delete(change.user)
    state.bans.take("user", change.user)
    for room in state.rooms:
        room.rewrite_all(change.user, without_author)
        room.owners -= {change.user}
