"""What stands around the input and in its menu, made anew from what the client and the listener know."""

from __future__ import annotations

from typing import TYPE_CHECKING

import trio

from tcpchat.repl.client_commands import word_choices
from tcpchat.repl.input.choices import CompletionContext
from tcpchat.repl.input.completion import Candidate, complete
from tcpchat.repl.input.parse import COMMAND
from tcpchat.repl.model.preferences import CHOICES, MEANING
from tcpchat.repl.view import status
from tcpchat.repl.view.status import Status
from tcpchat.repl.view.text import Fragments

if TYPE_CHECKING:
    from tcpchat.client import Client
    from tcpchat.repl.model.model import Model
    from tcpchat.repl.model.preferences import Preferences


class View:
    """Of one conversation, for as long as that."""

    def __init__(self, client: Client, listener: Model, status: Status, preferences: Preferences) -> None:
        self._client = client
        self._listener = listener
        self._status = status
        self._preferences = preferences

    def now(self) -> Status:
        """Return what there is to tell, as it is at the moment."""
        view, client = self._status, self._client
        view.me, view.state, view.latency = client.user, client.state, client.latency
        listener = self._listener
        view.here, view.scheduled = len(listener.roster), len(listener.pending.not_due())
        view.unread, view.receipt = listener.reading.unread, listener.receipts.state(view.target)
        view.colours = listener.colours
        return view

    def prompt(self) -> Fragments:
        """Return what stands before the input."""
        return status.prompt(self.now(), trio.current_time())

    def toolbar(self) -> Fragments:
        """Return the line below the input."""
        return status.toolbar(self.now(), trio.current_time())

    def live(self) -> CompletionContext:
        """Return what completion chooses from."""
        pending = self._listener.pending.not_due()
        roster, names = self._listener.roster, self._listener.receipts.names()
        return CompletionContext(
            users=roster.recent(),
            me=self._client.user,
            absent=[name for name in names if name not in roster],
            ignored=self._listener.ignored,
            sessions=self._listener.sessions,
            pending=[(number, message.text) for number, message in pending.items()],
            settings={
                **{name: CHOICES.get(name, ()) for name in MEANING},
                **{word: word_choices(word) for word in self._preferences.words},
            },
            commands=[word for word, answer in self._preferences.words.items() if answer == COMMAND],
        )

    def complete(self, before: str) -> list[Candidate]:
        """Return how what stands before the cursor may go on; an answer to a question does not."""
        return complete(before, self.live()) if self._status.question is None else []
