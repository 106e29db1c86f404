"""What a user asks about messages that were said: history, what is unread, how far who has read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from tcpchat.chat import room as rooms
from tcpchat.chat.marks import ReadEntry
from tcpchat.chat.room import Room, as_line, public_id, public_name, without_text
from tcpchat.chat.user import Conversation, Mark, User
from tcpchat.errors import ChatError
from tcpchat.protocol import (
    LOBBY,
    ConversationInfo,
    Conversations,
    EncodedReply,
    Place,
    Receipts,
    Unread,
    UnreadInfo,
    encode_part,
    page,
    reply_with,
)
from tcpchat.store.changes import NewMessage, SetReceipts
from tcpchat.store.queries.messages import count_unread, read_history, unread_messages
from tcpchat.store.queries.users import counterparts
from tcpchat.store.rows import Counterpart, UnreadCount, UnreadRange

if TYPE_CHECKING:
    from orjson import Fragment

    from tcpchat.chat.context import Context
    from tcpchat.chat.entry import Entry

PAGE = 200  # conversations in one reply


@attrs.frozen
class UserRoom:
    """The lobby or a direct room, as one user has it; a direct room without messages has no `room`."""

    name: str
    """On the wire."""
    room: Room | None
    mark: Mark
    conversation: Conversation | None = None
    username: str | None = None
    """The other user of a direct room."""


@attrs.frozen
class Reading:
    """Does it for one connection."""

    context: Context

    def lobby(self) -> UserRoom:
        """Return the lobby as the user has it."""
        return UserRoom(LOBBY, self.context.chat.hub.lobby, self.context.user.lobby)

    async def find(self, place: Place) -> UserRoom:
        """Return the room that the user names. Raises ChatError `no-such-room`, `no-such-user`."""
        user = self.context.user
        if place.room == LOBBY:
            return self.lobby()
        if place.room is not None:
            own = self.context.direct_room(place.room)
            (named,) = await self.others([own])
            return UserRoom(place.room, own.room, own.mark, own, named.name)
        assert place.username is not None
        other = await self.context.awakening.named(place.username)
        id = public_id(rooms.conversation(user.id, other.id))
        begun = user.conversations.get(other.id)
        if begun is None:
            return UserRoom(id, None, Mark(), None, other.name)
        return UserRoom(id, begun.room, begun.mark, begun, other.name)

    async def others(self, conversations: list[Conversation]) -> list[Counterpart]:
        """Return who is at the other end of each, from memory where that knows better than the disk."""
        if not conversations:
            return []
        user, chat = self.context.user, self.context.chat
        rooms = [conversation.room.name for conversation in conversations]
        found = await self.context.reader.ask(counterparts, user.id, rooms)
        for index, conversation in enumerate(conversations):
            known = chat.hub.find_known(conversation.other)
            if known is not None and user.id in known.conversations:
                mark = known.conversations[user.id].mark
                found[index] = Counterpart(known.name, mark.delivered, mark.read, known.receipts)
        return found

    async def history(
        self, place: UserRoom, count: int, *, before: int | None, after: int | None, until: int
    ) -> list[bytes]:
        """Return messages of the place as events, oldest first: those after `after`, or the last ones.

        Never one after `until`: what is committed but not told yet still comes as an event.
        """
        if place.room is None:
            return []
        ignored = self.context.user.ignored
        lines = place.room.recent(count, before=before, after=after, ignored=ignored)
        if lines is not None:
            return lines
        messages = await self.context.reader.ask(
            read_history, place.room.name, count, before=before, after=after, until=until
        )
        return [self.line(message) for message in messages]

    def line(self, message: NewMessage) -> bytes:
        """Write a kept message as this user gets it."""
        line = as_line(message)
        return without_text(line) if message.author in self.context.user.ignored else line

    def given(self, place: UserRoom, first: int, last: int) -> None:
        """Note that this device was given these messages of a conversation."""
        if place.conversation is not None and first <= place.mark.delivered + 1:
            self.context.chat.marks.advance(self.context.user, place.conversation, last)

    async def unread_messages(
        self, place: UserRoom | None, count: int, cursor: int
    ) -> tuple[list[Fragment], int | None]:
        """Return a page of what is unread, in all rooms or one, and the cursor of a next page."""
        places = self._all() if place is None else [place]
        user, rooms = self.context.user, _unread(places)
        found = []
        if rooms:
            found = await self.context.reader.ask(
                unread_messages, user.id, rooms, user.ignored, count + 1, cursor
            )
        lines = [as_line(one.message) for one in found[:count]]
        shown, _ = page(line.removesuffix(b"\n") for line in lines)
        self._given_unread(places, [one.message for one in found[: len(shown)]])
        return shown, found[len(shown) - 1].cursor if len(shown) < len(found) else None

    def _given_unread(self, places: list[UserRoom], messages: list[NewMessage]) -> None:
        """Note that this device was given what is unread, up to these messages."""
        last = {message.room: message.seq for message in messages}
        for place in places:
            if place.conversation is not None and place.conversation.room.name in last:
                seq = last[place.conversation.room.name]
                self.context.chat.marks.advance(self.context.user, place.conversation, seq)

    def _all(self) -> list[UserRoom]:
        user = self.context.user
        own = [one for one in user.conversations.values() if one.room.seq > one.mark.read]
        return [self.lobby(), *(UserRoom(public_name(one.room.name), one.room, one.mark, one) for one in own)]

    async def unread(self) -> EncodedReply[Unread]:
        """Return where something is unread, the lobby first."""
        user = self.context.user
        places = [one for one in self._all() if one.room is not None and one.room.seq > one.mark.read]
        counts = []
        if places:
            counts = await self.context.reader.ask(count_unread, user.id, _unread(places), user.ignored)
        some = [(place, found) for place, found in zip(places, counts, strict=True) if found.messages]
        others = await self.others([place.conversation for place, _ in some if place.conversation])
        names = iter(others)
        parts = (
            encode_part(_info(place, next(names).name if place.conversation else None, found))
            for place, found in some
        )
        shown, _ = page(parts)
        return reply_with(Unread, rooms=shown)

    async def read(self, where: Place, seq: int | None) -> Entry:
        """Note how far the user has read. Raises ChatError `no-such-room`, `no-such-user`, `bad-value`."""
        place = await self.find(where)
        last = 0 if place.room is None else place.room.seq
        seq = last if seq is None else seq
        if not 0 <= seq <= last or place.room is None:
            message = f"there are messages up to {last} there; seq is one of them, or 0"
            raise ChatError("bad-value", message, field="seq", limit=last)
        chat, user = self.context.chat, self.context.user
        return ReadEntry(chat.marks, user, place.username, place.room, place.conversation, seq)

    async def conversations(self, after: str | None) -> EncodedReply[Conversations]:
        """Return the user's conversations, by their ids."""
        user = self.context.user
        own = sorted(
            (public_id(conversation.room.name), conversation)
            for conversation in user.conversations.values()
            if conversation.room.seq
        )
        rest = [(id, conversation) for id, conversation in own if after is None or id > after]
        shown = rest[:PAGE]
        others = await self.others([conversation for _, conversation in shown])
        infos = [
            ConversationInfo(
                room=id,
                username=other.name,
                seq=conversation.room.seq,
                read=conversation.mark.read,
                delivered=other.delivered,
                seen=other.read if other.receipts and user.receipts else None,
            )
            for (id, conversation), other in zip(shown, others, strict=True)
        ]
        parts, _ = page(map(encode_part, infos))
        return reply_with(Conversations, conversations=parts, more=len(rest) > len(shown))

    def receipts(self, *, on: bool | None) -> Receipts | Entry:
        """Tell or set whether others learn what the user has read."""
        user = self.context.user
        if on is None or on == user.receipts:
            return Receipts(on=user.receipts)

        def apply(user: User) -> Receipts:
            user.receipts = on
            return Receipts(on=on)

        return self.context.setting(lambda user: [SetReceipts(user.id, int(on))], apply)


def _unread(places: list[UserRoom]) -> list[UnreadRange]:
    return [
        UnreadRange(place.room.name, after=place.mark.read, until=place.room.seq)
        for place in places
        if place.room is not None
    ]


def _info(place: UserRoom, name: str | None, found: UnreadCount) -> UnreadInfo:
    assert place.room is not None
    return UnreadInfo(
        room=place.name,
        username=name,
        count=found.messages,
        mentioned=found.mentioned,
        read=place.mark.read,
        seq=place.room.seq,
    )
