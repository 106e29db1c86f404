"""Sentences and tables for the replies to the operator. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

from tcpchat.address import owner_network
from tcpchat.repl.view.clean import clean_line
from tcpchat.repl.view.widths import columns

Line = dict[str, Any]
FOREVER = "9999"  # the year of an end that never comes


def sentence(reply: Line) -> str:
    """Return the sentence for a reply that is not a list."""
    said = _SENTENCES[reply["type"]](reply)
    return f"{said}\nThe password is {reply['password']}" if "password" in reply else said


def _created(reply: Line) -> str:
    return f"{reply['user']} is registered and can log in."


def _password_reset(reply: Line) -> str:
    return f"{reply['user']} has a new password; {_count(reply['sessions'], 'session')} ended."


def _banned(reply: Line) -> str:
    whom = reply.get("user") or reply["address"]
    lines = [f"{whom} is banned {_until(reply)}; {_count(reply['ended'], 'connection')} ended."]
    if reply["addresses"]:
        # With IPv6 whoever has one address usually has the whole network.
        lines.append(f"{whom} can return as another guest unless the address is banned too:")
        lines += [f"  tcpchat admin ban {owner_network(address)}" for address in reply["addresses"]]
    return "\n".join(lines)


def _unbanned(reply: Line) -> str:
    return f"{clean_line(reply['target'])} is no longer banned."


def _muted(reply: Line) -> str:
    return f"{reply['user']} is muted {_until(reply)}: may read but not send."


def _unmuted(reply: Line) -> str:
    return f"{reply['user']} may send again."


def _exported(reply: Line) -> str:
    return f"{_count(reply['records'], 'record')} of {reply['user']}."


def _deleted(reply: Line) -> str:
    return f"{reply['user']} is deleted; {_count(reply['ended'], 'connection')} ended."


def _backed_up(reply: Line) -> str:
    what = f"{_count(reply['bytes'], 'byte')}, {_count(reply['messages'], 'message')}"
    return f"{clean_line(reply['file'])}: {what}, the lobby up to number {reply['seq']}."


def _restored(reply: Line) -> str:
    lines = [f"{_count(reply['messages'], 'message')} restored, the lobby up to number {reply['seq']}."]
    if "before" in reply:
        lines.append(f"The old data is in {clean_line(reply['before'])}")
    return "\n".join(lines)


_SENTENCES: Final[dict[str, Callable[[Line], str]]] = {
    "created": _created,
    "password-reset": _password_reset,
    "banned": _banned,
    "unbanned": _unbanned,
    "muted": _muted,
    "unmuted": _unmuted,
    "exported": _exported,
    "deleted": _deleted,
    "backed-up": _backed_up,
    "restored": _restored,
}


def users(rows: list[Line]) -> str:
    """Return the table of users."""
    return _table(
        ("NAME", "REGISTERED", "LAST SEEN", "SESSIONS", ""),
        [
            (
                row["name"],
                _time(row["registered"]) if "registered" in row else "guest",
                "here" if row["here"] else _time(row["seen"]) if "seen" in row else "never",
                str(row["sessions"]),
                ", ".join(_against(row)),
            )
            for row in rows
        ],
    )


def _against(row: Line) -> Iterator[str]:
    for what in ("muted", "banned"):
        if until := row.get(f"{what}_until"):
            yield f"{what} {'permanently' if until.startswith(FOREVER) else 'until ' + _time(until)}"


def bans(rows: list[Line]) -> str:
    """Return the table of bans."""
    return _table(
        ("BANNED", "UNTIL", "REASON"),
        [
            (
                row.get("user") or row["address"],
                _time(row["until"]) if "until" in row else "never",
                clean_line(row.get("reason", "")),
            )
            for row in rows
        ],
    )


TABLES: Final[dict[str, Callable[[list[Line]], str]]] = {"users": users, "bans": bans}
"""Tables by the name of their rows in the reply."""


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    widths = [max(columns(row[i]) for row in (head, *rows)) for i in range(len(head))]
    return "\n".join(
        "  ".join(
            cell + " " * (width - columns(cell)) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in (head, *rows)
    )


def _until(reply: Line) -> str:
    return f"until {_time(reply['until'])}" if "until" in reply else "permanently"


def _time(at: str) -> str:
    """Write a point in time for people."""
    return f"{at[:16].replace('T', ' ')} UTC"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
