"""Your messages that go out later, as far as this client knows. Synchronous; asks nobody."""

from __future__ import annotations

from collections.abc import Callable

from tcpchat.protocol import PendingMessage, Schedule


class ScheduledMessages:
    """Scheduled messages by number, and which of them are not yours any more where the data is other data.

    Those of before are known by time and text, since numbers are given again.
    """

    def __init__(self, is_due: Callable[[PendingMessage], bool]) -> None:
        self._is_due = is_due
        self._messages: dict[int, PendingMessage] = {}
        self._held: list[PendingMessage] = []  # what there was when the connection was lost
        self._complete = True  # the list came whole since then
        self._reset = False

    def add(self, message: PendingMessage) -> None:
        self._messages[message.number] = message
        if not self._complete:
            self._held.append(message)

    def remove(self, number: int) -> None:
        """Take it that a message is sent or cancelled."""
        self._messages.pop(number, None)
        if not self._reset:  # else the number is of the new data
            self._held = [message for message in self._held if message.number != number]

    def clear(self) -> None:
        """Forget them, since the list is asked for."""
        self._messages.clear()
        self._complete = False

    def hold(self) -> None:
        """Take it that the connection is lost."""
        if self._complete:  # else there is more to tell of what was held before
            self._held = list(self.not_due().values())

    def reset(self) -> None:
        """Take it that the data is other data, of which the list will tell."""
        self._reset = True

    def listed(self, page: Schedule) -> list[PendingMessage]:
        """Take a page of the list; after the last one return what was there before a reset and is not now."""
        self._messages |= {message.number: message for message in page.messages}
        if page.more:
            return []
        self._complete = True
        there = {(message.at, message.text) for message in self._messages.values()}
        held, reset = self._held, self._reset
        self._held, self._reset = [], False
        return [message for message in held if reset and (message.at, message.text) not in there]

    def not_due(self) -> dict[int, PendingMessage]:
        """Forget those that are due; return the others by number."""
        due = [number for number, message in self._messages.items() if self._is_due(message)]
        for number in due:
            del self._messages[number]
        return self._messages
