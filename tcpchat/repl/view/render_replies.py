"""Rendering of replies. Pure; `render` has events, and `render_people` what is about people."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

import attrs
import orjson

from tcpchat.link.paging import next_page
from tcpchat.protocol import (
    Bye,
    Cancelled,
    Edited,
    Error,
    Help,
    History,
    Log,
    Message,
    Pong,
    ReadLog,
    Renamed,
    Reply,
    Reported,
    Schedule,
    Scheduled,
    Schema,
    Sent,
    Status,
    Unknown,
    UserInfo,
    Users,
)
from tcpchat.repl.model.place import Place
from tcpchat.repl.view import render_people, render_rooms
from tcpchat.repl.view.clean import clean, clean_line
from tcpchat.repl.view.render import day, message, notice, refusal
from tcpchat.repl.view.render_rooms import RoomEvent
from tcpchat.repl.view.text import (
    GAP,
    Fragments,
    Look,
    counted,
    hang,
    hour,
    in_columns,
    in_rows,
    local_time,
    moment,
    name_style,
    titled,
)
from tcpchat.times import format_duration

SECRETS = ("token", "password")
"""Fields that are not shown whatever the reply."""


def reply(reply: Reply, look: Look) -> Fragments:
    """Return a reply of the server; nothing for a `sent`, since the message itself is shown."""
    return _RENDERERS.get(type(reply), by_fields)(reply, look)


def by_fields(reply: Reply, look: Look) -> Fragments:
    """Return type and fields of a reply that has no rendering of its own, but nothing secret.

    That is one of a later server, or of a command whose fields say all that there is to say.
    """
    if isinstance(reply, Unknown):
        fields = {name: value for name, value in reply.fields.items() if name not in SECRETS}
    else:
        shown = (attribute for attribute in attrs.fields(type(reply)) if attribute.repr)
        fields = {"type": reply.type} | {one.name: getattr(reply, one.name) for one in shown}
    title = notice(f"the server answered with {fields.pop('type', '?')}", look)
    return title + in_rows(
        [(name, _value(value)) for name, value in fields.items() if value is not None], look
    )


def _value(value: object) -> str:
    return value if isinstance(value, str) else orjson.dumps(value, default=repr).decode()


def _users(reply: Users, look: Look) -> Fragments:
    fragments = titled(counted(len(reply.users), "user"), look)
    marked = [user for user in reply.users if _needs_line(user)]
    others = [user for user in reply.users if not _needs_line(user)]
    fragments += in_columns([_user_cell(user, look) for user in others], look)
    for user in marked:
        *head, (style, text) = _user_cell(user, look)
        fragments += hang(head, style, text, look)
    if reply.more and reply.users:
        fragments += notice(f"there are more: /users --after {reply.users[-1].name}", look)
    return fragments


def _needs_line(user: UserInfo) -> bool:
    """Return whether so much is shown of a user that it takes a line."""
    return bool(user.muted_until) or user.away is not None


def _user_cell(user: UserInfo, look: Look) -> Fragments:
    cell = [
        (name_style(user.name, look.me), clean_line(user.name)),
        ("class:time", f" {moment(user.since, look)}"),
    ]
    if user.registered:
        cell.append(("class:dim", " registered"))
    if user.muted_until:
        cell.append(("class:error", f" muted until {moment(user.muted_until, look)}"))
    if user.away is not None:
        cell.append(("class:notice", f" away: {clean_line(user.away)}" if user.away else " away"))
    return cell


def history(reply: History, look: Look, *, newer: bool = False) -> Fragments:
    """Return messages under their days, without those of users that you ignore.

    `newer` if those after some number were requested.
    """
    fragments = _under_days(reply.messages, look)
    if not reply.messages:
        fragments += notice("no messages", look)
    elif reply.more:
        where = _place_option(Place(reply.room, reply.username), look)
        if reply.cursor is not None:
            options = f" --unread{where} --cursor {reply.cursor}"
        elif newer:
            options = f"{where} --after {reply.messages[-1].seq}"
        else:
            options = f"{where} --before {reply.messages[0].seq}"
        fragments += notice(f"there are more: /history{options}", look)
    return fragments


def _log(reply: Log, look: Look) -> Fragments:
    """Return messages and edits with their numbers, under their days, without those of ignored users."""
    events = [event for event in reply.events if not isinstance(event, Unknown)]
    fragments = _under_days(events, look, numbered=True)
    if not reply.events:
        fragments += notice("no events", look)
    following = next_page(ReadLog(), reply)
    if following is not None:
        where = _place_option(Place(reply.room, reply.username), look)
        fragments += notice(f"there are more: /log{where} --after {following.after}", look)
    return fragments


def _under_days(
    events: Iterable[Message | Edited | RoomEvent], look: Look, *, numbered: bool = False
) -> Fragments:
    fragments: Fragments = []
    today = None
    for event in events:
        if isinstance(event, Message | Edited) and event.ignored:
            continue
        time = local_time(event.at, look.zone)
        if time is not None and time.date() != today:
            today = time.date()
            fragments += day(today, look)
        if isinstance(event, Message | Edited):
            fragments += message(event, look, numbered=numbered)
        else:
            fragments += render_rooms.event(event, look, numbered=numbered)
    return fragments


def _place_option(place: Place, look: Look) -> str:
    """Return the option of a command that names a place, if it is another than that of the prompt."""
    if place.user is not None:
        return f" -u {place.user}"
    return f" -r {place.room}" if place.room is not None and not place.is_at(look.place) else ""


def _schedule(reply: Schedule, look: Look) -> Fragments:
    if not reply.messages:
        return notice("nothing is scheduled", look)
    fragments: Fragments = []
    for one in reply.messages:
        place = Place(one.room, one.username)
        head = [
            ("class:title", f"{one.number:>3}{GAP}"),
            ("class:time", f"{moment(one.at, look)} "),
            ("class:private" if place.is_direct else "class:dim", f"{_arrow(place)}{GAP}"),
        ]
        fragments += hang(head, "", clean(f"* {one.text}" if one.action else one.text), look)
    if reply.more:
        fragments += notice(f"there are more: /scheduled --after {reply.messages[-1].number}", look)
    return fragments


def _arrow(place: Place) -> str:
    return f"→ {clean_line(place.name)}"


def _scheduled(reply: Scheduled, look: Look) -> Fragments:
    where = _arrow(Place(reply.room, reply.username))
    stop = f"/cancel {reply.number} stops it"
    return notice(f"{moment(reply.at, look)} {where}: scheduled as {reply.number}; {stop}", look)


def _cancelled(reply: Cancelled, look: Look) -> Fragments:
    return notice(f"cancelled {reply.number}: {reply.text}", look)


def _reported(reply: Reported, look: Look) -> Fragments:
    muted = f"; muted until {moment(reply.muted_until, look)}" if reply.muted_until else ""
    return notice(f"{reply.username} was reported: {counted(reply.reports, 'report')}{muted}", look)


def _status(reply: Status, look: Look) -> Fragments:
    rows = [
        ("server", reply.server),
        ("up", format_duration(reply.uptime)),
        ("users", f"{reply.users} with {counted(reply.connections, 'connection')}"),
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
    fragments = in_rows([(f"/{command.usage}", command.summary) for command in reply.commands], look)
    for command in reply.commands:
        if command.fields:
            rows = [(field.plain or f"{field.name} (JSON)", field.help) for field in command.fields]
            fragments += titled("fields", look) + in_rows(rows, look)
        if command.examples:
            fragments += titled("examples", look)
            for example in command.examples:
                line = example if example.startswith("{") else f"/{example}"
                fragments += hang([("", GAP)], "class:usage", clean_line(line), look)
    return fragments


def _schema(reply: Schema, look: Look) -> Fragments:
    text = orjson.dumps(reply.schema, option=orjson.OPT_INDENT_2, default=repr).decode()
    return hang([], "", clean(text), look)


def _pong(reply: Pong, look: Look) -> Fragments:
    return notice(f"pong; the server's clock says {hour(reply.at, look)}", look)


def _renamed(reply: Renamed, look: Look) -> Fragments:
    return notice(f"you are now {reply.new}", look)


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
    Log: _log,
    Reported: _reported,
    Status: _status,
    Help: _help,
    Schema: _schema,
    Pong: _pong,
    Bye: _bye,
    Error: refusal,
}
_RENDERERS: Final = {**_REPLIES, **render_people.REPLIES, **render_rooms.REPLIES}
