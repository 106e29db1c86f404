"""Reading messages: history, what is unread, read markers and receipts."""

from __future__ import annotations

from typing import ClassVar

import attrs

from tcpchat.commands.command import Command, argument, flag, option, room_option, whole_number
from tcpchat.wire.base import MORE, OTHER, ROOM, Reply, Request, Unknown, about
from tcpchat.wire.events import Edited, Message, Read, Unread

MAX_COUNT = 500  # messages; the reply is one line, and the lobby keeps as many in memory


@attrs.frozen(kw_only=True)
class History(Reply):
    """What was said, oldest first."""

    type: ClassVar[str] = "history"
    room: str | None = attrs.field(
        default=None, metadata=about("the room; absent for what is unread in all of them")
    )
    username: str | None = attrs.field(default=None, metadata=OTHER)
    messages: list[Message] = attrs.field(metadata=about("as in the event"))
    first: int | None = attrs.field(
        default=None, metadata=about("the lowest number that the room still has; of one room only")
    )
    more: bool = attrs.field(metadata=about("there are more on that side; ask with `before` or `after`"))
    cursor: int | None = attrs.field(
        default=None, metadata=about("of unread ones: what `cursor` takes for the next page")
    )


@attrs.frozen(kw_only=True)
class ReadHistory(Request[History]):
    """Ask for messages of one room."""

    type: ClassVar[str] = "history"
    count: int | None = attrs.field(
        default=None, metadata=option("n", "N", f"how many at most, up to {MAX_COUNT}", whole_number)
    )
    before: int | None = attrs.field(
        default=None, metadata=option(None, "SEQ", "only those before this number", whole_number)
    )
    after: int | None = attrs.field(
        default=None, metadata=option(None, "SEQ", "the first ones after this number", whole_number)
    )
    username: str | None = attrs.field(
        default=None, metadata=option("u", "NAME", "what you and this user said to each other")
    )
    room: str | None = attrs.field(default=None, metadata=room_option())
    unread: bool = attrs.field(
        default=False, metadata=flag("only what you have not read, of all rooms or of that one")
    )
    cursor: int | None = attrs.field(
        default=None,
        metadata=option(None, "N", "with unread: the page after the one that said so", whole_number),
    )


HISTORY = Command(
    request=ReadHistory,
    reply=History,
    summary="the last messages of the lobby, or of what one user and you said to each other",
    examples=(
        "history",
        "history -n 100",
        "history --after 812",
        "history -u bob",
        "history --unread",
        '{"type":"history","count":100,"before":812}',
    ),
)


@attrs.frozen(kw_only=True)
class Log(Reply):
    """The events of a room after a number, in the order of their numbers."""

    type: ClassVar[str] = "log"
    room: str = attrs.field(metadata=ROOM)
    username: str | None = attrs.field(default=None, metadata=OTHER)
    events: list[Message | Edited | Unknown] = attrs.field(
        metadata=about("as they were sent; a message has the text that it has now")
    )
    first: int = attrs.field(metadata=about("the lowest number that the room still has"))
    more: bool = attrs.field(metadata=MORE)


@attrs.frozen(kw_only=True)
class ReadLog(Request[Log]):
    """Ask for the events of a room after a number: messages, edits, and what else lasts."""

    type: ClassVar[str] = "log"
    after: int | None = attrs.field(
        default=None,
        metadata=option(None, "SEQ", "the events after this number; else from the first", whole_number),
    )
    count: int | None = attrs.field(
        default=None, metadata=option("n", "N", f"how many at most, up to {MAX_COUNT}", whole_number)
    )
    room: str | None = attrs.field(default=None, metadata=room_option())
    username: str | None = attrs.field(
        default=None, metadata=option("u", "NAME", "the direct room with this user")
    )


LOG = Command(
    request=ReadLog,
    reply=Log,
    summary="every event of a room after a number, for programs that keep up; people want history",
    examples=("log --after 812", "log -u bob", '{"type":"log","after":812,"count":100}'),
)


@attrs.frozen(kw_only=True)
class MarkRead(Request[Read]):
    """Ask to note what you have read; it never goes back."""

    type: ClassVar[str] = "read"
    username: str | None = attrs.field(
        default=None, metadata=option("u", "NAME", "what you and this user said to each other")
    )
    room: str | None = attrs.field(default=None, metadata=room_option())
    seq: int | None = attrs.field(
        default=None, metadata=argument("SEQ", "up to this message; without it up to the last", whole_number)
    )


READ = Command(
    request=MarkRead,
    reply=Read,
    summary="note how far you have read, for `unread` and for who wrote to you",
    examples=("read", "read 812", "read -u bob", '{"type":"read","username":"bob","seq":3}'),
)


@attrs.frozen(kw_only=True)
class ListUnread(Request[Unread]):
    """Ask which conversations have unread messages."""

    type: ClassVar[str] = "unread"


UNREAD = Command(
    request=ListUnread,
    reply=Unread,
    summary="where you have not read everything, how much, and whether you were mentioned",
    examples=("unread", '{"type":"unread"}'),
)


@attrs.frozen(kw_only=True)
class ConversationInfo:
    """What you and another user said to each other, as numbers."""

    room: str = attrs.field(metadata=ROOM)
    username: str = attrs.field(metadata=about("the other, or the last name of one who is gone for good"))
    seq: int = attrs.field(metadata=about("the last message"))
    read: int = attrs.field(metadata=about("the last message that you have read"))
    delivered: int = attrs.field(metadata=about("the last one that a device of the other was given"))
    seen: int | None = attrs.field(
        default=None, metadata=about("the last one that the other has read, unless one of you does not tell")
    )


@attrs.frozen(kw_only=True)
class Conversations(Reply):
    """With whom you have talked privately."""

    type: ClassVar[str] = "conversations"
    conversations: list[ConversationInfo] = attrs.field(metadata=about("by the ids of their rooms"))
    more: bool = attrs.field(metadata=MORE)


@attrs.frozen(kw_only=True)
class ListConversations(Request[Conversations]):
    """Ask for your private conversations."""

    type: ClassVar[str] = "conversations"
    after: str | None = attrs.field(
        default=None, metadata=option(None, "ID", "only rooms whose ids sort after this one: the next page")
    )


CONVERSATIONS = Command(
    request=ListConversations,
    reply=Conversations,
    summary="with whom you talked privately, and how far each of you has read",
    examples=("conversations", '{"type":"conversations"}'),
)


@attrs.frozen(kw_only=True)
class Receipts(Reply):
    """Whether others learn what you have read, and you what they have."""

    type: ClassVar[str] = "receipts"
    on: bool


def on_or_off(text: str) -> bool:
    """Read a switch; raises ValueError that says what would be right."""
    if text.lower() not in {"on", "off"}:
        raise ValueError(f"{text[:64]!r} is neither on nor off")
    return text.lower() == "on"


@attrs.frozen(kw_only=True)
class SetReceipts(Request[Receipts]):
    """Ask whether others learn what you have read, or change it."""

    type: ClassVar[str] = "receipts"
    on: bool | None = attrs.field(
        default=None,
        metadata=argument("on|off", "change it; off: you do not learn it of others either", on_or_off),
    )


RECEIPTS = Command(
    request=SetReceipts,
    reply=Receipts,
    summary="show or change whether others learn what you have read",
    examples=("receipts", "receipts off", '{"type":"receipts","on":true}'),
)
