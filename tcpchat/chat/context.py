"""What a command's handler may use: who asks, the chat, and the ways to change it."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from typing import Protocol

import attrs

from tcpchat.chat.chat import Chat
from tcpchat.chat.entry import Entry, Post, Repeat
from tcpchat.chat.hub import GUEST
from tcpchat.chat.identity import hash_token
from tcpchat.chat.moderation import ReportEntry
from tcpchat.chat.rename import RenameEntry
from tcpchat.chat.room import Room, as_line
from tcpchat.chat.schedule import CancelEntry, Pending, ScheduleEntry
from tcpchat.chat.user import Receiver, User
from tcpchat.errors import ChatError
from tcpchat.names import enforce, skeleton
from tcpchat.protocol import MAX_LINE_OUT, Renamed, Resumed
from tcpchat.settings import CENTURY
from tcpchat.store import Identity, NewMessage, StorageError
from tcpchat.times import MILLISECONDS, format_span

MAX_TEXT = MAX_LINE_OUT // 7  # characters; JSON makes up to 6 bytes of one, and the line holds more than text


class ReadHistory(Protocol):
    """Reads as `Store.history` does, without blocking the loop."""

    async def __call__(
        self, room: str, count: int, *, before: int | None, after: int | None, until: int
    ) -> list[NewMessage]: ...


@attrs.define(eq=False)
class Context:
    """One connection's view of the chat. Everything but `history` and `resume` is synchronous."""

    chat: Chat
    user: User
    _connection: Receiver
    _read_history: ReadHistory
    _read_identity: Callable[[bytes], Awaitable[Identity | None]]
    """Reads as `Store.identity` does, without blocking the loop."""
    _settled: Callable[[], Awaitable[None]]
    """Waits until what anybody asked for so far is on disk, or refused."""

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

    def post(self, text: str, recipient: User | None, key: str | None) -> Entry:
        """Send to the lobby or to one user."""
        hub = self.chat.hub
        room = hub.lobby if recipient is None else hub.conversation(self.user.id, recipient)
        entry = Post(room, self.user, self.user.name, text, recipient, key)
        if key is not None:
            self.user.remember_send(key, entry, self.now())
        return entry

    def schedule(self, text: str, recipient: User | None, seconds: float, key: str | None) -> Entry:
        """Send later. Raises ChatError `too-far-ahead` or `too-many-scheduled`."""
        limits, schedule, user = self.chat.settings.limits, self.chat.schedule, self.user
        ahead, most = limits.schedule_ahead_seconds, limits.scheduled_per_user
        if seconds > (ahead or CENTURY):
            message = f"a message can be scheduled {format_span(ahead or CENTURY)} ahead at most"
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
        name = enforce(name, self.chat.settings.limits.name_characters)
        key = skeleton(name)
        if name == user.name:
            return Renamed(old=name, new=name)
        if name.startswith(GUEST):
            raise ChatError("bad-name", f"the server gives names that begin with {GUEST}", name=name)
        hub.claim(user, name, key)
        return RenameEntry(hub, self.chat.moderation, user, name, key)

    def report(self, name: str, reason: str | None) -> ReportEntry:
        """Report a user who is here."""
        return self.chat.moderation.report(self.user, self.chat.hub.find(name), reason)

    async def resume(self, token: str) -> Resumed:
        """Become the user of the token. Raises ChatError `bad-token` or `storage-failed`.

        What the user's old connection asked for is answered first.
        """
        hashed, found = hash_token(token), None
        known = self.chat.identities.find(hashed)
        if known is None or known.sends_on_disk:
            await self._settled()
            try:
                found = await self._read_identity(hashed)
            except StorageError:
                raise ChatError("storage-failed", "the disk did not give it; try again later") from None
        self.user = self.chat.resume(self._connection, hashed, found)
        await self._settled()
        return Resumed(user=self.user.name, seq=self.chat.hub.lobby.seq)

    async def history(
        self, room: Room, count: int, *, before: int | None, after: int | None, until: int
    ) -> list[bytes]:
        """Return messages of the room as events, oldest first: those after `after`, or the last ones.

        Never one after `until`: what is committed but not told yet still comes as an event.
        """
        lines = room.recent(count, before=before, after=after)
        if lines is not None:
            return lines
        try:
            messages = await self._read_history(room.name, count, before=before, after=after, until=until)
        except StorageError:
            raise ChatError("storage-failed", "the disk did not give it; try again later") from None
        return [as_line(message) for message in messages]


def _seconds(wait: float) -> float:
    """Round up to milliseconds, so that who waits as told has waited long enough."""
    return math.ceil(round(wait * MILLISECONDS, 6)) / MILLISECONDS
