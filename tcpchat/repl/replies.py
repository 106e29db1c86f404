"""How replies look. Pure; see `render` for events."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
from tcpchat.repl.clean import clean, clean_line
from tcpchat.repl.look import (
    GAP,
    NARROWEST,
    Fragments,
    Look,
    hang,
    hour,
    local_time,
    moment,
    name_style,
    plain,
)
from tcpchat.repl.render import day, message, notice, refusal
from tcpchat.repl.wrap import columns
from tcpchat.times import format_span


def reply(reply: Reply, look: Look) -> Fragments:
    """Return what the server answered; nothing for a `sent`, since the message itself shows it."""
    return _REPLIES.get(type(reply), _unknown)(reply, look)


def _unknown(reply: Any, look: Look) -> Fragments:
    """Name the type of a reply of a later version."""
    fields = getattr(reply, "fields", {})
    return notice(f"the server answered with {fields.get('type') or getattr(reply, 'type', '?')}", look)


def _get(item: object, name: str) -> Any:
    """Return a field of an item of a list, which is an object or, as it came, a mapping."""
    return item.get(name) if isinstance(item, Mapping) else getattr(item, name, None)


def _as_message(item: object) -> Message:
    if isinstance(item, Message):
        return item
    to = _get(item, "to")
    return Message(
        seq=0,
        at=str(_get(item, "at")),
        sender=str(_get(item, "from") or "?"),
        text=str(_get(item, "text") or ""),
        to=None if to is None else str(to),
    )


def _users(reply: Users, look: Look) -> Fragments:
    count = len(reply.users)
    fragments = _title("1 user" if count == 1 else f"{count} users", look)
    muted = [user for user in reply.users if _get(user, "muted_until")]
    heard = [user for user in reply.users if not _get(user, "muted_until")]
    for users in (heard, muted):
        fragments += _in_columns([_user_cell(user, look) for user in users], look)
    if reply.more and reply.users:
        fragments += notice(f"there are more: users --after {_get(reply.users[-1], 'name')}", look)
    return fragments


def _user_cell(user: object, look: Look) -> Fragments:
    name = str(_get(user, "name"))
    cell = [
        (name_style(name, look.me), clean_line(name)),
        ("class:time", f" {moment(_get(user, 'since'), look)}"),
    ]
    if muted := _get(user, "muted_until"):
        cell.append(("class:error", f" muted until {moment(muted, look)}"))
    return cell


def _in_columns(cells: Sequence[Fragments], look: Look) -> Fragments:
    """Set cells side by side, as many in a line as fit, in columns of one width."""
    sizes = [columns(plain(cell)) for cell in cells]
    widest = max(sizes, default=0) + len(GAP)
    across = max(1, look.width // widest)
    fragments: Fragments = []
    for i, (cell, size) in enumerate(zip(cells, sizes, strict=True), 1):
        if i % across == 0 or i == len(cells):
            fragments += hang(cell[:-1], *cell[-1], look)
        else:
            fragments += [*cell, ("", " " * (widest - size))]
    return fragments


def history(reply: History, look: Look, *, newer: bool = False) -> Fragments:
    """Return messages under their days; `newer` if it was asked for those after some number."""
    fragments: Fragments = []
    today = None
    for said in map(_as_message, reply.messages):
        time = local_time(said.at, look.zone)
        if time is not None and time.date() != today:
            today = time.date()
            fragments += day(today, look)
        fragments += message(said, look)
    if not reply.messages:
        fragments += notice("nothing was said", look)
    elif reply.more:
        end, option = (-1, "--after") if newer else (0, "--before")
        whose = f" -u {reply.username}" if reply.username else ""
        seq = _get(reply.messages[end], "seq")
        fragments += notice(f"there is more: history{whose} {option} {seq}", look)
    return fragments


def _schedule(reply: Schedule, look: Look) -> Fragments:
    if not reply.messages:
        return notice("nothing is scheduled", look)
    fragments: Fragments = []
    for item in reply.messages:
        head = [
            ("class:title", f"{clean_line(str(_get(item, 'number'))):>3}{GAP}"),
            ("class:time", f"{moment(_get(item, 'at'), look)} "),
            ("class:private" if _get(item, "username") else "class:dim", f"{_where(item)}{GAP}"),
        ]
        fragments += hang(head, "", clean(str(_get(item, "text") or "")), look)
    if reply.more:
        fragments += notice(f"there are more: scheduled --after {_get(reply.messages[-1], 'number')}", look)
    return fragments


def _where(item: object) -> str:
    return "→ " + clean_line(str(_get(item, "username") or _get(item, "room") or "?"))


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
        ("up", format_span(reply.uptime)),
        ("users", f"{reply.users} with {reply.connections} connections"),
        ("messages", f"{reply.messages}, {reply.messages_per_minute} in the last minute"),
        ("scheduled", str(reply.scheduled)),
        *(
            (name.replace("_", " "), f"{limit:,.10g}" if limit else "unlimited")
            for name, limit in reply.limits.items()
        ),
    ]
    return _rows(rows, look)


def _help(reply: Help, look: Look) -> Fragments:
    """Return usage and summary of each command; with fields and examples where there are some."""
    fragments = _rows(
        [(_text(command, "usage"), _text(command, "summary")) for command in reply.commands], look
    )
    for command in reply.commands:
        if fields := command.get("fields"):
            rows = [
                (str(field.get("plain") or f"{field.get('name')} (JSON)"), _text(field, "help"))
                for field in fields
            ]
            fragments += _title("fields", look) + _rows(rows, look)
        if examples := command.get("examples"):
            fragments += _title("examples", look)
            for example in examples:
                fragments += hang([("", GAP)], "class:usage", clean_line(str(example)), look)
    return fragments


def _text(item: Mapping[str, Any], name: str) -> str:
    return str(item.get(name) or "")


def _rows(rows: Sequence[tuple[str, str]], look: Look) -> Fragments:
    """Set pairs in two columns; where the left one is too wide, the right one goes below it."""
    cleaned = [(clean_line(left), clean_line(right)) for left, right in rows]
    limit = max(look.width, NARROWEST) // 3 - len(GAP) * 2
    column = max((size for left, _ in cleaned if (size := columns(left)) <= limit), default=0)
    blank = [("", " " * (column + len(GAP) * 2))]
    fragments: Fragments = []
    for left, right in cleaned:
        missing = column - columns(left)
        if missing >= 0:
            head = [("", GAP), ("class:usage", left), ("", " " * missing + GAP)]
            fragments += hang(head, "", right, look)
        else:
            fragments += hang([("", GAP)], "class:usage", left, look) + hang(blank, "", right, look)
    return fragments


def _title(text: str, look: Look) -> Fragments:
    return hang([], "class:title", text, look)


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
