"""Operator's commands about stored data: export or delete a user, and copy everything."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from tcpchat.admin.command import ENDED, NAME, AdminCommand
from tcpchat.admin.context import shown
from tcpchat.chat.operations import users as operations
from tcpchat.chat.room import Kind, public_id
from tcpchat.chat.user import User
from tcpchat.errors import ChatError
from tcpchat.protocol import LOBBY, Event, Reply, Request, about
from tcpchat.store.changes import peer_of
from tcpchat.store.queries.events import messages_of
from tcpchat.store.queries.rooms import heirs, list_invitations
from tcpchat.store.queries.users import names_of, reports_of
from tcpchat.store.room_changes import REMOVED
from tcpchat.store.rows import EventRow
from tcpchat.times import timestamp

if TYPE_CHECKING:
    from tcpchat.admin.context import OperatorContext

PAGE = 500  # messages that are read at once
Fields = dict[str, Any]


@attrs.frozen(kw_only=True)
class Record(Event):
    """One object that is stored about an exported user."""

    type: ClassVar[str] = "record"
    record: dict[str, Any] = attrs.field(metadata=about("`kind`, and the fields of that kind"))


@attrs.frozen(kw_only=True)
class Exported(Reply):
    """All records came before this."""

    type: ClassVar[str] = "exported"
    user: str = attrs.field(metadata=NAME)
    records: int = attrs.field(metadata=about("the number of records"))


@attrs.frozen(kw_only=True)
class Export(Request[Exported]):
    """Send everything that is stored about a user."""

    type: ClassVar[str] = "export"
    name: str = attrs.field(metadata=NAME)


async def _export(context: OperatorContext, request: Export) -> Exported:
    user = await context.loader.named(request.name)
    await context.loader.wait_settled()
    name, count = user.name, 0
    async with aclosing(_records(context, user)) as records:
        async for record in records:
            await context.send(Record(record=record))
            count += 1
    return Exported(user=name, records=count)


async def _records(context: OperatorContext, user: User) -> AsyncGenerator[Fields, None]:
    for record in (*_account(context, user), *_sessions(user), *await _relations(context, user)):
        yield record
    for pending in context.state.schedule.of(user.id):
        to = {"to": pending.recipient_name} if pending.recipient_name else {}
        where = {"at": timestamp(pending.due), "room": public_id(pending.room), **to}
        yield {"kind": "scheduled", "number": pending.number, **where, "text": pending.text}
    cursor = 0
    while found := await context.reader.ask(messages_of, user.id, PAGE, cursor):
        cursor = found[-1].cursor
        for one in found:
            yield _message(one.message)


def _account(context: OperatorContext, user: User) -> list[Fields]:
    now, state = context.now(), context.state
    account: Fields = {"kind": "account", "name": user.name, "here": bool(user.connections)}
    if user.registered is not None:
        account["registered"] = timestamp(user.registered)
    if user.left is not None:
        account["seen"] = timestamp(user.left)
    account["receipts"] = user.receipts
    records = [account]
    if user.away is not None:
        records.append({"kind": "away", "text": user.away[0], "since": timestamp(user.away[1])})
    if state.moderation.muted_until(user.id, now) is not None:
        mute = state.moderation.of(user.id).mute
        by = "operator" if mute.by_operator else "reports"
        records.append({"kind": "mute", "by": by, "until": shown(mute.until), "reason": mute.reason})
    if (ban := state.bans.of_user(user.id, now)) is not None:
        records.append({"kind": "ban", "until": shown(ban.until), "reason": ban.reason})
    return records


def _sessions(user: User) -> list[Fields]:
    return [
        {
            "kind": "session",
            "number": session.number,
            "device": session.name,
            "address": session.address,
            "since": timestamp(session.since),
            "used": timestamp(session.used),
        }
        for session in user.sessions
    ]


async def _relations(context: OperatorContext, user: User) -> list[Fields]:
    """Return whom the user ignores, how far the user has read, and reports by and about the user."""
    reports = await context.reader.ask(reports_of, user.id)
    made = [report for report in reports if report.reporter == user.id]
    direct = (room for room, member in user.members.items() if member.room.kind is Kind.DIRECT)
    others = {room: peer_of(room, user.id) for room in direct}
    ids = {*user.ignored, *(report.target for report in made), *others.values()}
    names = await context.reader.ask(names_of, sorted(ids))
    records: list[Fields] = [{"kind": "ignored", "name": names.get(id, "?")} for id in sorted(user.ignored)]
    for room, member in user.members.items():
        peer = {"with": names.get(others[room], "?")} if room in others else {}
        marks = {"read": member.read, "delivered": member.delivered}
        records.append({"kind": "mark", "room": public_id(room), **peer, **marks})
        if member.room.kind is Kind.NAMED:
            since = timestamp(member.since)
            records.append({"kind": "member", "room": room, "role": member.role, "since": since})
    records += [
        {"kind": "invitation", "room": one.room, "from": one.by, "at": timestamp(one.at)}
        for one in await context.reader.ask(list_invitations, user.id)
    ]
    removed = sorted(room for room, standing in user.standings.items() if standing == REMOVED)
    records += [{"kind": "removed", "room": room} for room in removed]
    for report in reports:
        target = names.get(report.target, "?") if report.reporter == user.id else user.name
        about_target = {"of": target, "at": timestamp(report.at), "reason": report.reason}
        records.append({"kind": "report", **about_target})
    return records


def _message(message: EventRow) -> Fields:
    to: Fields = {} if message.recipient is None else {"to": message.recipient_name}
    fields = {"seq": message.seq, "at": timestamp(message.at), "from": message.name, "text": message.text}
    if message.action:
        fields["action"] = True
    if message.edited is not None:
        fields["edited"] = timestamp(message.edited)
    return {"kind": "message", "room": public_id(message.room), **to, **fields}


@attrs.frozen(kw_only=True)
class Deleted(Reply):
    """Nothing is left of the user but the numbers and times of messages."""

    type: ClassVar[str] = "deleted"
    user: str = attrs.field(metadata=about("the name that the user had"))
    ended: int = attrs.field(metadata=ENDED)


@attrs.frozen(kw_only=True)
class Delete(Request[Deleted]):
    """Delete everything about a user but the numbers and times of messages."""

    type: ClassVar[str] = "delete"
    name: str = attrs.field(metadata=NAME)


async def _delete(context: OperatorContext, request: Delete) -> Deleted:
    user = await context.loader.named(request.name)
    await context.loader.wait_settled()  # so that the disk knows the members
    found = await context.reader.ask(heirs, user.id)
    for heir in found.values():
        if heir is not None:
            await context.loader.user(heir)
    delete = operations.Delete(user=user.id, heirs=found)
    await context.commit(delete)
    return Deleted(user=user.name, ended=delete.ended)


@attrs.frozen(kw_only=True)
class BackedUp(Reply):
    """The copy is complete and on disk."""

    type: ClassVar[str] = "backed-up"
    file: str = attrs.field(metadata=about("the file of the copy"))
    bytes: int = attrs.field(metadata=about("the size of the file"))
    messages: int = attrs.field(metadata=about("the number of messages in it"))
    seq: int = attrs.field(metadata=about("the lobby's last number in it"))


@attrs.frozen(kw_only=True)
class Backup(Request[BackedUp]):
    """Copy all data to a file."""

    type: ClassVar[str] = "backup"
    file: str = attrs.field(metadata=about("the absolute path of a file that does not exist yet"))


async def _backup(context: OperatorContext, request: Backup) -> BackedUp:
    file = Path(request.file)
    if not file.is_absolute() or "\0" in request.file:
        message = "the file must be an absolute path, since the server has its own working directory"
        raise ChatError("bad-value", message, field="file")
    copied = await context.reader.back_up(file, LOBBY)
    return BackedUp(file=request.file, bytes=copied.bytes, messages=copied.messages, seq=copied.seq)


EXPORT = AdminCommand(
    request=Export,
    reply=Exported,
    run=_export,
    summary="print everything that is stored about a user as JSON lines",
    examples=("tcpchat admin export bob > bob.jsonl",),
)
DELETE = AdminCommand(
    request=Delete,
    reply=Deleted,
    run=_delete,
    summary="delete a user: account, name, sessions, and the text of all messages by the user",
    examples=("tcpchat admin delete bob",),
)
BACKUP = AdminCommand(
    request=Backup,
    reply=BackedUp,
    run=_backup,
    summary="copy all data to a new file while the server runs",
    examples=("tcpchat admin backup friday.db",),
)
COMMANDS = (EXPORT, DELETE, BACKUP)
