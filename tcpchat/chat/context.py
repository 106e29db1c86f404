"""What a command's handler may use: who asks, the chat, and the ways to change it."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Sequence

import attrs

from tcpchat.chat.access import Access
from tcpchat.chat.awakening import Awakening
from tcpchat.chat.chat import Chat
from tcpchat.chat.device import Device
from tcpchat.chat.entry import Entry, Post, Repeat
from tcpchat.chat.gate import Gate
from tcpchat.chat.moderation import ReportEntry, source
from tcpchat.chat.reading import Reading
from tcpchat.chat.reads import Hashes
from tcpchat.chat.receiver import Receiver
from tcpchat.chat.relations import Relations
from tcpchat.chat.rename import RenameEntry
from tcpchat.chat.room import public_id
from tcpchat.chat.schedule import CancelEntry, Pending, ScheduleEntry
from tcpchat.chat.setting import SettingEntry
from tcpchat.chat.user import Conversation, User
from tcpchat.errors import ChatError
from tcpchat.names import canonical, enforce, skeleton
from tcpchat.protocol import GUEST, MAX_LINE_OUT, Place, Renamed, Reply, no_such_room
from tcpchat.settings import CENTURY
from tcpchat.store.changes import Change
from tcpchat.store.reader import Reader
from tcpchat.times import MILLISECONDS, format_duration

MAX_TEXT = MAX_LINE_OUT // 7  # characters; JSON makes up to 6 bytes of one, and the line holds more than text


@attrs.define(eq=False)
class Context:
    """One connection's view of the chat: messages here, the rest in the parts that the properties give."""

    chat: Chat
    user: User
    connection: Receiver
    address: str
    reader: Reader
    hashes: Hashes
    awakening: Awakening
    gate: Gate
    commit: Callable[[Entry], Awaitable[None]]
    """Waits until the entry is on disk. Raises ChatError if it is refused."""
    trailing_lines: bytes = b""
    """Lines that are to follow the reply."""

    @property
    def access(self) -> Access:
        return Access(self)

    @property
    def reading(self) -> Reading:
        return Reading(self)

    @property
    def relations(self) -> Relations:
        return Relations(self)

    @property
    def device(self) -> Device:
        """Return what this connection is to its user. Raises ChatError `bad-token` if nothing any more."""
        device = self.user.device_of(self.connection)
        if device is None:
            raise ChatError("bad-token", "another connection took the place of this one")
        return device

    def begin(self, *, needs_login: bool, switches_user: bool) -> None:
        """Note that a request begins; a newcomer listens then, unless it is to be another user.

        Raises ChatError `login-required`.
        """
        if not switches_user and self.connection in self.chat.hub.newcomers:
            self.chat.hub.let_listen(self.connection)
        if needs_login and not self.user.id:
            raise ChatError("login-required", "this server is for its users: log in first, with login NAME")

    def now(self) -> int:
        """Return the time of day in ms since 1970."""
        return self.chat.clock.now()

    def check_text(self, text: str) -> None:
        """Raise ChatError `text-empty` or `text-too-long`."""
        longest = self.chat.settings.limits.text_characters
        if not text:
            raise ChatError("text-empty", "there is no text to send", field="text")
        if longest and len(text) > longest:
            message = f"the text has {len(text)} characters; at most {longest} can be sent"
            raise ChatError("text-too-long", message, limit=longest, field="text")
        if len(text) > MAX_TEXT:
            message = f"the text has {len(text)} characters; at most {MAX_TEXT} fit into a line"
            raise ChatError("text-too-long", message, limit=MAX_TEXT, field="text")

    def check_may_send(self) -> None:
        """Raise ChatError `muted`, or `rate-limited` where this message is one too many."""
        self.chat.moderation.check(self.user.id, self.now())
        wait = self.user.bucket.take(self.chat.clock.monotonic())
        if wait:
            rate = self.chat.settings.limits.messages_per_second
            message = f"you may send {rate:g} messages a second; wait {wait:.1f} s"
            raise ChatError("rate-limited", message, limit=rate, retry_after=_seconds(wait))

    def repeat(self, key: str) -> Entry | None:
        """Return an entry that answers like the first send under this key, if there was one."""
        first = self.user.first_send(key, self.chat.keys_since())
        return None if first is None else Repeat(first)

    def direct_room(self, id: str) -> Conversation:
        """Return the user's direct room of this public id. Raises ChatError `no-such-room`."""
        for conversation in self.user.conversations.values():
            if public_id(conversation.room.name) == id:
                return conversation
        raise no_such_room(id)

    def recipient(self, place: Place) -> User | str:
        """Return the other user of a direct room, or the id of one who must be read from disk.

        Raises ChatError `no-such-room`, `no-such-user`.
        """
        if place.username is not None:
            found = self.chat.hub.find(place.username)
            return found if isinstance(found, User) else found.user
        assert place.room is not None
        other = self.direct_room(place.room).other
        if (known := self.chat.hub.find_known(other)) is not None:
            return known
        if self.chat.people.directory.find(other) is None:
            raise ChatError("no-such-user", f"the other user of {place.room} is gone", field="room")
        return other

    def post(self, text: str, recipient: User | None, key: str | None) -> Entry:
        """Send to the lobby or to one user."""
        hub = self.chat.hub
        if recipient is None:
            mentioned = hub.mentioned(text) if "@" in text else ()
            entry = Post(hub.lobby, self.user, self.user.name, text, None, key, mentioned)
        else:
            room = hub.conversation(self.user, recipient)
            entry = Post(room, self.user, self.user.name, text, recipient, key)
        if key is not None:
            self.user.remember_send(key, entry, self.now())
        return entry

    def schedule(self, text: str, recipient: User | None, seconds: float, key: str | None) -> Entry:
        """Send later. Raises ChatError `too-far-ahead` or `too-many-scheduled`."""
        limits, schedule, user = self.chat.settings.limits, self.chat.schedule, self.user
        ahead, most = limits.schedule_ahead_seconds, limits.scheduled_per_user
        if seconds > (ahead or CENTURY):
            message = f"a message can be scheduled {format_duration(ahead or CENTURY)} ahead at most"
            raise ChatError("too-far-ahead", message, limit=ahead or CENTURY, field="time")
        own = schedule.of(user.id)
        if most and len(own) + user.scheduling >= most:
            wait = min((pending.due for pending in own), default=self.now()) - self.now()
            message = f"you have {most} scheduled messages; cancel one or wait"
            retry = max(0.001, wait / MILLISECONDS)
            raise ChatError("too-many-scheduled", message, limit=most, retry_after=retry)
        user.last_number += 1
        pending = Pending(
            id=schedule.next_id(),
            number=user.last_number,
            author=user.id,
            name=user.name,
            recipient=None if recipient is None else recipient.id,
            recipient_name=None if recipient is None else recipient.name,
            text=text,
            due=self.now() + int(seconds * MILLISECONDS),
        )
        user.scheduling += 1
        entry = ScheduleEntry(schedule, pending, user, recipient, key)
        if key is not None:
            user.remember_send(key, entry, self.now())
        return entry

    def cancel(self, number: int | None) -> Entry:
        """Cancel a scheduled message, or the last one. Raises ChatError `no-such-scheduled`."""
        schedule = self.chat.schedule
        pending = schedule.find(self.user.id, number)
        schedule.remove(pending)
        return CancelEntry(schedule, pending)

    def rename(self, name: str) -> Renamed | Entry:
        """Take a free name. Raises ChatError `bad-name` or `name-taken`."""
        user, hub = self.user, self.chat.hub
        if canonical(name) == user.name:
            return Renamed(old=user.name, new=user.name)
        name = enforce(name, self.chat.settings.limits.name_characters)
        key = skeleton(name)
        if name.startswith(GUEST):
            raise ChatError("bad-name", f"the server gives names that begin with {GUEST}", name=name)
        hub.claim(user, name, key)
        return RenameEntry(hub, self.chat.people.directory, self.chat.moderation, user, name, key)

    async def report(self, name: str, reason: str | None) -> ReportEntry:
        """Report a user."""
        target = await self.awakening.named(name)
        counts_as = source(self.user, self.address, self.now())
        return self.chat.moderation.report(self.user, counts_as, target, reason)

    def setting(
        self,
        changes: Callable[[User], Sequence[Change]],
        apply: Callable[[User], Reply],
        *others: User,
    ) -> Entry:
        """Change what is kept for the user, and for nobody else."""
        return SettingEntry(self.user, changes, apply, others)


def _seconds(wait: float) -> float:
    """Round up to milliseconds, so that who waits as told has waited long enough."""
    return math.ceil(round(wait * MILLISECONDS, 6)) / MILLISECONDS
