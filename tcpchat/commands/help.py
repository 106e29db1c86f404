"""`help`: what can be asked, or how to ask one thing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from tcpchat.commands.command import Command, argument
from tcpchat.errors import ChatError
from tcpchat.nearest import nearest
from tcpchat.protocol import Help as HelpReply
from tcpchat.protocol import Request

if TYPE_CHECKING:
    from tcpchat.chat.context import Context


@attrs.frozen(kw_only=True)
class Help(Request):
    """Ask which commands there are, or about one of them."""

    type: ClassVar[str] = "help"
    command: str | None = attrs.field(
        default=None, metadata=argument("COMMAND", "the command to explain in detail")
    )


def run(context: Context, request: Help) -> HelpReply:
    return explain(request.command)


def explain(word: str | None) -> HelpReply:
    """Return the list of commands, or one in detail. Raises ChatError `unknown-command`."""
    from tcpchat.commands import BY_NAME, COMMANDS  # the registry imports this module

    if word is None:
        return HelpReply(commands=[_line(command) for command in COMMANDS])
    name = word.lstrip("/\\").lower()
    command = BY_NAME.get(name)
    if command is None:
        near = nearest(name, BY_NAME)
        guess = f"; did you mean {near}?" if near else ""
        raise ChatError("unknown-command", f"there is no command {word[:64]!r}{guess}", suggestion=near)
    fields = [_field(field) for field in attrs.fields(command.request)]
    return HelpReply(commands=[_line(command) | {"fields": fields, "examples": list(command.examples)}])


def _field(field: attrs.Attribute[Any]) -> dict[str, Any]:
    """Describe a field: in JSON by `name`, in a plain line as in `plain` if it can be there."""
    described = {"name": field.name, "required": field.default is attrs.NOTHING}
    grammar = field.metadata.get("grammar")
    if grammar is not None:
        described["plain"] = grammar.written(field.name)
    return described | {"help": field.metadata["help"]}


def _line(command: Command[Any]) -> dict[str, Any]:
    return {"name": command.name, "usage": command.usage, "summary": command.summary}


COMMAND = Command(
    request=Help,
    run=run,
    summary="list the commands, or explain one",
    examples=("help", "help send", '{"type":"help","command":"send"}'),
    free=True,
)
