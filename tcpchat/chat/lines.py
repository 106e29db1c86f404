"""Events of rooms as lines of the wire: as everybody gets them, and with less of them."""

from __future__ import annotations

import orjson

from tcpchat.chat.roles import ROLES
from tcpchat.chat.room import public_id
from tcpchat.protocol import Edited, MemberChanged, RoomClosed, TopicChanged, encode
from tcpchat.store.changes import DELETED, EDITED, MESSAGE, EditMessage, NewMessage
from tcpchat.store.room_changes import CLOSED, TOPIC, NewRoomEvent
from tcpchat.store.rows import EventRow
from tcpchat.times import timestamp


def event_line(event: EventRow) -> bytes:
    """Write an event of a room as it is now: a message with its current text."""
    if event.kind == EDITED:
        return edited_line(event)
    if event.kind != MESSAGE:
        return room_event_line(event)
    line = message_line(event)
    return line if event.edited is None else with_text(line, event.text, event.edited)


def message_line(message: NewMessage | EventRow) -> bytes:
    """Write a message as everybody gets it who is there when it is sent.

    It is the line of a `Message`, without making one, since a busy server writes no line more often.
    """
    room, at = public_id(message.room), timestamp(message.at)
    seq, name, to, text = message.seq, message.name, message.recipient_name, message.text
    line: dict[str, object]
    if to is None:
        line = {"type": "message", "room": room, "seq": seq, "at": at, "from": name, "text": text}
    else:
        line = {"type": "message", "room": room, "to": to, "seq": seq, "at": at, "from": name, "text": text}
    if message.action:
        line["action"] = True
    return orjson.dumps(line, None, orjson.OPT_APPEND_NEWLINE)


def is_action(line: bytes) -> bool:
    """Return whether the line of a message is one of an action."""
    return "action" in orjson.loads(line)


def edited_line(edit: EditMessage | EventRow) -> bytes:
    """Write the event that a message has another text."""
    assert edit.target is not None
    return encode(
        Edited(
            room=public_id(edit.room),
            to=edit.recipient_name,
            seq=edit.seq,
            at=timestamp(edit.at),
            sender=edit.name,
            target=edit.target,
            text=edit.text,
            action=bool(edit.action) or None,
        )
    )


def room_event_line(event: NewRoomEvent | EventRow) -> bytes:
    """Write an event of a room that is neither a message nor an edit."""
    room, seq, at, sender = event.room, event.seq, timestamp(event.at), event.name
    if event.kind == TOPIC:
        return encode(TopicChanged(room=room, seq=seq, at=at, sender=sender, text=event.text))
    if event.kind == CLOSED:
        return encode(RoomClosed(room=room, seq=seq, at=at, sender=sender))
    change = event.change or ""
    is_role = change in ROLES
    return encode(
        MemberChanged(
            room=room,
            seq=seq,
            at=at,
            sender=sender,
            username=event.recipient_name or DELETED,
            change="role" if is_role else change,
            role=change if is_role else None,
            reason=event.text or None,
        )
    )


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
