"""One conversation with a server: puts the model, the display, the calls and the lines together.

Hands on events and replies, and derives what stands around the input. Knows no terminal.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import tzinfo
from functools import partial

import trio

from tcpchat.client import (
    Client,
    Disconnected,
    DisconnectedError,
    Online,
    Reconnected,
    RefusedError,
)
from tcpchat.protocol import (
    Event,
    LoggedIn,
    LoggedOut,
    Muted,
    Registered,
    Reply,
    Request,
    Resumed,
    Unmuted,
)
from tcpchat.repl import sync
from tcpchat.repl.calls import Calls
from tcpchat.repl.client_commands import word_choices
from tcpchat.repl.input.choices import CompletionContext
from tcpchat.repl.input.completion import Candidate, complete
from tcpchat.repl.lines import Lines
from tcpchat.repl.model.model import Model
from tcpchat.repl.model.preferences import CHOICES, COMMAND, MEANING, Preferences
from tcpchat.repl.view import status
from tcpchat.repl.view.display import Display, Screen
from tcpchat.repl.view.status import Status
from tcpchat.repl.view.text import Fragments
from tcpchat.times import Clock

LISTED_WITHIN = 2.0  # seconds


class Controller:
    """One conversation, over reconnects, until `leave`, or until the client gives up."""

    def __init__(
        self,
        client: Client,
        screen: Screen,
        preferences: Preferences,
        clock: Clock,
        zone: tzinfo | None,
        *,
        hosting: bool = False,
    ) -> None:
        self.hosting = hosting
        """Whether the server stops with this program."""
        self.gave_up: DisconnectedError | RefusedError | None = None
        """Why there is no client any more: it was lost, or the server refuses it from now on."""
        self.model = Model(client.user, clock, trio.current_time)
        self.display = Display(screen, self.model, preferences, zone)
        self._client = client
        self._screen = screen
        self._preferences = preferences
        self._countdown = trio.lowlevel.ParkingLot()
        self._markers_moved = trio.lowlevel.ParkingLot()
        self._lists_due = 0
        self._listed = trio.Event()
        self._calls = Calls(client, self.model, self.display, self._countdown, self._take_reply)
        self.lines = Lines(client, self.model, self.display, self._calls, preferences, hosting=hosting)

    @property
    def failures(self) -> int:
        """How many lines failed."""
        return self.lines.failures + self._calls.failures

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Run until `leave`, or until the client gives up."""
        async with trio.open_nursery() as nursery:
            await nursery.start(self._calls.run)
            nursery.start_soon(self._count_down)
            nursery.start_soon(self._listen)
            if self._screen.asks:
                markers, moved = self.model.markers, self._markers_moved
                nursery.start_soon(sync.update_markers, markers, moved, self._is_online, self._mark_read)
            self._request_lists()
            task_status.started()
            await self.lines.left.wait()
            if self.gave_up is not None:
                await self.wait_settled()  # which shows what was not sent
            self._calls.give_up()
            nursery.cancel_scope.cancel()

    async def wait_settled(self) -> None:
        """Wait until every line has its reply, and for a moment until that is shown."""
        await self._calls.wait_settled()

    async def _listen(self) -> None:
        self.gave_up = await sync.listen(self._client, self._take_event)
        self.lines.left.set()

    def _take_event(self, event: Event) -> None:
        self.model.me = self._client.user
        self.model.apply(event)
        self.display.event(event)
        self._calls.apply(event)
        if isinstance(event, Disconnected | Reconnected | Muted | Unmuted):
            self._countdown.unpark_all()
        if isinstance(event, Reconnected):
            self._request_lists()

    def _take_reply(self, request: Request, reply: Reply) -> None:
        """Take a reply before any later event."""
        self.model.me = self._client.user
        self.display.lost(self.model.apply_reply(request, reply))
        if isinstance(reply, LoggedIn | LoggedOut | Resumed | Registered):
            self._request_lists()

    def _request_lists(self) -> None:
        """Request the lists of users, scheduled messages and direct rooms."""
        self.model.scheduled.clear()
        self._lists_due = sync.request_lists(self._client, self._take_page, self._end_list)
        self._markers_moved.unpark_all()

    def _end_list(self) -> None:
        self._lists_due -= 1
        if not self._lists_due:
            self._listed.set()
        self._screen.refresh()

    async def wait_listed(self) -> None:
        """Wait until it is known who is here, so that `/to NAME` can be checked.

        It does not wait long, since the server may be slow.
        """
        if self._client.user:  # else the server lists nothing
            with trio.move_on_after(LISTED_WITHIN):
                await self._listed.wait()

    def _take_page(self, page: Reply) -> None:
        self.display.lost(self.model.add_page(page))
        self._countdown.unpark_all()  # it may say that you are muted

    def _is_online(self) -> bool:
        return isinstance(self._client.state, Online)

    def _mark_read(self, request: Request) -> None:
        """Move a read marker on the server; where that fails, the next one does it."""
        with suppress(DisconnectedError):
            self._client.request_nowait(request, on_reply=partial(self._take_reply, request))

    async def _count_down(self) -> None:
        """Draw the lines around the input again while something in them counts down."""
        while True:
            until = status.changes_at(self.status(), trio.current_time())
            with trio.move_on_at(float("inf") if until is None else until):
                await self._countdown.park()
            if self.model.take_end_of_mute():
                self.display.notice("the mute is over: you may send again")
            self._screen.refresh()

    def status(self) -> Status:
        """Return everything that the lines around the input show, as it is now."""
        model, client, question = self.model, self._client, self.lines.question
        return Status(
            address=where(client),
            me=client.user,
            place=model.place,
            state=client.state,
            latency=client.latency,
            here=len(model.roster),
            unread=model.markers.unread,
            scheduled=len(model.scheduled.pending()),
            muted_until=model.muted_until,
            limited_until=model.limited_until,
            question=None if question is None else question.short,
            away=model.away,
            delivery=model.delivery.last(model.place),
            colours=self.display.colours,
        )

    def prompt(self) -> Fragments:
        """Return the text before the input."""
        return status.prompt(self.status(), trio.current_time())

    def toolbar(self) -> Fragments:
        """Return the line below the input."""
        return status.toolbar(self.status(), trio.current_time())

    def waiting(self) -> Fragments:
        """Return the lines above the input: messages that are not acknowledged, and lines that wait."""
        sent, lines = self._calls.waiting(), status.waiting_lines(self.lines.waiting)
        return [*sent, ("", "\n"), *lines] if sent and lines else [*sent, *lines]

    def complete(self, before: str, *, asked: bool = False) -> list[Candidate]:
        """Return how the text before the cursor may go on; an answer to a question does not.

        `asked` if the person pressed Tab, instead of just typing on.
        """
        if self.lines.question is not None:
            return []
        return complete(before, self.completion_context(), asked=asked)

    def completion_context(self) -> CompletionContext:
        """Return what completion chooses from."""
        model, words = self.model, self._preferences.words
        return CompletionContext(
            users=model.roster.recent(),
            me=self._client.user,
            absent=[name for name in model.delivery.users() if name not in model.roster],
            ignored=model.ignored,
            sessions=model.sessions,
            own=model.own_messages(),
            place=model.place,
            rooms=sorted(model.rooms),
            pending=[(number, message.text) for number, message in model.scheduled.pending().items()],
            settings={
                **{name: CHOICES.get(name, ()) for name in MEANING},
                **{word: word_choices(word) for word in words},
            },
            commands=[word for word, answer in words.items() if answer == COMMAND],
        )

    def see(self) -> None:
        """Take it that the person is there and sees what is shown."""
        unread = self.model.markers.see()
        if self.model.markers.are_due:
            self._markers_moved.unpark_all()
        if unread:
            self._screen.refresh()

    def enter(self, line: str, *, pasted: bool = False) -> None:
        """Handle a line, unless the person has left; `pasted` if it begins with several pasted lines."""
        if not self.lines.left.is_set():
            self.see()
            self.lines.enter(line, pasted=pasted)

    def leave_now(self) -> None:
        """Leave without asking, as a signal wants it."""
        self.lines.left.set()


def where(client: Client) -> str:
    """Return the server's address as people read it."""
    return str(client.address) if client.tls is None else f"{client.address} TLS"
