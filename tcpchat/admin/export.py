"""`export`: all that is kept of a user, for that user."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from tcpchat.admin.command import AdminCommand
from tcpchat.admin.context import shown
from tcpchat.admin.replies import NAME, Exported, Record
from tcpchat.chat.room import Kind, public_id
from tcpchat.chat.user import User
from tcpchat.protocol import Request
from tcpchat.store.changes import peer_of
from tcpchat.store.queries.events import messages_of
from tcpchat.store.queries.users import names_of, reports_of
from tcpchat.store.rows import EventRow
from tcpchat.times import timestamp

if TYPE_CHECKING:
    from tcpchat.admin.context import OperatorContext

PAGE = 500  # messages that are read at once
Fields = dict[str, Any]


@attrs.frozen(kw_only=True)
class Export(Request):
    """Ask for all that is kept of a user."""

    type: ClassVar[str] = "export"
    name: str = attrs.field(metadata=NAME)


async def run(context: OperatorContext, request: Export) -> Exported:
    user = await context.loader.named(request.name)
    await context.loader.wait_settled()
    name, count = user.name, 0
    async with aclosing(_records(context, user)) as records:
        async for record in records:
            await context.tell(Record(record=record))
            count += 1
    return Exported(user=name, records=count)


async def _records(context: OperatorContext, user: User) -> AsyncGenerator[Fields, None]:
    for record in (*_account(context, user), *_sessions(user), *await _others(context, user)):
        yield record
    for pending in context.state.schedule.of(user.id):
        to = {"to": pending.recipient_name} if pending.recipient_name else {}
        at = timestamp(pending.due)
        room = public_id(pending.room)
        yield {
            "kind": "scheduled",
            "number": pending.number,
            "at": at,
            "room": room,
            **to,
            "text": pending.text,
        }
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
        who = "operator" if mute.by_operator else "reports"
        records.append({"kind": "mute", "by": who, "until": shown(mute.until), "reason": mute.reason})
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


async def _others(context: OperatorContext, user: User) -> list[Fields]:
    """Return how the user stands to others: who is ignored, how far is read, who reported whom."""
    reports = await context.reader.ask(reports_of, user.id)
    made = [report for report in reports if report.reporter == user.id]
    others = {
        room: peer_of(room, user.id) for room, one in user.members.items() if one.room.kind is Kind.DIRECT
    }
    ids = {*user.ignored, *(report.target for report in made), *others.values()}
    names = await context.reader.ask(names_of, sorted(ids))
    records: list[Fields] = [{"kind": "ignored", "name": names.get(id, "?")} for id in sorted(user.ignored)]
    for room, member in user.members.items():
        with_ = {"with": names.get(others[room], "?")} if room in others else {}
        marks = {"read": member.read, "delivered": member.delivered}
        records.append({"kind": "mark", "room": public_id(room), **with_, **marks})
    for report in reports:
        whom = {"of": names.get(report.target, "?")} if report.reporter == user.id else {"of": user.name}
        records.append({"kind": "report", **whom, "at": timestamp(report.at), "reason": report.reason})
    return records


def _message(message: EventRow) -> Fields:
    to: Fields = {} if message.recipient is None else {"to": message.recipient_name}
    fields = {"seq": message.seq, "at": timestamp(message.at), "from": message.name, "text": message.text}
    if message.edited is not None:
        fields["edited"] = timestamp(message.edited)
    return {"kind": "message", "room": public_id(message.room), **to, **fields}


COMMAND = AdminCommand(
    request=Export,
    run=run,
    summary="write all that is kept of a user as JSON lines",
    examples=("tcpchat admin export bob > bob.jsonl",),
)
