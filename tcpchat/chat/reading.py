"""What a user asks about messages that were said: history, what is unread, how far who has read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from tcpchat.chat.marks import ReadEntry
from tcpchat.chat.room import Room, as_line, public_id, without_text
from tcpchat.chat.user import Conversation, Mark, User
from tcpchat.errors import ChatError
from tcpchat.protocol import (
    LOBBY,
    ConversationInfo,
    Conversations,
    Receipts,
    Unread,
    UnreadInfo,
    encode_part,
    page,
)
from tcpchat.store.changes import NewMessage, SetReceipts
from tcpchat.store.queries.messages import count_unread, read_history, unread_messages
from tcpchat.store.queries.users import counterparts
from tcpchat.store.rows import Counterpart, UnreadCount, UnreadRange

if TYPE_CHECKING:
    from tcpchat.chat.context import Context
    from tcpchat.chat.entry import Entry

PAGE = 200  # conversations in one reply


@attrs.frozen
class Place:
    """The lobby, or one of a user's conversations; a conversation without messages has no room."""

    room: Room | None
    mark: Mark
    conversation: Conversation | None = None
    username: str | None = None
    """Whom the conversation is with."""

    @property
    def id(self) -> str | None:
        """Return what the conversation is called on the wire."""
        return None if self.conversation is None else public_id(self.conversation.room.name)


@attrs.frozen
class Reading:
    """Does it for one connection."""

    context: Context

    async def place(self, username: str | None) -> Place:
        """Return the lobby, or the conversation with the user of this name, or of this id.

        Raises ChatError `no-such-user`.
        """
        user = self.context.user
        if username is None:
            return Place(self.context.chat.hub.lobby, user.lobby)
        if username.startswith("@"):
            return await self._by_id(username)
        other = await self.context.awakening.named(username)
        conversation = user.conversations.get(other.id)
        if conversation is None:
            return Place(None, Mark(), None, other.name)
        return Place(conversation.room, conversation.mark, conversation, other.name)

    async def _by_id(self, id: str) -> Place:
        user = self.context.user
        for conversation in user.conversations.values():
            if public_id(conversation.room.name) == id:
                (other,) = await self.others([conversation])
                return Place(conversation.room, conversation.mark, conversation, other.name)
        raise ChatError("no-such-user", f"you have no conversation {id[:64]!r}", name=id[:64])

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
        self, place: Place, count: int, *, before: int | None, after: int | None, until: int
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

    def given(self, place: Place, first: int, last: int) -> None:
        """Note that this device was given these messages of a conversation."""
        if place.conversation is not None and first <= place.mark.delivered + 1:
            self.context.chat.marks.advance(self.context.user, place.conversation, last)

    async def unread_messages(
        self, username: str | None, count: int, cursor: int
    ) -> tuple[Place | None, list[bytes], int | None]:
        """Return a page of what is unread, in all conversations or one, and the cursor of a next page."""
        if username is None:
            place, places = None, await self._all()
        else:
            place = await self.place(username)
            places = [place]
        user, rooms = self.context.user, _unread(places)
        found = []
        if rooms:
            found = await self.context.reader.ask(
                unread_messages, user.id, rooms, user.ignored, count + 1, cursor
            )
        lines = [as_line(one.message) for one in found[:count]]
        shown, _ = page(line.removesuffix(b"\n") for line in lines)
        self._given_unread(places, [one.message for one in found[: len(shown)]])
        return place, shown, found[len(shown) - 1].cursor if len(shown) < len(found) else None

    def _given_unread(self, places: list[Place], messages: list[NewMessage]) -> None:
        """Note that this device was given what is unread, up to these messages."""
        last = {message.room: message.seq for message in messages}
        for place in places:
            if place.conversation is not None and place.conversation.room.name in last:
                seq = last[place.conversation.room.name]
                self.context.chat.marks.advance(self.context.user, place.conversation, seq)

    async def _all(self) -> list[Place]:
        user = self.context.user
        lobby = Place(self.context.chat.hub.lobby, user.lobby)
        own = [one for one in user.conversations.values() if one.room.seq > one.mark.read]
        return [lobby, *(Place(conversation.room, conversation.mark, conversation) for conversation in own)]

    async def unread(self) -> Unread:
        """Return where something is unread, the lobby first."""
        user = self.context.user
        places = [one for one in await self._all() if one.room is not None and one.room.seq > one.mark.read]
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
        return Unread(conversations=shown)

    async def read(self, room: str | None, username: str | None, seq: int | None) -> Entry:
        """Note how far the user has read. Raises ChatError `no-such-room`, `bad-value`."""
        if room is not None and (username is not None or room != LOBBY):
            if username is not None:
                raise ChatError("bad-usage", "it is either a room or a user's conversation", field="room")
            raise ChatError("no-such-room", f"there is no room {room[:64]!r}; there is {LOBBY}", field="room")
        place = await self.place(username)
        last = 0 if place.room is None else place.room.seq
        seq = last if seq is None else seq
        if not 0 <= seq <= last or place.room is None:
            message = f"there are messages up to {last} there; seq is one of them, or 0"
            raise ChatError("bad-value", message, field="seq", limit=last)
        chat, user = self.context.chat, self.context.user
        return ReadEntry(chat.marks, user, place.username, place.room, place.conversation, seq)

    async def conversations(self, after: str | None) -> Conversations:
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
                username=other.name,
                conversation=id,
                seq=conversation.room.seq,
                read=conversation.mark.read,
                delivered=other.delivered,
                seen=other.read if other.receipts and user.receipts else None,
            )
            for (id, conversation), other in zip(shown, others, strict=True)
        ]
        parts, _ = page(map(encode_part, infos))
        return Conversations(conversations=parts, more=len(rest) > len(shown))

    def receipts(self, *, on: bool | None) -> Receipts | Entry:
        """Tell or set whether others learn what the user has read."""
        user = self.context.user
        if on is None or on == user.receipts:
            return Receipts(on=user.receipts)

        def apply(user: User) -> Receipts:
            user.receipts = on
            return Receipts(on=on)

        return self.context.setting(lambda user: [SetReceipts(user.id, int(on))], apply)


def _unread(places: list[Place]) -> list[UnreadRange]:
    return [
        UnreadRange(place.room.name, after=place.mark.read, until=place.room.seq)
        for place in places
        if place.room is not None
    ]


def _info(place: Place, name: str | None, found: UnreadCount) -> UnreadInfo:
    assert place.room is not None
    return UnreadInfo(
        room=None if place.conversation else place.room.name,
        username=name,
        conversation=place.id,
        count=found.messages,
        mentioned=found.mentioned,
        read=place.mark.read,
        seq=place.room.seq,
    )
