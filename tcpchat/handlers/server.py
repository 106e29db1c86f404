"""Handlers for questions about the server: help, status, ping, schema."""

from __future__ import annotations

from functools import cache

import attrs

from tcpchat.commands import server as commands
from tcpchat.handlers.caller import Caller
from tcpchat.handlers.registry import handles
from tcpchat.protocol import EVENTS, REPLIES, REQUESTS, Help, Pong, Schema, Status, explain, schema
from tcpchat.times import timestamp


@handles(commands.HELP)
async def help_(caller: Caller, request: commands.GetHelp) -> Help:
    return explain(request.command)


@handles(commands.STATUS)
async def status(caller: Caller, request: commands.GetStatus) -> Status:
    state = caller.state
    now = state.clock.monotonic()
    limits = attrs.asdict(state.settings.limits) | {
        "connections": state.slots.total,
        "reports_to_mute": state.settings.rules.reports_to_mute,
        "mute_seconds": state.settings.rules.mute_seconds,
    }
    return Status(
        server=state.server,
        uptime=round(now - state.started, 3),
        users=len(state.presence),
        connections=state.slots.taken,
        messages=state.messages,
        messages_per_minute=state.meter.last_minute(now),
        scheduled=len(state.schedule),
        limits=limits,
    )


@handles(commands.PING)
async def ping(caller: Caller, request: commands.Ping) -> Pong:
    return Pong(at=timestamp(caller.now()))


@handles(commands.SCHEMA)
async def schema_(caller: Caller, request: commands.GetSchema) -> Schema:
    return _schema()


@cache
def _schema() -> Schema:
    return Schema(schema=schema(REQUESTS, REPLIES, EVENTS))
