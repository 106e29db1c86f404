"""`schema`: the shape of every line, for programs."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, ClassVar

import attrs

from tcpchat.commands.command import Command
from tcpchat.protocol import Request, schema
from tcpchat.protocol import Schema as SchemaReply

if TYPE_CHECKING:
    from tcpchat.chat.context import Context


@attrs.frozen(kw_only=True)
class Schema(Request):
    """Ask for the shape of every line."""

    type: ClassVar[str] = "schema"


def run(context: Context, request: Schema) -> SchemaReply:
    return _reply()


@cache
def _reply() -> SchemaReply:
    from tcpchat.commands import COMMANDS  # the registry imports this module

    return SchemaReply(schema=schema(command.request for command in COMMANDS))


COMMAND = Command(
    request=Schema,
    run=run,
    summary="JSON Schema of every request, reply and event",
    examples=("schema", '{"type":"schema"}'),
    free=True,
)
