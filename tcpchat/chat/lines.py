"""Events of rooms as lines of the wire: as everybody gets them, and with less of them."""

from __future__ import annotations

import orjson

from tcpchat.chat.room import public_id
from tcpchat.protocol import encode_edited, encode_message
from tcpchat.store.changes import DELETED, EDITED
from tcpchat.store.rows import EventRow
from tcpchat.times import timestamp


def event_line(event: EventRow) -> bytes:
    """Write an event of a room as it is now: a message with its current text."""
    if event.kind == EDITED:
        assert event.target is not None
        return edited_line(
            event.room, event.recipient_name, event.seq, event.at, event.name, event.target, event.text
        )
    line = message_line(event.room, event.recipient_name, event.seq, event.at, event.name, event.text)
    return line if event.edited is None else with_text(line, event.text, event.edited)


def message_line(room: str, to: str | None, seq: int, at: int, name: str, text: str) -> bytes:
    """Write a message of a room; `to` names the other user of a direct one, `at` is in ms since 1970."""
    return encode_message(public_id(room), seq, timestamp(at), name, text, to)


def edited_line(room: str, to: str | None, seq: int, at: int, name: str, target: int, text: str) -> bytes:
    """Write the event that message `target` has another text since `at`, in ms since 1970."""
    return encode_edited(public_id(room), seq, timestamp(at), name, target, text, to)


def with_text(line: bytes, text: str, at: int) -> bytes:
    """Return a message's line with the text that it has since `at`, in ms since 1970."""
    return _with(line, {"text": text, "edited": timestamp(at)})


def without_author(line: bytes) -> bytes:
    """Return what is left of an event whose author was deleted: its number and time."""
    return _with(line, {"from": DELETED, "text": ""})


def without_text(line: bytes) -> bytes:
    """Return what a user gets who ignores the author: the event's number and time, without the text."""
    return _with(line, {"text": "", "ignored": True})


def _with(line: bytes, fields: dict[str, object]) -> bytes:
    return orjson.dumps(orjson.loads(line) | fields, None, orjson.OPT_APPEND_NEWLINE)
