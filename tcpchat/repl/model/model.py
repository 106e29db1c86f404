"""What the server says: kept up with, and shown. Synchronous, event by event."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, tzinfo
from typing import Any, ClassVar

import trio

from tcpchat.client import Disconnected, Reconnected, Skipped
from tcpchat.protocol import (
    Absent,
    Away,
    Back,
    Cancelled,
    Conversations,
    Error,
    Event,
    History,
    Ignoring,
    Joined,
    Left,
    LoggedIn,
    LoggedOut,
    Message,
    Muted,
    Read,
    ReadHistory,
    Receipt,
    Renamed,
    Reply,
    Request,
    Resumed,
    Schedule,
    Sessions,
    Unread,
    Unsent,
    Users,
    Welcome,
    is_direct,
)
from tcpchat.repl.model.markers import ReadMarkers
from tcpchat.repl.model.preferences import Preferences
from tcpchat.repl.model.receipts import Receipts
from tcpchat.repl.model.roster import Roster
from tcpchat.repl.model.scheduled import ScheduledMessages
from tcpchat.repl.view import render
from tcpchat.repl.view import render_people as about
from tcpchat.repl.view.clean import clean_line
from tcpchat.repl.view.screen import Screen
from tcpchat.repl.view.status import Status
from tcpchat.repl.view.text import UNWRAPPED, Look, get, local_time
from tcpchat.times import MILLISECONDS, Clock


class Model:
    """Knows who is here, what waits and what is in the way; shows each event on the screen once."""

    def __init__(
        self, screen: Screen, preferences: Preferences, status: Status, clock: Clock, zone: tzinfo
    ) -> None:
        self.roster = Roster()
        self.pending = ScheduledMessages(lambda message: self._ms(message.at) <= clock.now())
        self.reading = ReadMarkers()
        self.receipts = Receipts()
        self.ignored: list[str] = []
        """Of whom you hear nothing, if that was asked for."""
        self.sessions: list[tuple[int, str]] = []
        """Number and device of your sessions, if they were asked for."""
        self._before: dict[str, int] | None = None  # by conversation its last message when you came
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
        return Look(
            width=self._screen.width,
            me=self._status.me,
            timestamps=self._preferences.on("timestamps"),
            zone=self._zone,
            colours=self.colours,
            marks=self.receipts.marks,
        )

    @property
    def colours(self) -> bool:
        """Whether the screen has any."""
        return self._screen.width < UNWRAPPED and self._preferences["theme"] != "mono"

    def hear(self, event: Event) -> None:
        """Keep up with an event, and show it."""
        hearing = self._hearing.get(type(event))
        if hearing is not None:  # else it is of a later version
            hearing(self, event)

    def _message(self, message: Message) -> None:
        mine = message.sender == self._status.me
        private = message.to is not None
        self.reading.show(message, mine=mine)
        self.roster.spoke(message.sender)
        if private:
            self.receipts.said(message, mine=mine)
        self._show(message)
        if mine or self._is_old(message):
            return
        if (private or render.is_mention(message.text, self._status.me)) and self._preferences.on("bell"):
            self._screen.bell()

    def _is_old(self, message: Message) -> bool:
        """Say whether it was said before you came, so that nobody rings for it."""
        if is_direct(message.room):
            return message.seq <= (self._before or {}).get(message.room, 0)
        return self._greeted is None or message.seq <= self._greeted

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
        self.receipts.renamed(event.old, event.new)
        if self._status.target == event.old:
            self._status.target = event.new
        if event.new == self._status.me:
            self.complain(f"you are {event.new} now, and not {event.old} any more")
        else:
            self._show_presence(event)

    def _show_presence(self, event: Joined | Left | Renamed) -> None:
        if self._preferences.on("joins"):
            self._screen.show(render.presence(event, self.look()))
        else:
            self._screen.refresh()

    def _welcome(self, event: Welcome) -> None:
        if self.reading.welcome(event.journal, event.seq):
            self._begin_anew()
        if self._greeted is None:
            self._greeted = event.seq

    def _unread(self, event: Unread) -> None:
        self.reading.told(event)
        if self._before is None:
            self._before = {get(item, "room"): get(item, "seq") for item in event.rooms}
        if self._screen.asks:
            self._screen.complain(about.unread(event, self.look()))

    def _read(self, event: Read) -> None:
        self.reading.read(event)
        self._screen.refresh()

    def _receipt(self, event: Receipt) -> None:
        self.receipts.told(event)
        self._screen.refresh()

    def _absent(self, event: Absent) -> None:
        self._screen.complain(about.absent(event, self.look()))

    def _muted(self, event: Muted) -> None:
        self._status.muted_until = self._when(event.until)
        self.complain(event.message)

    def _unsent(self, event: Unsent) -> None:
        self.pending.remove(event.number)
        self.complain(f"your scheduled message {event.number} was not sent: {event.message}")

    def _disconnected(self, event: Disconnected) -> None:
        self.pending.hold()
        self.notice(f"{event.reason}; trying to come back. What you send waits until then.")

    def _reconnected(self, event: Reconnected) -> None:
        if event.user and event.refused:
            self.complain(f"you are not who you were: {event.refused}")
        self.notice(about.back(event))

    def _skipped(self, event: Skipped) -> None:
        self.notice(f"{event.events} events came faster than they could be shown and were left out")

    def users(self, page: Reply) -> None:
        """Take a page of who is here."""
        if isinstance(page, Users):
            self._here.update(dict.fromkeys(user.name for user in page.users))
            for user in page.users:
                if user.name == self._status.me:
                    self._status.away = user.away
            if not page.more:
                self.roster.fill(self._here)
                self._here = {}

    def scheduled(self, reply: Reply) -> None:
        """Take a page of what you scheduled, or what became of one message."""
        if isinstance(reply, Schedule):
            for message in self.pending.listed(reply):
                gone = f"your scheduled message {message.number} is not there for {self._status.me}"
                self.complain(f"{gone}, so it may never be sent: {message.text!r}")
        elif isinstance(reply, Cancelled):
            self.pending.remove(reply.number)

    def conversations(self, page: Reply) -> None:
        """Take a page of those with whom you talked."""
        if isinstance(page, Conversations):
            self.receipts.listed(page)

    def replied(self, request: Request, reply: Reply) -> None:
        """Take from the answer to what was typed what is to be known later."""
        self.scheduled(reply)
        self.conversations(reply)
        match reply:
            case Renamed():
                self.roster.renamed(reply.old, reply.new)
                self.receipts.renamed(reply.old, reply.new)
            case LoggedIn() | LoggedOut() | Resumed():
                self._become_another()
            case Away():
                self._status.away = reply.text
            case Back():
                self._status.away = None
            case Read():
                self.reading.read(reply)
            case Unread():
                self.reading.told(reply)
            case History() if isinstance(request, ReadHistory):
                self.reading.show_history(request, reply)
            case Sessions():
                self.sessions = [(get(item, "number"), get(item, "device")) for item in reply.sessions]
            case Ignoring():
                self.ignored = list(reply.users)

    def _become_another(self) -> None:
        """Forget what was known of the user that you were."""
        self.reading.forget()
        self._forget()
        self._status.target = self._status.away = None

    def _begin_anew(self) -> None:
        """Forget what other data said. Text goes to whom it went: it must not become public by surprise."""
        self._forget()
        self.pending.reset()
        self._greeted, self._status.muted_until = None, 0.0

    def _forget(self) -> None:
        self.receipts.forget()
        self.ignored, self.sessions, self._before = [], [], None

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

    _hearing: ClassVar[dict[type[Event], Callable[[Model, Any], None]]] = {
        Message: _message,
        Joined: _presence,
        Left: _presence,
        Renamed: _renamed,
        Welcome: _welcome,
        Unread: _unread,
        Read: _read,
        Receipt: _receipt,
        Absent: _absent,
        Muted: _muted,
        Unsent: _unsent,
        Error: refused,
        Disconnected: _disconnected,
        Reconnected: _reconnected,
        Skipped: _skipped,
    }
