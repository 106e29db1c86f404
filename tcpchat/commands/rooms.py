"""Commands that read rooms: history, log, unread messages, read markers, receipts."""

from __future__ import annotations

from typing import ClassVar

import attrs

from tcpchat.commands.command import Command, argument, flag, option, room_option, whole_number
from tcpchat.wire.base import DELIVERED, MORE, OTHER, ROOM, SEEN, Reply, Request, Unknown, about
from tcpchat.wire.events import Edited, Message, Read, Unread
from tcpchat.wire.room_events import MemberChanged, RoomClosed, TopicChanged

MAX_COUNT = 500  # messages; the reply is one line, and the lobby keeps as many in memory


@attrs.frozen(kw_only=True)
class History(Reply):
    """Messages, oldest first."""

    type: ClassVar[str] = "history"
    room: str | None = attrs.field(
        default=None, metadata=about("the room; absent for the unread messages of all rooms")
    )
    username: str | None = attrs.field(default=None, metadata=OTHER)
    messages: list[Message] = attrs.field(metadata=about("as in the event"))
    first: int | None = attrs.field(
        default=None, metadata=about("the lowest number that the room still has; of one room only")
    )
    more: bool = attrs.field(metadata=about("there are more in that direction; ask with `before` or `after`"))
    cursor: int | None = attrs.field(
        default=None, metadata=about("with `unread`: the `cursor` for the next page")
    )


@attrs.frozen(kw_only=True)
class ReadHistory(Request[History]):
    """Read messages of one room, or the unread ones of all rooms."""

    type: ClassVar[str] = "history"
    count: int | None = attrs.field(
        default=None, metadata=option("n", "N", f"the maximum number, up to {MAX_COUNT}", whole_number)
    )
    before: int | None = attrs.field(
        default=None, metadata=option(None, "SEQ", "only messages before this number", whole_number)
    )
    after: int | None = attrs.field(
        default=None, metadata=option(None, "SEQ", "the first messages after this number", whole_number)
    )
    username: str | None = attrs.field(
        default=None, metadata=option("u", "NAME", "the direct room with this user")
    )
    room: str | None = attrs.field(default=None, metadata=room_option())
    unread: bool = attrs.field(
        default=False, metadata=flag("only messages that you have not read, in all rooms or in the one given")
    )
    cursor: int | None = attrs.field(
        default=None,
        metadata=option(None, "N", "with `unread`: the `cursor` of the page before", whole_number),
    )


HISTORY = Command(
    request=ReadHistory,
    reply=History,
    summary="show the last messages of a room, or those that you have not read",
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
    events: list[Message | Edited | MemberChanged | TopicChanged | RoomClosed | Unknown] = attrs.field(
        metadata=about("as they were sent; a message has the text that it has now")
    )
    first: int = attrs.field(metadata=about("the lowest number that the room still has"))
    more: bool = attrs.field(metadata=MORE)


@attrs.frozen(kw_only=True)
class ReadLog(Request[Log]):
    """Read all events of a room after a number: messages, edits, and later kinds."""

    type: ClassVar[str] = "log"
    after: int | None = attrs.field(
        default=None,
        metadata=option(None, "SEQ", "only events after this number; the default is 0", whole_number),
    )
    count: int | None = attrs.field(
        default=None, metadata=option("n", "N", f"the maximum number, up to {MAX_COUNT}", whole_number)
    )
    room: str | None = attrs.field(default=None, metadata=room_option())
    username: str | None = attrs.field(
        default=None, metadata=option("u", "NAME", "the direct room with this user")
    )


LOG = Command(
    request=ReadLog,
    reply=Log,
    summary="list all events of a room after a number, for programs that keep in sync",
    examples=("log --after 812", "log -u bob", '{"type":"log","after":812,"count":100}'),
)


@attrs.frozen(kw_only=True)
class MarkRead(Request[Read]):
    """Move your read marker; it never goes back."""

    type: ClassVar[str] = "read"
    username: str | None = attrs.field(
        default=None, metadata=option("u", "NAME", "the direct room with this user")
    )
    room: str | None = attrs.field(default=None, metadata=room_option())
    seq: int | None = attrs.field(
        default=None,
        metadata=argument("SEQ", "up to this message; the default is the last one", whole_number),
    )


READ = Command(
    request=MarkRead,
    reply=Read,
    summary="mark a room as read, up to a message or to the last one",
    examples=("read", "read 812", "read -u bob", '{"type":"read","username":"bob","seq":3}'),
)


@attrs.frozen(kw_only=True)
class ListUnread(Request[Unread]):
    """List the rooms with unread messages."""

    type: ClassVar[str] = "unread"


UNREAD = Command(
    request=ListUnread,
    reply=Unread,
    summary="list the rooms with unread messages, and whether you are mentioned there",
    examples=("unread", '{"type":"unread"}'),
)


@attrs.frozen(kw_only=True)
class ConversationInfo:
    """A direct room of yours, and how far both users have read it."""

    room: str = attrs.field(metadata=ROOM)
    username: str = attrs.field(
        metadata=about("the other user, under the last name if the user no longer exists")
    )
    seq: int = attrs.field(metadata=about("the number of the last event"))
    read: int = attrs.field(metadata=about("the number of the last message that you have read"))
    delivered: int = attrs.field(metadata=DELIVERED)
    seen: int | None = attrs.field(default=None, metadata=SEEN)


@attrs.frozen(kw_only=True)
class Conversations(Reply):
    """Your private conversations."""

    type: ClassVar[str] = "conversations"
    conversations: list[ConversationInfo] = attrs.field(metadata=about("by the ids of their rooms"))
    more: bool = attrs.field(metadata=MORE)


@attrs.frozen(kw_only=True)
class ListConversations(Request[Conversations]):
    """List your private conversations."""

    type: ClassVar[str] = "conversations"
    after: str | None = attrs.field(
        default=None,
        metadata=option(None, "ID", "only rooms whose ids sort after this one, for the next page"),
    )


CONVERSATIONS = Command(
    request=ListConversations,
    reply=Conversations,
    summary="list your private conversations, and how far each side has read",
    examples=("conversations", '{"type":"conversations"}'),
)


@attrs.frozen(kw_only=True)
class Receipts(Reply):
    """Whether read receipts are on, for both sides."""

    type: ClassVar[str] = "receipts"
    on: bool


def on_or_off(text: str) -> bool:
    """Read a switch. Raises ValueError with the reason."""
    if text.lower() not in {"on", "off"}:
        raise ValueError(f"{text[:64]!r} is neither on nor off")
    return text.lower() == "on"


@attrs.frozen(kw_only=True)
class SetReceipts(Request[Receipts]):
    """Show or change whether read receipts are on."""

    type: ClassVar[str] = "receipts"
    on: bool | None = attrs.field(
        default=None,
        metadata=argument(
            "on|off", "switch them on or off; if off, you do not see what others have read either", on_or_off
        ),
    )


RECEIPTS = Command(
    request=SetReceipts,
    reply=Receipts,
    summary="show or change whether read receipts are on, for both sides",
    examples=("receipts", "receipts off", '{"type":"receipts","on":true}'),
)
