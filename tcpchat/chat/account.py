"""Accounts and sessions: entries that make, change and end them.

Each is made on what the ones before it in the pipeline left. So a password that changes ends every session
that began before it, and refuses every login that was checked before it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import attrs

from tcpchat.chat.bans import USER
from tcpchat.chat.chat import Chat
from tcpchat.chat.device import Device
from tcpchat.chat.entry import Delivery, Entry
from tcpchat.chat.people import People
from tcpchat.chat.receiver import Receiver
from tcpchat.chat.user import User
from tcpchat.errors import ChatError
from tcpchat.protocol import Registered, Reply
from tcpchat.store.changes import Change, DeleteUser, EndSession, SetAccount
from tcpchat.store.rows import NameRow

REVOKED = "revoked"
"""Why connections end whose sessions their user ended."""
ENDED = "ended"
"""The same, if it was the operator."""
WRONG = "there is no registered user of this name with this password"


@attrs.define(eq=False)
class EndEntry(Entry):
    """End sessions: nobody comes back with their tokens. A connection that `stays` is still attached then."""

    people: People
    devices: Sequence[Device]
    why: str = REVOKED
    stays: Receiver | None = None
    _ended: list[Device] = attrs.field(factory=list, init=False)

    def prepare(self, at: int) -> Sequence[Change]:
        self._ended = [device for device in self.devices if not device.over]
        for device in self._ended:
            device.over = True  # what is prepared later does not write it again
        return [EndSession(device.hash) for device in self.devices if device.user.kept]

    def undo(self) -> None:
        super().undo()
        for device in self._ended:
            device.over = False

    def settle(self, delivery: Delivery) -> None:
        for device in self.devices:
            self.people.end(device, self.why, self.stays)


@attrs.define(eq=False)
class PasswordEntry(EndEntry):
    """Give a registered user another password, and end all sessions but the one that `keeps` on."""

    devices: Sequence[Device] = attrs.field(factory=list, init=False)
    user: User = attrs.field(kw_only=True)
    hash: str = attrs.field(kw_only=True, repr=False)
    keeps: Device | None = attrs.field(kw_only=True, default=None)
    password: int | None = attrs.field(kw_only=True, default=None)
    """How many changes ago the password was right that it was asked with; None: nobody asked for one."""
    changed: Callable[[int], Reply] = attrs.field(kw_only=True)
    """Makes the reply, given how many sessions ended."""

    def prepare(self, at: int) -> Sequence[Change]:
        user = self.user
        if user.deleted or user.registered is None:
            raise ChatError("no-such-user", f"{user.name} is not registered any more", name=user.name)
        password = self.people.directory.password(user.id)
        if self.password is not None and not password.is_still(self.password):
            raise ChatError("wrong-login", "your password changed a moment ago", field="password")
        password.begin()
        self.devices = [device for device in user.lasting() if device is not self.keeps]
        return [SetAccount(user.id, user.registered, self.hash), *super().prepare(at)]

    def undo(self) -> None:
        super().undo()
        self.people.directory.password(self.user.id).finish()

    def settle(self, delivery: Delivery) -> None:
        self.people.directory.password(self.user.id).finish()
        self.reply = self.changed(len(self.devices))
        super().settle(delivery)


@attrs.define(eq=False)
class LoginEntry(EndEntry):
    """Begin a session of a registered user, and end the least used one if there are too many.

    It is refused if the password is not the one any more that was checked.
    """

    devices: Sequence[Device] = attrs.field(factory=list, init=False)
    user: User = attrs.field(kw_only=True)
    password: int = attrs.field(kw_only=True)
    """How many changes ago the password was right, as `Directory.password` counts them."""
    most: int = attrs.field(kw_only=True)
    name: str = attrs.field(kw_only=True)
    address: str = attrs.field(kw_only=True)
    device: Device = attrs.field(init=False)
    token: str = attrs.field(init=False, repr=False)

    def prepare(self, at: int) -> Sequence[Change]:
        user = self.user
        if user.deleted or not self.people.directory.password(user.id).is_still(self.password):
            raise ChatError("wrong-login", WRONG)
        others = user.lasting()
        self.device, self.token = self.people.new_device(user, None, self.name, self.address)
        if self.most and len(others) >= self.most:
            self.devices = [min(others, key=lambda device: (device.connection is not None, device.used))]
        return [self.device.change(), *super().prepare(at)]

    def undo(self) -> None:
        super().undo()
        self.people.identities.drop(self.device)


@attrs.define(eq=False)
class RegisterEntry(Entry):
    """Keep a guest's name for good."""

    people: People
    user: User
    hash: str = attrs.field(repr=False)
    device: Device
    device_name: str | None
    _at: int = attrs.field(default=0, init=False)
    _before: str = attrs.field(default="", init=False)

    def prepare(self, at: int) -> Sequence[Change]:
        kept = self.keep(self.user, at)
        self._at, self._before = at, self.device.name
        self.device.name = self.device_name or self.device.name
        return [*kept, SetAccount(self.user.id, at, self.hash), self.device.change()]

    def undo(self) -> None:
        super().undo()
        self.device.name = self._before

    def settle(self, delivery: Delivery) -> None:
        register(self.people, self.user, self._at)
        self.reply = Registered(user=self.user.name)


@attrs.define(eq=False)
class CreateEntry(Entry):
    """Keep a claimed name for a user who has no session yet."""

    chat: Chat
    user: User
    hash: str = attrs.field(repr=False)
    created: Reply
    _at: int = attrs.field(default=0, init=False)

    def prepare(self, at: int) -> Sequence[Change]:
        self._at = at
        return [*self.keep(self.user, at), SetAccount(self.user.id, at, self.hash)]

    def settle(self, delivery: Delivery) -> None:
        people = self.chat.people
        register(people, self.user, self._at)
        people.hub.know(self.user)
        people.identities.absent(self.user, self.chat.clock.monotonic(), here=False)
        self.reply = self.created

    def drop(self) -> None:
        self.chat.hub.release(self.user, self.user.key)


def register(people: People, user: User, at: int) -> None:
    """Let the user be registered since then, in ms since 1970."""
    user.registered = at
    user.changed()
    people.directory.register(NameRow(user.id, user.key, user.name, at, user.left))


@attrs.define(eq=False)
class DeleteEntry(Entry):
    """Leave nothing of a user but the numbers and times of what the user said.

    Whatever is prepared after this and would write of the user is refused, so that nothing comes after it.
    """

    chat: Chat
    user: User
    deleted: Callable[[int], Reply]
    """Makes the reply, given how many connections ended."""
    _was_kept: bool = attrs.field(default=False, init=False)

    def prepare(self, at: int) -> Sequence[Change]:
        user = self.user
        if user.deleted:
            raise ChatError("no-such-user", f"{user.name} was deleted a moment ago", name=user.name)
        self._was_kept = user.kept
        user.deleted, user.kept = True, False
        self.chat.people.deleted.add(user.id)
        return (DeleteUser(user.id),)

    def undo(self) -> None:
        super().undo()
        self.user.deleted, self.user.kept = False, self._was_kept
        self.chat.people.deleted.discard(self.user.id)
        self.chat.people.identities.write(self.user)

    def settle(self, delivery: Delivery) -> None:
        chat, user = self.chat, self.user
        self.reply = self.deleted(len(user.connections))
        chat.people.delete(user, ENDED)
        for pending in chat.schedule.of(user.id):
            chat.schedule.remove(pending)
        chat.marks.forget(user)
        chat.moderation.forget(user)
        chat.bans.take(USER, user.id)
        chat.hub.lobby.erase(user.id)
