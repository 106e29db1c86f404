"""Operations that add an event to a room: a message, or another text for one."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from tcpchat.chat.draft import Draft
from tcpchat.chat.fanout import Fanout
from tcpchat.chat.operations.base import Operation
from tcpchat.chat.room import Kind, Room, kind_of, public_id
from tcpchat.chat.state import ServerState
from tcpchat.chat.subscriber import Subscriber
from tcpchat.chat.user import User
from tcpchat.errors import ChatError
from tcpchat.protocol import Absent, Id, Scheduled, encode, encode_sent
from tcpchat.store.changes import (
    EditMessage,
    NewKey,
    NewMention,
    NewMessage,
    NewRoom,
    SetMember,
    peer_of,
)
from tcpchat.times import timestamp
from tcpchat.wire.base import LOBBY

MOST_MESSAGES = 64  # in one operation, so that no batch grows much beyond its bound …
ADDED_CHARACTERS = 1024  # … in each of them but the first


@attrs.define(eq=False, kw_only=True)
class Keyed(Operation):
    """An operation that, if it repeats one under the same key, gets the same reply and does nothing."""

    author: str
    """The id of the user."""
    key: str | None = None
    _first: NewKey | None = attrs.field(default=None, init=False)

    def repeats(self, draft: Draft, author: User | None) -> bool:
        """Return whether there was one under the same key, whose reply this one has then."""
        self._first = None
        if self.key is not None and author is not None:
            self._first, self.is_stored = draft.sent_under(author, self.key)
        return self._first is not None

    def keep_key(self, draft: Draft, author: User, key: NewKey) -> None:
        """Store the key, and make room for it."""
        draft.add_key(key)
        if author.sent.should_trim():
            draft.trim_keys(author.id)

    def encode_replies(self) -> list[bytes]:
        if self.reply is not None or self._first is None:
            return super().encode_replies()
        return [encode_first_reply(self._first, id) for id in self.ids]

    def release(self, state: ServerState) -> None:
        author = state.users.get(self.author)
        if self.key is not None and author is not None:
            author.sent.end(self.key)


@attrs.define(eq=False, kw_only=True)
class Repeat(Operation):
    """A repeat of an operation that is on disk: it gets the same reply and does nothing."""

    first: NewKey

    def __attrs_post_init__(self) -> None:
        self.costs_request = self.is_stored = True

    def decide(self, draft: Draft) -> None:
        """Change nothing."""

    def encode_replies(self) -> list[bytes]:
        if self.reply is not None:
            return super().encode_replies()
        return [encode_first_reply(self.first, id) for id in self.ids]


def encode_first_reply(sent: NewKey, re: Id | None) -> bytes:
    """Return the reply to the first operation under a key."""
    room, time = public_id(sent.room), timestamp(sent.time)
    if sent.number is None:
        assert sent.seq is not None
        return encode_sent(re, room, sent.username, sent.seq, time)
    return encode(Scheduled(number=sent.number, room=room, username=sent.username, at=time), re)


@attrs.define(eq=False, kw_only=True)
class PostEvents(Keyed):
    """Events by one author for a room. Everybody who gets the room's events gets them, also the author."""

    room: str
    name: str
    """The author's name at the time of the request; a rename that comes in between does not change it."""
    texts: list[str]
    """One for each event."""
    to: str | None = None
    """In a direct room, the name of the other user at the time of the event."""
    action: bool = False
    """Whether the texts are what the author does."""
    seq: int = attrs.field(default=0, init=False)
    """The number of the first event, once it is decided."""
    at: int = attrs.field(default=0, init=False)

    @property
    def size(self) -> int:
        return len(self.texts)

    @property
    def characters(self) -> int:
        return sum(map(len, self.texts))

    @property
    def about(self) -> tuple[str, ...]:
        if self.room == LOBBY:
            return ()
        return (self.author,) if self.to is None else (peer_of(self.room, self.author),)

    @property
    def last(self) -> int:
        """Return the number of the last event."""
        return self.seq + len(self.texts) - 1

    def find_author(self, draft: Draft) -> User | None:
        """Return the author, if in memory. Raises ChatError `no-such-user`."""
        return draft.author(self.author)

    def decide(self, draft: Draft) -> None:
        author = self.find_author(draft)
        if self.key is not None and self.repeats(draft, author):
            return
        kind, to = kind_of(self.room), None
        if kind is Kind.NAMED:
            self._check_member(draft, author)
        self.seq, self.at = draft.take_seqs(self.room, len(self.texts)), draft.at
        if kind is Kind.DIRECT:
            to = peer_of(self.room, self.author)
            self._enter_direct(draft, author, to)
        elif author is not None and not author.has_row:
            draft.ensure_row(author)
        self.decide_events(draft, to)
        if self.key is not None and author is not None:
            key = NewKey(self.author, self.key, self.at, self.room, self.to, self.seq, None, self.at)
            self.keep_key(draft, author, key)

    def decide_events(self, draft: Draft, to: str | None) -> None:
        """Add the events themselves; `to` is the id of the other user of a direct room."""
        raise NotImplementedError

    def _check_member(self, draft: Draft, author: User | None) -> None:
        """Raise ChatError `no-such-room` or `room-closed` where nothing can be said any more."""
        if author is None:
            raise ChatError("no-such-room", f"its author is not in {self.room} any more")
        draft.rooms.check_member(author, self.room)
        draft.rooms.check_open(self.room)

    def _enter_direct(self, draft: Draft, author: User | None, to: str) -> None:
        """Let both users be in the room; an author who has read everything before has read this too."""
        recipient, room = draft.user(to), self.room
        if author is None and recipient is None:
            raise ChatError("storage-failed", "neither user of the room is in memory; try again later")
        if self.seq == 1:
            draft.add(NewRoom(room, Kind.DIRECT.value))
            for id, user in ((self.author, author), (to, recipient)):
                if user is None:  # unloaded since the request
                    draft.add(SetMember(id, room, 0, 0))
        if recipient is not None:
            draft.ensure_row(recipient)
            self.to, _ = draft.name(recipient)
            if recipient is not author and draft.is_new_member(recipient, room):
                draft.set_read(recipient, room, 0)
        if author is not None:
            draft.ensure_row(author)
            if draft.read(author, room) == self.seq - 1:
                draft.set_read(author, room, self.last)
            elif draft.is_new_member(author, room):
                draft.set_read(author, room, 0)

    def conclude(self, state: ServerState, fanout: Fanout) -> None:
        if self._first is not None:
            return
        room = state.rooms.open(self.room)
        if room.kind is Kind.DIRECT:
            self._deliver_direct(state, fanout, room)
        else:
            fanout.to_room(room, room.take_appended())

    def _deliver_direct(self, state: ServerState, fanout: Fanout, room: Room) -> None:
        author = state.users.get(self.author)
        recipient = state.users.get(peer_of(self.room, self.author))
        lines = b"".join([event.line for event in room.take_appended()])
        if author is not None:
            fanout.to_user(author, lines)
            if author.connections:  # else the author's own messages would be a gap between the other's
                state.receipts.deliver(author, room, self.last, first=self.seq)
        if recipient is None or recipient is author:
            return
        if self.author not in recipient.ignored:
            fanout.to_user(recipient, lines)
            if recipient.connections:
                state.receipts.deliver(recipient, room, self.last, first=self.seq)
        self.conclude_direct(fanout, author, recipient)

    def conclude_direct(self, fanout: Fanout, author: User | None, recipient: User) -> None:
        """Add what else the users of a direct room get."""

    def encode_replies(self) -> list[bytes]:
        if self.reply is not None or self._first is not None:
            return super().encode_replies()
        room, to, at = public_id(self.room), self.to, timestamp(self.at)
        return [encode_sent(id, room, to, seq, at) for seq, id in enumerate(self.ids, self.seq)]


@attrs.define(eq=False, kw_only=True)
class SendMessages(PostEvents):
    """Messages for a room, one after another."""

    mentions: list[tuple[int, str]]
    """Who is mentioned: which message, by its index, and the id of the user."""

    def can_add(
        self,
        requester: Subscriber,
        author: User,
        room: str,
        to: str | None,
        text: str,
        *,
        action: bool = False,
    ) -> bool:
        """Return whether the next message of the requester can be one of these, while none is decided."""
        return (
            self.requester is requester
            and self.room == room
            and self.name == author.name
            and self.author == author.id
            and self.to == to
            and self.action == action
            and self.key is None
            and len(self.texts) < MOST_MESSAGES
            and len(text) <= ADDED_CHARACTERS
        )

    def add(self, text: str, mentioned: Iterable[str]) -> None:
        """Add a message, which mentions the users of these ids."""
        for id in mentioned:
            self.mentions.append((len(self.texts), id))
        self.texts.append(text)

    def decide_events(self, draft: Draft, to: str | None) -> None:
        for index, user in self.mentions:
            self._mention(draft, user, self.seq + index)
        room, at, author, name, to_name = self.room, self.at, self.author, self.name, self.to
        action = int(self.action)
        draft.add(
            *[
                NewMessage(room, seq, at, author, name, to, to_name, text, action)
                for seq, text in enumerate(self.texts, self.seq)
            ]
        )

    def _mention(self, draft: Draft, id: str, seq: int) -> None:
        try:
            user = draft.user(id)
        except ChatError:
            return  # the user is gone, and need not know
        if user is not None:
            draft.ensure_row(user)
        draft.add(NewMention(id, self.room, seq))

    def conclude(self, state: ServerState, fanout: Fanout) -> None:
        if self._first is None:
            fanout.messages += len(self.texts)
        PostEvents.conclude(self, state, fanout)

    def conclude_direct(self, fanout: Fanout, author: User | None, recipient: User) -> None:
        is_there = recipient.connections and not recipient.away
        if author is not None and not is_there and recipient.should_notify(self.author):
            fanout.to_user(author, encode(absent(recipient)))


@attrs.define(eq=False, kw_only=True)
class EditText(PostEvents):
    """Another text, the only one of `texts`, for a message of the author, whose number is `target`."""

    target: int

    def decide_events(self, draft: Draft, to: str | None) -> None:
        (text,), action = self.texts, int(self.action)
        room, seq, at, author, name, to_name = (
            self.room,
            self.seq,
            self.at,
            self.author,
            self.name,
            self.to,
        )
        draft.add(EditMessage(room, seq, at, author, name, to, to_name, self.target, text, action))


def absent(user: User) -> Absent:
    """Return the event that notifies an author that nobody reads this user's messages now."""
    text, since = user.away or (None, user.left)
    return Absent(
        username=user.name,
        here=bool(user.connections),
        text=text,
        since=None if since is None else timestamp(since),
    )
