"""The conversation on a screen: what events, replies, refusals and notices show there.

It reads the model, and never changes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, tzinfo
from typing import Protocol

from tcpchat.client import Disconnected, Reconnected, Skipped
from tcpchat.protocol import (
    Absent,
    Edited,
    Error,
    Event,
    History,
    Invited,
    Joined,
    Left,
    MemberChanged,
    Message,
    Muted,
    PendingMessage,
    Read,
    ReadHistory,
    Receipt,
    Renamed,
    Reply,
    Request,
    RoomClosed,
    TopicChanged,
    Unmuted,
    Unread,
    Unsent,
)
from tcpchat.repl.model.model import Model
from tcpchat.repl.model.preferences import Preferences
from tcpchat.repl.view import render, render_people, render_replies, render_rooms
from tcpchat.repl.view.clean import clean_line
from tcpchat.repl.view.render_rooms import RoomEvent
from tcpchat.repl.view.text import UNWRAPPED, Fragments, Look, local_time, with_local_times
from tcpchat.repl.view.theme import MONO


class Screen(Protocol):
    """A terminal or a pipe. Nothing of it blocks."""

    @property
    def width(self) -> int:
        """Columns."""

    @property
    def asks(self) -> bool:
        """Whether there is a person to ask."""

    @property
    def has_input(self) -> bool:
        """Whether there is an input line, with a prompt before it."""

    def show(self, fragments: Fragments) -> None:
        """Show messages, and the replies to what was typed."""

    def complain(self, fragments: Fragments) -> None:
        """Show what went wrong, and what happens to the connection."""

    def refresh(self) -> None:
        """Draw the lines around the input again."""

    def bell(self) -> None:
        """Ring."""

    def clear(self) -> None:
        """Begin with an empty screen."""

    def edit(self, line: str, shown: str) -> None:
        """Give a line back to be changed; a screen without an input shows that it was not sent.

        `shown` is the line without what may be a password.
        """

    def use_theme(self, name: str) -> None:
        """Change the colours."""

    def watch_key(self, tell: Callable[[str], None]) -> None:
        """Tell what the next key sends, instead of doing what it does."""


class Display:
    """Shows one conversation, each event once, after the model has taken it."""

    def __init__(self, screen: Screen, model: Model, preferences: Preferences, zone: tzinfo | None) -> None:
        self.screen = screen
        self._model = model
        self._preferences = preferences
        self._zone = zone
        self._day: date | None = None  # of the last message

    @property
    def look(self) -> Look:
        """The way to show things now."""
        return Look(
            width=self.screen.width,
            me=self._model.me,
            timestamps=self._preferences.on("timestamps"),
            zone=self._zone,
            colours=self.colours,
            place=self._model.place,
            markers=self._model.delivery.markers,
        )

    @property
    def colours(self) -> bool:
        """Whether the screen has any."""
        return self.screen.width < UNWRAPPED and self._preferences["theme"] != MONO

    def event(self, event: Event) -> None:  # noqa: C901, PLR0912  # a case for each kind of event
        """Show an event; one of a later version shows nothing."""
        match event:
            case Message() | Edited():
                self._message(event)
            case MemberChanged() | TopicChanged() | RoomClosed():
                self._room_event(event)
            case Invited():
                self.screen.complain(render_rooms.invited(event, self.look))
            case Renamed() if event.new == self._model.me:
                self.fail(f"your name is now {event.new}; it was {event.old}")
            case Joined() | Left() | Renamed():
                self._presence(event)
            case Unread() if self.screen.asks:
                self.screen.complain(render_people.unread(event, self.look))
            case Read() | Receipt():
                self.screen.refresh()
            case Absent():
                self.screen.complain(render_people.absent(event, self.look))
            case Muted():
                self.fail(self._local(event.message))
            case Unmuted():
                self.notice(event.message)
            case Unsent():
                why = self._local(event.message)
                self.fail(f"your scheduled message {event.number} was not sent: {why}")
            case Error():
                self.refuse(event)
            case Disconnected():
                self.notice(f"{self._local(event.reason)}. Reconnecting …; what you send waits until then")
            case Reconnected():
                if event.user and event.refused:
                    self.fail(f"could not resume your session: {self._local(event.refused)}")
                self.notice(render_people.back(event))
            case Skipped():
                self.notice(f"{event.events} events came too fast to be shown and were left out")

    def reply(self, request: Request, reply: Reply) -> None:
        """Show the reply to a request that was typed."""
        if isinstance(reply, History) and isinstance(request, ReadHistory):
            newer = request.after is not None
            self.screen.show(render_replies.history(reply, self.look, newer=newer))
        else:
            self.screen.show(render_replies.reply(reply, self.look))

    def _local(self, text: str) -> str:
        """Return a sentence of the server with its times in the person's zone."""
        return with_local_times(text, self._zone)

    def lost(self, messages: Iterable[PendingMessage]) -> None:
        """Show which scheduled messages the server does not have any more."""
        for message in messages:
            self.fail(
                f"your scheduled message {message.number} is not on the server any more,"
                f" so it may never be sent: {message.text!r}"
            )

    def notice(self, text: str) -> None:
        """Show a line of the client's own."""
        self.screen.complain(render.notice(clean_line(text), self.look))

    def fail(self, text: str) -> None:
        """Show that something went wrong."""
        self.refuse(Error(code="", message=text))

    def refuse(self, error: Error) -> None:
        """Show why something was not done."""
        self.screen.complain(render.refusal(error, self.look))

    def _message(self, message: Message | Edited) -> None:
        """Show a message or an edit, under a line with its day if that is another than of the one before."""
        self._show_day(message.at)
        self.screen.show(render.message(message, self.look))
        if isinstance(message, Message) and self._rings(message):
            self.screen.bell()

    def _show_day(self, at: str) -> None:
        time = local_time(at, self._zone)
        if time is not None and time.date() != self._day:
            self._day = time.date()
            self.screen.show(render.day(self._day, self.look))

    def _room_event(self, event: RoomEvent) -> None:
        """Show what happened in a room; comings and goings only where joins are shown, or if it is you."""
        goes = isinstance(event, MemberChanged) and event.change in {"joined", "left"}
        me = isinstance(event, MemberChanged) and event.username == self._model.me
        if me or not goes or self._preferences.on("joins"):
            self._show_day(event.at)
            self.screen.show(render_rooms.event(event, self.look))

    def _rings(self, message: Message) -> bool:
        model = self._model
        if not self._preferences.on("bell") or model.is_mine(message) or not model.is_new(message):
            return False
        return model.place_of(message).is_direct or render.is_mention(message.text, model.me)

    def _presence(self, event: Joined | Left | Renamed) -> None:
        if self._preferences.on("joins"):
            self.screen.show(render.presence(event, self.look))
        else:
            self.screen.refresh()
