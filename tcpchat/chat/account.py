"""What the operator does with whole users: entries that make one, give one another password, delete one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs

from tcpchat.chat.bans import USER
from tcpchat.chat.chat import Chat
from tcpchat.chat.device import Device
from tcpchat.chat.entry import Delivery, Entry
from tcpchat.chat.schedule import Pending
from tcpchat.chat.setting import end
from tcpchat.chat.user import User
from tcpchat.protocol import Reply
from tcpchat.store import DELETED, Change, DeleteUser, DropDevice, Named, SetAccount

ENDED = "ended"
"""Why connections end whose sessions the operator ended."""
Answer = Callable[[], Reply]


@attrs.define(eq=False)
class CreateEntry(Entry):
    """Keep a claimed name for a user who has no session yet."""

    chat: Chat
    user: User
    hash: str = attrs.field(repr=False)
    created: Answer
    _at: int = attrs.field(default=0, init=False)

    def prepare(self, at: int) -> Sequence[Change]:
        self._at = at
        return [*self.keep(self.user, at), SetAccount(self.user.id, at, self.hash)]

    def settle(self, delivery: Delivery) -> None:
        chat, user = self.chat, self.user
        user.registered = self._at
        chat.people.directory.register(Named(user.id, user.key, user.name, self._at, None))
        chat.hub.know(user)
        chat.people.identities.absent(user, chat.clock.monotonic(), here=False)
        self.reply = self.created()

    def drop(self) -> None:
        self.chat.hub.release(self.user, self.user.key)


@attrs.define(eq=False)
class ResetEntry(Entry):
    """Give a registered user another password, and end all sessions."""

    chat: Chat
    user: User
    named: Named
    hash: str = attrs.field(repr=False)
    done: Answer
    _ended: list[Device] = attrs.field(factory=list, init=False)

    def prepare(self, at: int) -> Sequence[Change]:
        assert self.named.registered is not None
        drops = [DropDevice(device.hash) for device in self.user.devices]
        self._ended = end(self.user.devices)
        return [SetAccount(self.user.id, self.named.registered, self.hash), *drops]

    def undo(self) -> None:
        super().undo()
        for device in self._ended:
            device.over = False

    def settle(self, delivery: Delivery) -> None:
        for device in list(self.user.devices):
            self.chat.people.drop(device, ENDED)
        # Another object, by which a login sees that the password that it checked is not the password now.
        self.chat.people.directory.register(self.named._replace())
        self.reply = self.done()


def hide(chat: Chat, user: User) -> None:
    """Let nobody find a user who is to be deleted."""
    chat.people.deleted.add(user.id)
    chat.hub.depart(user)
    user.name = DELETED


@attrs.define(eq=False)
class DeleteEntry(Entry):
    """Leave nothing of a user but the numbers and times of what the user said.

    The user is hidden and has no connection, and nobody can become the user. What was sent to the user, and
    what came due of the user's, is before this in the pipeline, since this is submitted at once.
    """

    chat: Chat
    user: User
    name: str
    """What the user was called before."""
    deleted: Answer
    _pending: list[Pending] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        chat = self.chat
        chat.people.identities.written(self.user)
        self._pending = chat.schedule.of(self.user.id)
        for pending in self._pending:
            chat.schedule.remove(pending)

    def prepare(self, at: int) -> Sequence[Change]:
        return (DeleteUser(self.user.id),)

    def settle(self, delivery: Delivery) -> None:
        chat, user = self.chat, self.user
        user.kept = False
        chat.people.identities.delete(user)
        chat.marks.forget(user)
        if chat.hub.find_known(user.id) is user:
            chat.hub.gone(user)
        chat.people.directory.drop(user.id)
        for other in list(chat.hub.ignored_by.get(user.id, ())):
            chat.hub.ignore(other, other.ignored - {user.id})
        chat.moderation.forget(user)
        chat.bans.take(USER, user.id)
        chat.hub.lobby.erase(user.id)
        self.reply = self.deleted()

    def drop(self) -> None:
        self.user.name = self.name
        self.chat.people.deleted.discard(self.user.id)
        for pending in self._pending:
            self.chat.schedule.add(pending)
        self.chat.people.identities.write(self.user)
