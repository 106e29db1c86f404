"""The server itself: its commands, its state, the shape of its lines."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs

from tcpchat.commands.command import Command, argument
from tcpchat.wire.base import AT, Reply, Request, about


@attrs.frozen(kw_only=True)
class FieldInfo:
    """A field of a request."""

    name: str = attrs.field(metadata=about("in JSON"))
    required: bool
    plain: str | None = attrs.field(
        default=None, metadata=about("how a plain line gives it; absent if it cannot")
    )
    help: str


@attrs.frozen(kw_only=True)
class CommandInfo:
    """A command; `fields` and `examples` are there if help was asked for this one."""

    name: str
    usage: str = attrs.field(metadata=about("the plain line"))
    summary: str
    fields: list[FieldInfo] | None = None
    examples: list[str] | None = None


@attrs.frozen(kw_only=True)
class Help(Reply):
    """All commands with usage and summary; or one, with its fields and examples too."""

    type: ClassVar[str] = "help"
    commands: list[CommandInfo]


@attrs.frozen(kw_only=True)
class GetHelp(Request[Help]):
    """Ask which commands there are, or about one of them."""

    type: ClassVar[str] = "help"
    command: str | None = attrs.field(
        default=None, metadata=argument("COMMAND", "the command to explain in detail")
    )


HELP = Command(
    request=GetHelp,
    reply=Help,
    summary="list the commands, or explain one",
    examples=("help", "help send", '{"type":"help","command":"send"}'),
    needs_login=False,
)


@attrs.frozen(kw_only=True)
class Status(Reply):
    """How the server is."""

    type: ClassVar[str] = "status"
    server: str = attrs.field(metadata=about("the server's name and version"))
    uptime: float = attrs.field(metadata=about("seconds since it was started"))
    users: int
    connections: int
    messages: int = attrs.field(metadata=about("messages in all, those before a restart too"))
    messages_per_minute: int = attrs.field(metadata=about("messages in the last 60 seconds"))
    scheduled: int = attrs.field(metadata=about("messages that are scheduled, of all users"))
    limits: dict[str, float] = attrs.field(metadata=about("the limits in force, by setting; 0: unlimited"))


@attrs.frozen(kw_only=True)
class GetStatus(Request[Status]):
    """Ask how the server is."""

    type: ClassVar[str] = "status"


STATUS = Command(
    request=GetStatus,
    reply=Status,
    summary="users and connections now, messages, uptime, version and the limits in force",
    examples=("status", '{"type":"status"}'),
)


@attrs.frozen(kw_only=True)
class Pong(Reply):
    """The server is alive."""

    type: ClassVar[str] = "pong"
    at: str = attrs.field(metadata=AT)


@attrs.frozen(kw_only=True)
class Ping(Request[Pong]):
    """Ask for a sign of life."""

    type: ClassVar[str] = "ping"


PING = Command(
    request=Ping,
    reply=Pong,
    summary="a sign of life, with the server's time",
    examples=("ping", '{"type":"ping"}'),
    needs_login=False,
)


@attrs.frozen(kw_only=True)
class Schema(Reply):
    """JSON Schema (2020-12) of every line."""

    type: ClassVar[str] = "schema"
    schema: dict[str, Any]


@attrs.frozen(kw_only=True)
class GetSchema(Request[Schema]):
    """Ask for the shape of every line."""

    type: ClassVar[str] = "schema"


SCHEMA = Command(
    request=GetSchema,
    reply=Schema,
    summary="JSON Schema of every request, reply and event",
    examples=("schema", '{"type":"schema"}'),
    needs_login=False,
)
