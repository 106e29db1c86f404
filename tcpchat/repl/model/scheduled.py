"""Your messages that go out later, as far as this client knows. Pure."""

from __future__ import annotations

from collections.abc import Callable

from tcpchat.protocol import PendingMessage, Schedule


class ScheduledMessages:
    """Scheduled messages by number, and those that were lost with the data of a server.

    After the server's data was replaced, a message from before is recognised by its time and text, since
    numbers are given again.
    """

    def __init__(self, is_due: Callable[[PendingMessage], bool]) -> None:
        self._is_due = is_due
        self._messages: dict[int, PendingMessage] = {}
        self._held: list[PendingMessage] = []  # those when the connection was lost
        self._complete = True  # the whole list was received since then
        self._replaced = False

    def add(self, message: PendingMessage) -> None:
        """Take a message that was just scheduled."""
        self._messages[message.number] = message
        if not self._complete:
            self._held.append(message)

    def remove(self, number: int) -> None:
        """Take it that a message was sent or cancelled."""
        self._messages.pop(number, None)
        if not self._replaced:  # else the number is of the new data
            self._held = [message for message in self._held if message.number != number]

    def clear(self) -> None:
        """Forget them, since the list is requested."""
        self._messages.clear()
        self._complete = False

    def hold(self) -> None:
        """Take it that the connection is lost."""
        if self._complete:  # else some that were held before are not accounted for
            self._held = list(self.pending().values())

    def data_replaced(self) -> None:
        """Take it that the server has other data now; the list follows."""
        self._replaced = True

    def add_page(self, page: Schedule) -> list[PendingMessage]:
        """Take a page of the list; after the last one return the messages that were lost with the data."""
        self._messages |= {message.number: message for message in page.messages}
        if page.more:
            return []
        self._complete = True
        present = {(message.at, message.text) for message in self._messages.values()}
        held, replaced = self._held, self._replaced
        self._held, self._replaced = [], False
        return [message for message in held if replaced and (message.at, message.text) not in present]

    def pending(self) -> dict[int, PendingMessage]:
        """Return those that are not due yet, by number; the others are forgotten."""
        due = [number for number, message in self._messages.items() if self._is_due(message)]
        for number in due:
            del self._messages[number]
        return self._messages
