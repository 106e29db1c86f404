"""How replies look. Pure; see `render` for events, and `about` for what is about who you are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import orjson

from tcpchat.protocol import (
    Bye,
    Cancelled,
    Error,
    Help,
    History,
    Message,
    Pong,
    Renamed,
    Reply,
    Reported,
    Schedule,
    Scheduled,
    Schema,
    Sent,
    Status,
    Users,
)
from tcpchat.repl.view import render_people as about
from tcpchat.repl.view.clean import clean, clean_line
from tcpchat.repl.view.render import day, message, notice, refusal
from tcpchat.repl.view.tables import in_columns, in_rows, titled
from tcpchat.repl.view.text import GAP, Fragments, Look, get, hang, hour, local_time, moment, name_style
from tcpchat.times import format_duration


def reply(reply: Reply, look: Look) -> Fragments:
    """Return what the server answered; nothing for a `sent`, since the message itself shows it."""
    return (_REPLIES.get(type(reply)) or about.REPLIES.get(type(reply), _unknown))(reply, look)


def _unknown(reply: Any, look: Look) -> Fragments:
    """Name the type of a reply of a later version."""
    fields = getattr(reply, "fields", {})
    return notice(f"the server answered with {fields.get('type') or getattr(reply, 'type', '?')}", look)


def _as_message(item: object) -> Message:
    if isinstance(item, Message):
        return item
    to = get(item, "to")
    return Message(
        seq=int(get(item, "seq") or 0),
        at=str(get(item, "at")),
        sender=str(get(item, "from") or "?"),
        text=str(get(item, "text") or ""),
        room=str(get(item, "room") or "?"),
        to=None if to is None else str(to),
        ignored=get(item, "ignored"),
    )


def _users(reply: Users, look: Look) -> Fragments:
    count = len(reply.users)
    fragments = titled("1 user" if count == 1 else f"{count} users", look)
    marked = [user for user in reply.users if _is_marked(user)]
    others = [user for user in reply.users if not _is_marked(user)]
    fragments += in_columns([_user_cell(user, look) for user in others], look)
    for user in marked:
        *head, (style, text) = _user_cell(user, look)
        fragments += hang(head, style, text, look)
    if reply.more and reply.users:
        fragments += notice(f"there are more: users --after {get(reply.users[-1], 'name')}", look)
    return fragments


def _is_marked(user: object) -> bool:
    """Say whether so much is to be said of a user that it takes a line."""
    return bool(get(user, "muted_until")) or get(user, "away") is not None


def _user_cell(user: object, look: Look) -> Fragments:
    name = str(get(user, "name"))
    cell = [
        (name_style(name, look.me), clean_line(name)),
        ("class:time", f" {moment(get(user, 'since'), look)}"),
    ]
    if get(user, "registered"):
        cell.append(("class:dim", " registered"))
    if muted := get(user, "muted_until"):
        cell.append(("class:error", f" muted until {moment(muted, look)}"))
    if (away := get(user, "away")) is not None:
        cell.append(("class:notice", f" away: {clean_line(str(away))}" if away else " away"))
    return cell


def history(reply: History, look: Look, *, newer: bool = False) -> Fragments:
    """Return messages under their days, but for those of whom you ignore.

    `newer` if it was asked for those after some number.
    """
    fragments: Fragments = []
    today = None
    for said in map(_as_message, reply.messages):
        if said.ignored:
            continue
        time = local_time(said.at, look.zone)
        if time is not None and time.date() != today:
            today = time.date()
            fragments += day(today, look)
        fragments += message(said, look)
    if not reply.messages:
        fragments += notice("nothing was said", look)
    elif reply.more and reply.cursor is not None:
        whose = f" -u {reply.username}" if reply.username else ""
        fragments += notice(f"there is more: history --unread{whose} --cursor {reply.cursor}", look)
    elif reply.more:
        end, option = (-1, "--after") if newer else (0, "--before")
        whose = f" -u {reply.username}" if reply.username else ""
        seq = get(reply.messages[end], "seq")
        fragments += notice(f"there is more: history{whose} {option} {seq}", look)
    return fragments


def _schedule(reply: Schedule, look: Look) -> Fragments:
    if not reply.messages:
        return notice("nothing is scheduled", look)
    fragments: Fragments = []
    for item in reply.messages:
        head = [
            ("class:title", f"{clean_line(str(get(item, 'number'))):>3}{GAP}"),
            ("class:time", f"{moment(get(item, 'at'), look)} "),
            ("class:private" if get(item, "username") else "class:dim", f"{_where(item)}{GAP}"),
        ]
        fragments += hang(head, "", clean(str(get(item, "text") or "")), look)
    if reply.more:
        fragments += notice(f"there are more: scheduled --after {get(reply.messages[-1], 'number')}", look)
    return fragments


def _where(item: object) -> str:
    return "→ " + clean_line(str(get(item, "username") or get(item, "room") or "?"))


def _scheduled(reply: Scheduled, look: Look) -> Fragments:
    when = moment(reply.at, look)
    return notice(
        f"{when} {_where(reply)}: scheduled as {reply.number}; cancel {reply.number} stops it", look
    )


def _cancelled(reply: Cancelled, look: Look) -> Fragments:
    return notice(f"cancelled {reply.number}: {reply.text}", look)


def _reported(reply: Reported, look: Look) -> Fragments:
    count = "1 report" if reply.reports == 1 else f"{reply.reports} reports"
    muted = f"; muted until {moment(reply.muted_until, look)}" if reply.muted_until else ""
    return notice(f"{reply.username} is reported: {count}{muted}", look)


def _status(reply: Status, look: Look) -> Fragments:
    rows = [
        ("server", reply.server),
        ("up", format_duration(reply.uptime)),
        ("users", f"{reply.users} with {reply.connections} connections"),
        ("messages", f"{reply.messages}, {reply.messages_per_minute} in the last minute"),
        ("scheduled", str(reply.scheduled)),
        *(
            (name.replace("_", " "), f"{limit:,.10g}" if limit else "unlimited")
            for name, limit in reply.limits.items()
        ),
    ]
    return in_rows(rows, look)


def _help(reply: Help, look: Look) -> Fragments:
    """Return usage and summary of each command; with fields and examples where there are some."""
    fragments = in_rows([(command.usage, command.summary) for command in reply.commands], look)
    for command in reply.commands:
        if command.fields:
            rows = [(field.plain or f"{field.name} (JSON)", field.help) for field in command.fields]
            fragments += titled("fields", look) + in_rows(rows, look)
        if command.examples:
            fragments += titled("examples", look)
            for example in command.examples:
                fragments += hang([("", GAP)], "class:usage", clean_line(example), look)
    return fragments


def _schema(reply: Schema, look: Look) -> Fragments:
    text = orjson.dumps(reply.schema, option=orjson.OPT_INDENT_2, default=repr).decode()
    return hang([], "", clean(text), look)


def _pong(reply: Pong, look: Look) -> Fragments:
    return notice(f"pong; the server says that it is {hour(reply.at, look)}", look)


def _renamed(reply: Renamed, look: Look) -> Fragments:
    return notice(f"you are {reply.new} now", look)


def _bye(reply: Bye, look: Look) -> Fragments:
    return notice(reply.message, look)


def _nothing(reply: Sent, look: Look) -> Fragments:
    return []


_REPLIES: Final[dict[type[Reply], Callable[[Any, Look], Fragments]]] = {
    Sent: _nothing,
    Scheduled: _scheduled,
    Schedule: _schedule,
    Cancelled: _cancelled,
    Renamed: _renamed,
    Users: _users,
    History: history,
    Reported: _reported,
    Status: _status,
    Help: _help,
    Schema: _schema,
    Pong: _pong,
    Bye: _bye,
    Error: refusal,
}
