"""Commands about the server itself: help, status, ping, schema."""

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
        default=None, metadata=about("its form in a plain line; absent if it has none")
    )
    help: str


@attrs.frozen(kw_only=True)
class CommandInfo:
    """A command; `fields` and `examples` are set if help was asked for this command."""

    name: str
    usage: str = attrs.field(metadata=about("the form of the plain line"))
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
    """List the commands, or explain one."""

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
    """The state of the server."""

    type: ClassVar[str] = "status"
    server: str = attrs.field(metadata=about("the server's name and version"))
    uptime: float = attrs.field(metadata=about("the seconds since it was started"))
    users: int
    connections: int
    messages: int = attrs.field(metadata=about("all messages, including those from before a restart"))
    messages_per_minute: int = attrs.field(metadata=about("messages in the last 60 seconds"))
    scheduled: int = attrs.field(metadata=about("the scheduled messages of all users"))
    limits: dict[str, float] = attrs.field(
        metadata=about("the limits in force, by setting; 0 means unlimited")
    )


@attrs.frozen(kw_only=True)
class GetStatus(Request[Status]):
    """Ask for the state of the server."""

    type: ClassVar[str] = "status"


STATUS = Command(
    request=GetStatus,
    reply=Status,
    summary="show users, connections, messages, uptime, version and the limits in force",
    examples=("status", '{"type":"status"}'),
)


@attrs.frozen(kw_only=True)
class Pong(Reply):
    """The server is alive."""

    type: ClassVar[str] = "pong"
    at: str = attrs.field(metadata=AT)


@attrs.frozen(kw_only=True)
class Ping(Request[Pong]):
    """Ask whether the server answers."""

    type: ClassVar[str] = "ping"


PING = Command(
    request=Ping,
    reply=Pong,
    summary="check that the server answers, and get its time",
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
    """Ask for the JSON Schema of every line."""

    type: ClassVar[str] = "schema"


SCHEMA = Command(
    request=GetSchema,
    reply=Schema,
    summary="get the JSON Schema of every request, reply and event",
    examples=("schema", '{"type":"schema"}'),
    needs_login=False,
)
