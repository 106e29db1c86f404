"""How far your private messages got, and with whom you have talked. Synchronous; asks nobody."""

from __future__ import annotations

import attrs

from tcpchat.protocol import Conversations, Message, Receipt
from tcpchat.repl.view.text import DeliveryState, get, how_far


@attrs.define
class _Conversation:
    username: str
    own: int = 0
    """The last message of yours that this client heard of."""


class Receipts:
    """Keeps the marks of each conversation of one user; `forget` when you are somebody else."""

    def __init__(self) -> None:
        self.marks: dict[str, tuple[int, int]] = {}
        """By conversation up to which message it was delivered, and read."""
        self._conversations: dict[str, _Conversation] = {}
        self._last: str | None = None  # the conversation in which something was said last

    def forget(self) -> None:
        self.marks.clear()
        self._conversations.clear()
        self._last = None

    def names(self) -> list[str]:
        """Return with whom you have talked, the last one first."""
        names = [conversation.username for conversation in self._conversations.values()]
        return list(dict.fromkeys(reversed(names)))

    def listed(self, page: Conversations) -> None:
        """Take a page of the server's list."""
        for item in page.conversations:
            self._mark(get(item, "room"), get(item, "username"), item)

    def told(self, receipt: Receipt) -> None:
        """Take what became of messages."""
        self._mark(receipt.room, receipt.username, receipt)

    def _mark(self, id: str, username: str, marks: object) -> None:
        one = self._conversations.setdefault(id, _Conversation(username))
        one.username = username
        delivered, seen = self.marks.get(id, (0, 0))
        self.marks[id] = max(delivered, get(marks, "delivered") or 0), max(seen, get(marks, "seen") or 0)

    def said(self, message: Message, *, mine: bool) -> None:
        """Note that something was said privately."""
        if message.to is None:
            return
        other = message.to if mine else message.sender
        one = self._conversations.pop(message.room, None) or _Conversation(other)
        self._conversations[message.room] = one  # the last one stands at the end
        self._last = message.room
        one.username = other
        if mine:
            one.own = max(one.own, message.seq)

    def renamed(self, old: str, new: str) -> None:
        for one in self._conversations.values():
            one.username = new if one.username == old else one.username

    def state(self, target: str | None) -> tuple[str, DeliveryState] | None:
        """Return to whom your last private message went and how far it got; with `target` to that user."""
        id = self._last
        if target is not None:
            ids = (id for id, one in self._conversations.items() if one.username == target)
            id = next(ids, None)
        if id is None or not self._conversations[id].own:
            return None
        one = self._conversations[id]
        return one.username, how_far(one.own, self.marks.get(id, (0, 0)))
