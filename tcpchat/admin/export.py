"""`export`: all that is kept of a user, for that user."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from tcpchat.admin.command import AdminCommand
from tcpchat.admin.context import shown
from tcpchat.admin.replies import NAME, Exported, Record
from tcpchat.chat.room import public_id
from tcpchat.chat.user import User
from tcpchat.protocol import LOBBY, Request
from tcpchat.store.changes import NewMessage
from tcpchat.store.queries.messages import messages_of
from tcpchat.store.queries.users import names_of, reports_of
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
    user = await context.awakening.named(request.name)
    await context.awakening.settled()
    name, count = user.name, 0
    async with aclosing(_records(context, user)) as records:
        async for record in records:
            await context.tell(Record(record=record))
            count += 1
    return Exported(user=name, records=count)


async def _records(context: OperatorContext, user: User) -> AsyncGenerator[Fields, None]:
    for record in (*_account(context, user), *_sessions(user), *await _others(context, user)):
        yield record
    for pending in context.chat.schedule.of(user.id):
        to = {"to": pending.recipient_name} if pending.recipient_name else {"room": LOBBY}
        at = timestamp(pending.due)
        yield {"kind": "scheduled", "number": pending.number, "at": at, **to, "text": pending.text}
    cursor = 0
    while found := await context.reader.ask(messages_of, user.id, PAGE, cursor):
        cursor = found[-1].cursor
        for one in found:
            yield _message(one.message)


def _account(context: OperatorContext, user: User) -> list[Fields]:
    now, chat = context.now(), context.chat
    account: Fields = {"kind": "account", "name": user.name, "here": bool(user.connections)}
    if user.registered is not None:
        account["registered"] = timestamp(user.registered)
    if user.left is not None:
        account["seen"] = timestamp(user.left)
    account["receipts"] = user.receipts
    records = [account]
    if user.away is not None:
        records.append({"kind": "away", "text": user.away[0], "since": timestamp(user.away[1])})
    if chat.moderation.muted_until(user.id, now) is not None:
        mute = chat.moderation.of(user.id).mute
        who = "operator" if mute.by_operator else "reports"
        records.append({"kind": "mute", "by": who, "until": shown(mute.until), "reason": mute.reason})
    if (ban := chat.bans.of_user(user.id, now)) is not None:
        records.append({"kind": "ban", "until": shown(ban.until), "reason": ban.reason})
    return records


def _sessions(user: User) -> list[Fields]:
    return [
        {
            "kind": "session",
            "number": device.number,
            "device": device.name,
            "address": device.address,
            "since": timestamp(device.since),
            "used": timestamp(device.used),
        }
        for device in user.devices
    ]


async def _others(context: OperatorContext, user: User) -> list[Fields]:
    """Return how the user stands to others: who is ignored, how far is read, who reported whom."""
    reports = await context.reader.ask(reports_of, user.id)
    made = [report for report in reports if report.reporter == user.id]
    conversations = user.conversations.values()
    ids = {*user.ignored, *(report.target for report in made), *(one.other for one in conversations)}
    names = await context.reader.ask(names_of, sorted(ids))
    records: list[Fields] = [{"kind": "ignored", "name": names.get(id, "?")} for id in sorted(user.ignored)]
    lobby = user.lobby
    records.append({"kind": "mark", "room": LOBBY, "read": lobby.read, "delivered": lobby.delivered})
    for one in conversations:
        with_ = {"with": names.get(one.other, "?"), "conversation": public_id(one.room.name)}
        records.append({"kind": "mark", **with_, "read": one.mark.read, "delivered": one.mark.delivered})
    for report in reports:
        whom = {"of": names.get(report.target, "?")} if report.reporter == user.id else {"of": user.name}
        records.append({"kind": "report", **whom, "at": timestamp(report.at), "reason": report.reason})
    return records


def _message(message: NewMessage) -> Fields:
    place: Fields = {"room": message.room}
    if message.recipient is not None:
        place = {"to": message.recipient_name, "conversation": public_id(message.room)}
    said = {"seq": message.seq, "at": timestamp(message.at), "from": message.name, "text": message.text}
    return {"kind": "message", **place, **said}


COMMAND = AdminCommand(
    request=Export,
    run=run,
    summary="write all that is kept of a user as JSON lines",
    examples=("tcpchat admin export bob > bob.jsonl",),
)
