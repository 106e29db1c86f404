"""The text of `help`, made from the registry, so that a client can show it without the server."""

from __future__ import annotations

from typing import Any

import attrs

from tcpchat.commands.command import Command
from tcpchat.commands.registry import BY_NAME, COMMANDS
from tcpchat.commands.server import CommandInfo, FieldInfo, Help
from tcpchat.errors import ChatError
from tcpchat.nearest import nearest


def explain(word: str | None) -> Help:
    """Return the list of commands, or one in detail. Raises ChatError `unknown-command`."""
    if word is None:
        return Help(commands=[_info(command) for command in COMMANDS])
    name = word.lstrip("/\\").lower()
    command = BY_NAME.get(name)
    if command is None:
        near = nearest(name, BY_NAME)
        guess = f"; did you mean {near}?" if near else ""
        raise ChatError("unknown-command", f"there is no command {word[:64]!r}{guess}", suggestion=near)
    fields = [_field(field) for field in attrs.fields(command.request)]
    info = attrs.evolve(_info(command), fields=fields, examples=list(command.examples))
    return Help(commands=[info])


def _info(command: Command[Any, Any]) -> CommandInfo:
    return CommandInfo(name=command.name, usage=command.usage, summary=command.summary)


def _field(field: attrs.Attribute[Any]) -> FieldInfo:
    grammar = field.metadata.get("grammar")
    return FieldInfo(
        name=field.name,
        required=field.default is attrs.NOTHING,
        plain=None if grammar is None else grammar.written(field.name),
        help=field.metadata["help"],
    )
