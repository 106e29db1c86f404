"""Operations on scheduled messages: schedule, cancel, send when due, or give up."""

from __future__ import annotations

import attrs

from tcpchat.chat.draft import Draft
from tcpchat.chat.fanout import Fanout
from tcpchat.chat.operations.base import Operation
from tcpchat.chat.operations.messages import Keyed, SendMessages
from tcpchat.chat.operations.users import requester_of
from tcpchat.chat.room import Kind, kind_of
from tcpchat.chat.schedule import RETRY, describe
from tcpchat.chat.state import ServerState
from tcpchat.chat.user import User
from tcpchat.errors import ChatError
from tcpchat.protocol import Cancelled, Error, Scheduled, Unsent, encode
from tcpchat.store.changes import DropScheduled, NewKey, NewScheduled, peer_of


@attrs.define(eq=False, kw_only=True)
class ScheduleMessage(Keyed):
    """Schedule a message. It is not pending, so it cannot come due, before it is on disk."""

    pending: NewScheduled

    def decide(self, draft: Draft) -> None:
        pending, author = self.pending, requester_of(draft, self.author)
        if self.repeats(draft, author):
            return
        draft.ensure_row(author)
        if kind_of(pending.room) is Kind.DIRECT:
            recipient = draft.user(peer_of(pending.room, self.author))
            if recipient is not None:
                draft.ensure_row(recipient)
        draft.add(pending)
        if self.key is not None:
            to, number, due = pending.recipient_name, pending.number, pending.due
            key = NewKey(self.author, self.key, draft.at, pending.room, to, None, number, due)
            self.keep_key(draft, author, key)

    def conclude(self, state: ServerState, fanout: Fanout) -> None:
        if self._first is None:
            shown = describe(self.pending)
            self.reply = Scheduled(number=shown.number, room=shown.room, username=shown.username, at=shown.at)

    def release(self, state: ServerState) -> None:
        Keyed.release(self, state)
        author = state.users.get(self.author)
        if author is not None:
            author.scheduling -= 1


@attrs.define(eq=False, kw_only=True)
class CancelMessage(Operation):
    """Cancel a message that is held in the schedule, so that nothing else sends or cancels it."""

    pending: NewScheduled

    def decide(self, draft: Draft) -> None:
        draft.add(DropScheduled(self.pending.id))

    def conclude(self, state: ServerState, fanout: Fanout) -> None:
        self.reply = Cancelled(number=self.pending.number, text=self.pending.text)

    def release(self, state: ServerState) -> None:
        state.schedule.let_go(self.pending.id)


@attrs.define(eq=False, kw_only=True)
class SendDue(SendMessages):
    """Send a message that came due: it leaves the schedule with the same commit that keeps it."""

    pending: NewScheduled

    def find_author(self, draft: Draft) -> User | None:
        """Return the author, if in memory; a guest may be gone for good, whose row stays."""
        if draft.is_deleted(self.author):
            raise ChatError("no-such-user", "its author was deleted")
        return draft.state.users.get(self.author)

    def decide(self, draft: Draft) -> None:
        SendMessages.decide(self, draft)
        draft.add(DropScheduled(self.pending.id))

    def release(self, state: ServerState) -> None:
        release_due(state, self.pending, self)


@attrs.define(eq=False, kw_only=True)
class GiveUpDue(Operation):
    """Do not send a message that came due, and notify its author if still in memory."""

    pending: NewScheduled
    why: Error

    def decide(self, draft: Draft) -> None:
        draft.add(DropScheduled(self.pending.id))

    def conclude(self, state: ServerState, fanout: Fanout) -> None:
        pending, author = self.pending, state.users.get(self.pending.author)
        if author is not None:
            code, message = self.why.code, self.why.message
            unsent = Unsent(number=pending.number, text=pending.text, code=code, message=message)
            fanout.deliver_or_queue(author, encode(unsent))

    def release(self, state: ServerState) -> None:
        release_due(state, self.pending, self)


def release_due(state: ServerState, pending: NewScheduled, operation: Operation) -> None:
    """Let a due message be tried again a little later if it was not sent, for it was accepted.

    After a bug it would fail for ever: then it stays on disk until the next start.
    """
    reply = operation.reply
    if not isinstance(reply, Error):
        return
    if reply.code == "internal":
        state.schedule.drop(pending.id)
    else:
        state.schedule.retry(pending.id, state.clock.now() + RETRY)
