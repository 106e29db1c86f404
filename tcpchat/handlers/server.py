"""Handlers for the server itself: help, status, a sign of life, the schema."""

from __future__ import annotations

from functools import cache

import attrs

from tcpchat.chat.context import Context
from tcpchat.commands.server import HELP, PING, SCHEMA, STATUS
from tcpchat.handlers.registry import handles
from tcpchat.protocol import (
    EVENTS,
    REPLIES,
    REQUESTS,
    GetHelp,
    GetSchema,
    GetStatus,
    Help,
    Ping,
    Pong,
    Schema,
    Status,
    explain,
    schema,
)
from tcpchat.times import timestamp


@handles(HELP)
async def help_(caller: Context, request: GetHelp) -> Help:
    return explain(request.command)


@handles(STATUS)
async def status(caller: Context, request: GetStatus) -> Status:
    chat = caller.chat
    now = chat.clock.monotonic()
    limits = attrs.asdict(chat.settings.limits) | {
        "connections": chat.places.total,
        "reports_to_mute": chat.settings.rules.reports_to_mute,
        "mute_seconds": chat.settings.rules.mute_seconds,
    }
    return Status(
        server=chat.server,
        uptime=round(now - chat.started, 3),
        users=chat.hub.user_count(),
        connections=chat.places.taken,
        messages=chat.messages,
        messages_per_minute=chat.meter.last_minute(now),
        scheduled=len(chat.schedule),
        limits=limits,
    )


@handles(PING)
async def ping(caller: Context, request: Ping) -> Pong:
    return Pong(at=timestamp(caller.now()))


@handles(SCHEMA)
async def schema_(caller: Context, request: GetSchema) -> Schema:
    return _schema()


@cache
def _schema() -> Schema:
    return Schema(schema=schema(REQUESTS, REPLIES, EVENTS))
