"""What the server says: kept up with, and shown. Synchronous, event by event."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, tzinfo
from typing import Any, ClassVar

import trio

from tcpchat.client import Disconnected, Reconnected, Skipped
from tcpchat.protocol import (
    Cancelled,
    Error,
    Event,
    Joined,
    Left,
    Message,
    Muted,
    PendingMessage,
    Renamed,
    Reply,
    Schedule,
    Unsent,
    Users,
    Welcome,
)
from tcpchat.repl import render
from tcpchat.repl.clean import clean_line
from tcpchat.repl.look import Look, local_time
from tcpchat.repl.preferences import Preferences
from tcpchat.repl.roster import Roster
from tcpchat.repl.screen import Screen
from tcpchat.repl.status import Status, clock
from tcpchat.times import MILLISECONDS, Clock


class Listener:
    """Knows who is here, what waits and what is in the way; shows each event on the screen once."""

    def __init__(
        self, screen: Screen, preferences: Preferences, status: Status, clock: Clock, zone: tzinfo
    ) -> None:
        self.roster = Roster()
        self.pending: dict[int, PendingMessage] = {}
        """Your scheduled messages, by number."""
        self._here: dict[str, None] = {}  # of the pages of `users` so far
        self._screen = screen
        self._preferences = preferences
        self._status = status
        self._clock = clock
        self._zone = zone
        self._day: date | None = None
        self._greeted: int | None = None  # the lobby's number then; nobody rings for what is older

    def look(self) -> Look:
        """Return how things are to be shown now."""
        timestamps = self._preferences.on("timestamps")
        width, me = self._screen.width, self._status.me
        return Look(width=width, me=me, timestamps=timestamps, zone=self._zone)

    def hear(self, event: Event) -> None:
        """Keep up with an event, and show it."""
        hearing = self._hearing.get(type(event))
        if hearing is not None:  # else it is of a later version
            hearing(self, event)

    def _message(self, message: Message) -> None:
        mine = message.sender == self._status.me
        self.roster.spoke(message.sender)
        self._show(message)
        old = self._greeted is None or (message.room is not None and message.seq <= self._greeted)
        if mine or old:
            return
        private = message.to is not None
        self._status.unread += private
        if (private or render.is_mention(message.text, self._status.me)) and self._preferences.on("bell"):
            self._screen.bell()

    def _show(self, message: Message) -> None:
        """Show a message, under a line with its day if that is another than of the one before."""
        look = self.look()
        time = local_time(message.at, self._zone)
        if time is not None and time.date() != self._day:
            self._day = time.date()
            self._screen.show(render.day(self._day, look))
        self._screen.show(render.message(message, look))

    def _presence(self, event: Joined | Left) -> None:
        change = self.roster.joined if isinstance(event, Joined) else self.roster.left
        change(event.users)
        self._show_presence(event)

    def _renamed(self, event: Renamed) -> None:
        self.roster.renamed(event.old, event.new)
        if self._status.target == event.old:
            self._status.target = event.new
        if event.new == self._status.me:
            self.complain(f"{event.old} is not yours any more; you are {event.new} now")
        else:
            self._show_presence(event)

    def _show_presence(self, event: Joined | Left | Renamed) -> None:
        if self._preferences.on("joins"):
            self._screen.show(render.presence(event, self.look()))
        else:
            self._screen.refresh()

    def _welcome(self, event: Welcome) -> None:
        if self._greeted is None:
            self._greeted = event.seq

    def _muted(self, event: Muted) -> None:
        self._status.muted_until = self._when(event.until)
        self.complain(event.message)

    def _unsent(self, event: Unsent) -> None:
        self.pending.pop(event.number, None)
        self.complain(f"your scheduled message {event.number} was not sent: {event.message}")

    def _disconnected(self, event: Disconnected) -> None:
        self.notice(f"{event.reason}; trying to come back. What you send waits until then.")

    def _reconnected(self, event: Reconnected) -> None:
        missed = f"{event.missed} messages were missed:" if event.missed else "nothing was missed"
        if event.missed == 1:
            missed = "1 message was missed:"
        self.notice(f"back as {event.user} after {clock(event.seconds)}; {missed}")

    def _skipped(self, event: Skipped) -> None:
        self.notice(f"{event.events} events came faster than they could be shown and were left out")

    def users(self, page: Reply) -> None:
        """Take a page of who is here."""
        if isinstance(page, Users):
            self._here.update(dict.fromkeys(user.name for user in page.users))
            if not page.more:
                self.roster.fill(self._here)
                self._here = {}

    def scheduled(self, reply: Reply) -> None:
        """Take a page of what you scheduled, or what became of one message."""
        if isinstance(reply, Schedule):
            self.pending |= {message.number: message for message in reply.messages}
        elif isinstance(reply, Cancelled):
            self.pending.pop(reply.number, None)

    def still_pending(self) -> dict[int, PendingMessage]:
        """Return your scheduled messages that are not due yet, by number."""
        now = self._clock.now()
        due = [number for number, message in self.pending.items() if self._ms(message.at) <= now]
        for number in due:
            del self.pending[number]
        return self.pending

    def refused(self, error: Error) -> None:
        """Show a refusal, and count down to when it works again."""
        until = trio.current_time() + (error.retry_after or 0)
        if error.code == "muted":
            self._status.muted_until = until
        elif error.code == "rate-limited":
            self._status.limited_until = until
        self._screen.complain(render.refusal(error, self.look()))

    def notice(self, text: str) -> None:
        self._screen.complain(render.notice(clean_line(text), self.look()))

    def complain(self, text: str) -> None:
        self.refused(Error(code="", message=text))

    def _when(self, at: str) -> float:
        """Return a point in time of the server as one of trio's clock."""
        return trio.current_time() + (self._ms(at) - self._clock.now()) / MILLISECONDS

    def _ms(self, at: str) -> float:
        time = local_time(at, self._zone)
        return self._clock.now() if time is None else time.timestamp() * MILLISECONDS

    _hearing: ClassVar[dict[type[Event], Callable[[Listener, Any], None]]] = {
        Message: _message,
        Joined: _presence,
        Left: _presence,
        Renamed: _renamed,
        Welcome: _welcome,
        Muted: _muted,
        Unsent: _unsent,
        Error: refused,
        Disconnected: _disconnected,
        Reconnected: _reconnected,
        Skipped: _skipped,
    }
