"""The registry of commands, in the order in which `help` lists them."""

from __future__ import annotations

from typing import Any, Final

from tcpchat.commands import (
    membership,
    messages,
    moderation,
    named_rooms,
    profile,
    rooms,
    server,
    sessions,
)
from tcpchat.commands.command import Command
from tcpchat.wire.base import Reply, Request
from tcpchat.wire.events import Error

COMMANDS: Final[tuple[Command[Any, Any], ...]] = (
    server.HELP,
    messages.SEND,
    messages.EDIT,
    rooms.HISTORY,
    rooms.LOG,
    profile.USERS,
    profile.RENAME,
    sessions.REGISTER,
    sessions.LOGIN,
    profile.AWAY,
    profile.BACK,
    profile.WHOIS,
    profile.IGNORE,
    profile.UNIGNORE,
    named_rooms.ROOMS,
    named_rooms.CREATE,
    named_rooms.JOIN,
    membership.LEAVE,
    membership.MEMBERS,
    membership.INVITE,
    membership.INVITES,
    membership.DECLINE,
    named_rooms.TOPIC,
    membership.ROLE_COMMAND,
    membership.REMOVE,
    named_rooms.CLOSE,
    rooms.READ,
    rooms.UNREAD,
    rooms.CONVERSATIONS,
    rooms.RECEIPTS,
    messages.SCHEDULED,
    messages.CANCEL,
    moderation.REPORT,
    sessions.RESUME,
    sessions.SESSIONS,
    sessions.REVOKE,
    sessions.PASSWORD,
    sessions.LOGOUT,
    server.STATUS,
    server.PING,
    server.SCHEMA,
    sessions.EXIT,
)
BY_NAME: Final = {command.name: command for command in COMMANDS}
REQUESTS: Final[tuple[type[Request], ...]] = tuple(command.request for command in COMMANDS)
REPLIES: Final[tuple[type[Reply], ...]] = tuple(
    dict.fromkeys(
        [Error, *(reply for command in COMMANDS for reply in (command.reply, *command.other_replies))]
    )
)
