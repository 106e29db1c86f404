"""Scheduled messages that came due, as operations."""

from __future__ import annotations

from tcpchat.chat.draft_rooms import check_not_closed
from tcpchat.chat.operations.base import Operation
from tcpchat.chat.operations.schedule import GiveUpDue, SendDue
from tcpchat.chat.room import Kind, kind_of
from tcpchat.chat.schedule import RETRY
from tcpchat.chat.state import ServerState
from tcpchat.chat.user import User
from tcpchat.errors import ChatError
from tcpchat.protocol import as_error
from tcpchat.store.changes import NewScheduled, peer_of


def not_loaded(state: ServerState, most: int) -> list[str]:
    """Return the ids of users who must be in memory before up to `most` due messages can be sent."""
    wanted: set[str] = set()
    for pending in state.schedule.due(state.clock.now(), most):
        kind = kind_of(pending.room)
        if kind is Kind.DIRECT:
            wanted |= {pending.author, peer_of(pending.room, pending.author)}
        elif kind is Kind.NAMED:
            wanted.add(pending.author)
    return [id for id in wanted if state.users.get(id) is None and state.directory.stored(id) is not None]


def due_operations(state: ServerState, most: int) -> list[Operation]:
    """Return operations that send up to `most` messages that came due, or give them up.

    The messages are held in the schedule until the operations are released.
    """
    now, operations = state.clock.now(), []
    for pending in state.schedule.due(now, most):
        state.schedule.hold(pending.id)
        if _is_loaded(state, pending):
            operations.append(_operation(state, pending, now))
        else:  # the disk could not be read
            state.schedule.retry(pending.id, now + RETRY)
    return operations


def _is_loaded(state: ServerState, pending: NewScheduled) -> bool:
    kind = kind_of(pending.room)
    if kind is Kind.LOBBY:
        return True
    if kind is Kind.NAMED:  # only a member may speak there
        author = pending.author
        return state.users.get(author) is not None or state.directory.stored(author) is None
    recipient = peer_of(pending.room, pending.author)
    return state.users.get(recipient) is not None or state.directory.stored(recipient) is None


def _operation(state: ServerState, pending: NewScheduled, now: int) -> Operation:
    try:
        _check(state, pending, now)
    except ChatError as error:
        return GiveUpDue(pending=pending, why=as_error(error))
    is_direct = kind_of(pending.room) is Kind.DIRECT
    return SendDue(
        author=pending.author,
        name=pending.name,
        room=pending.room,
        texts=[pending.text],
        to=pending.recipient_name,
        action=bool(pending.action),
        mentions=[(0, id) for id in state.directory.mentioned(pending.text)] if not is_direct else [],
        pending=pending,
    )


def _check(state: ServerState, pending: NewScheduled, now: int) -> None:
    """Raise ChatError if the message is not to be sent."""
    if pending.author in state.users.deleted:
        raise ChatError("no-such-user", "its author was deleted")
    state.bans.check_user(pending.author, now)
    state.moderation.check(pending.author, now)
    if state.users.get(pending.author) is None:  # a mute goes with the name of a guest who is gone
        holder = state.directory.called(pending.name)
        if isinstance(holder, User):
            state.moderation.check(holder.id, now)
    if kind_of(pending.room) is Kind.NAMED:
        author, room = state.users.get(pending.author), state.rooms.open(pending.room)
        if author is None or room.name not in author.members:
            raise ChatError("no-such-room", f"its author is not in {room.name} any more", name=room.name)
        check_not_closed(room)
    if kind_of(pending.room) is Kind.DIRECT:
        recipient, name = peer_of(pending.room, pending.author), pending.recipient_name
        if state.users.get(recipient) is None:
            raise ChatError("no-such-user", f"{name} is not here any more", name=name)
