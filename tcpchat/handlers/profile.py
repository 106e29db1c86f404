"""Handlers for users as others see them: names, who is here, who is away, who ignores whom."""

from __future__ import annotations

from tcpchat.chat.context import Context
from tcpchat.chat.entry import Entry
from tcpchat.chat.user import User
from tcpchat.commands.profile import AWAY, BACK, IGNORE, RENAME, UNIGNORE, USERS, WHOIS
from tcpchat.handlers.registry import Outcome, handles
from tcpchat.protocol import (
    Back,
    ClearAway,
    EncodedReply,
    Ignore,
    Ignoring,
    ListUsers,
    Lookup,
    Rename,
    Renamed,
    SetAway,
    Unignore,
    Users,
    Whois,
    encode_part,
    page,
    reply_with,
)

PAGE = 1000  # users in one reply, which takes a millisecond


@handles(USERS)
async def users(caller: Context, request: ListUsers) -> EncodedReply[Users]:
    now = caller.now()
    muted_until = caller.chat.moderation.muted_until
    found = caller.chat.hub.users(request.after or "", PAGE + 1)
    parts = (
        user.describe() if (until := muted_until(user.id, now)) is None else _muted(user, until)
        for user in found[:PAGE]
    )
    shown, more = page(parts)
    return reply_with(Users, users=shown, more=more or len(found) > PAGE)


def _muted(user: User, until: int) -> bytes:
    return encode_part(user.info(muted_until=until))


@handles(RENAME)
async def rename(caller: Context, request: Rename) -> Outcome[Renamed]:
    return caller.rename(request.name)


@handles(AWAY)
async def away(caller: Context, request: SetAway) -> Entry:
    return caller.relations.away(request.text or "")


@handles(BACK)
async def back(caller: Context, request: ClearAway) -> Outcome[Back]:
    return caller.relations.back()


@handles(WHOIS)
async def whois(caller: Context, request: Lookup) -> Whois:
    return await caller.relations.whois(request.name)


@handles(IGNORE)
async def ignore(caller: Context, request: Ignore) -> Outcome[Ignoring]:
    return await caller.relations.ignore(request.name)


@handles(UNIGNORE)
async def unignore(caller: Context, request: Unignore) -> Outcome[Ignoring]:
    return await caller.relations.unignore(request.name)
