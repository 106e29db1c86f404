"""Who a connection is: coming back, registering, logging in and out, and the sessions of a user."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import attrs

from tcpchat.chat.device import DEVICE_CHARACTERS, Device
from tcpchat.chat.entry import Delivery, Entry
from tcpchat.chat.identity import hash_token
from tcpchat.chat.room import RECENT
from tcpchat.chat.setting import EndEntry
from tcpchat.chat.user import User
from tcpchat.errors import ChatError
from tcpchat.names import LONGEST_NAME, skeleton
from tcpchat.protocol import (
    GUEST,
    LoggedIn,
    LoggedOut,
    PasswordChanged,
    Registered,
    Resumed,
    Revoked,
    Sessions,
    encode,
)
from tcpchat.store import Change, Identity, Named, SetAccount

if TYPE_CHECKING:
    from tcpchat.chat.chat import Chat
    from tcpchat.chat.context import Context

CHUNK = 256 * 1024  # bytes of missed messages that a connection gets before it must have read most of them
MOST_BEHIND = 20  # messages that are read at once at least, however long they are
WRONG = "there is no registered user of this name with this password"


@attrs.frozen
class Access:
    """Does it for one connection."""

    context: Context

    async def resume(self, token: str, after: int | None) -> Resumed:
        """Become the user of the token. Raises ChatError `bad-token`, `bad-value`, `storage-failed`.

        What the user's old connection asked for is answered first. With `after` come first the lobby's
        messages after that number, and then those that are said from now on.
        """
        context, chat = self.context, self.context.chat
        last = chat.hub.lobby.seq
        if after is not None and not 0 <= after <= last:
            message = f"the lobby has messages up to {last}; after is one of them, or 0"
            raise ChatError("bad-value", message, field="after", limit=last)
        device, found = await self._find(token)
        if device.connection is not context.connection:
            self._become(device, found, listen=after is None)
        elif after is not None:
            chat.hub.stop_listening(context.connection)
        if after is not None:
            try:
                await self._catch_up(after)
            except ChatError:  # neither the one it was nor able to hear as the other
                context.connection.stop("storage-failed")
                raise
        await context.awakening.settled()
        await self._tell_unread()
        user = device.user
        return Resumed(
            user=user.name,
            registered=user.registered is not None,
            session=device.number,
            seq=chat.hub.lobby.seq,
        )

    async def _tell_unread(self) -> None:
        """Let `unread` follow the reply; a disk that cannot be read now makes nothing else untrue."""
        with suppress(ChatError):
            self.context.afterwards = encode(await self.context.reading.unread())

    async def _find(self, token: str) -> tuple[Device, Identity | None]:
        """Return whose token it is, and what is on disk of a user of whom not all is in memory."""
        context, chat, hashed = self.context, self.context.chat, hash_token(token)
        known, found = chat.people.identities.find(hashed), None
        if known is None or known.user.sends_on_disk:
            await context.awakening.settled()
            found = await context.reads.identity(hashed)
        return chat.people.find_device(hashed, found), found

    def _become(self, device: Device, found: Identity | None, *, listen: bool) -> None:
        """Make the connection one of the device's user, and nobody else's.

        Raises ChatError `bad-token` where another took its own place meanwhile: it takes nobody's.
        """
        context, chat, connection = self.context, self.context.chat, self.context.connection
        if context.user.id and connection not in context.user.connections:
            raise _replaced()
        chat.bans.check_user(device.user.id, context.now())
        if device.user.id in chat.people.shut or device not in device.user.devices:
            raise ChatError("bad-token", "the operator ended this session")
        heard = chat.hub.heard(connection)
        chat.people.identities.back(device.user)  # before anybody is let go
        chat.people.leave(context.user, connection, for_good=True)
        chat.people.connect(device, connection, context.address)
        chat.people.come_back(device.user, found)
        context.user = device.user
        if missed := device.user.take_missed():
            connection.write_nowait(missed)
        if listen:
            chat.hub.listen_after(device.user, connection, heard)

    async def _catch_up(self, after: int) -> None:
        """Give the connection the lobby's messages after that number, then let it listen: no gap, no repeat.

        As fast as it reads, and no faster; so whoever reads slowly has to catch up first.
        """
        context, hub = self.context, self.context.chat.hub
        most = min(CHUNK, (context.chat.settings.limits.backlog_bytes or CHUNK) // 2)
        count = RECENT
        while True:
            place = await context.reading.place(None)
            until = hub.lobby.seq
            lines = await context.reading.history(place, count, before=None, after=after, until=until)
            if context.connection not in context.user.connections:
                return  # another took its place meanwhile
            chunk = _within(lines, most)
            context.connection.write_nowait(b"".join(chunk))
            after += len(chunk)
            if after == hub.lobby.seq:
                hub.listen(context.user, context.connection)
                return
            count = min(RECENT, max(MOST_BEHIND, 2 * len(chunk)))
            del lines, chunk  # many may wait here, and each of them for long
            await context.connection.wait_backlog(most)

    def check_may_register(self) -> None:
        """Raise ChatError `already-registered`, or `bad-name` for the name that the server gave."""
        user = self.context.user
        if user.registered is not None:
            raise ChatError("already-registered", f"{user.name} is registered already", name=user.name)
        if user.name.startswith(GUEST):
            message = f"take a name of your own first, with rename: {user.name} is for a guest"
            raise ChatError("bad-name", message, name=user.name)

    async def register(self, password: str, device: str | None) -> Entry:
        """Keep the user's name for good. Raises ChatError.

        Its code is `already-registered`, `bad-name`, `bad-password` or `rate-limited`.
        """
        context, user = self.context, self.context.user
        name = _device_name(device)
        self.check_may_register()
        context.gate.count_registration(context.address)
        own = context.device
        return RegisterEntry(context.chat, user, await context.hashes.hash(password), own, name)

    async def login(self, name: str, password: str, device: str | None) -> LoggedIn:
        """Be the registered user of this name. Raises ChatError `wrong-login`, `rate-limited`."""
        context, chat = self.context, self.context.chat
        device_name = _device_name(device)
        named = chat.people.directory.registered_as(name)
        key = skeleton(name[:LONGEST_NAME]) if named is None else named.key  # one for all ways to write it
        await self._check_password(key, named, password)
        assert named is not None
        user = await context.awakening.user(named.user)
        chat.bans.check_user(user.id, context.now())
        if user.id in chat.people.shut or chat.people.directory.find(user.id) is not named:
            raise ChatError("wrong-login", WRONG)  # it changed while the password was checked
        fresh, token = chat.people.new_device(user, None, device_name or "", context.address)
        try:
            own = await self._begin(fresh, token)
        except BaseException:
            chat.people.identities.discard(fresh)
            raise
        await context.awakening.settled()
        await self._tell_unread()
        return LoggedIn(user=own.user.name, session=own.number, token=token, seq=chat.hub.lobby.seq)

    async def _begin(self, fresh: Device, token: str) -> Device:
        """Write a new session, and let it be this connection's. If that fails it is to be discarded."""
        oldest = self._too_many(fresh)
        await self.context.commit(EndEntry(oldest, [fresh.change()]))
        self._drop(oldest)
        try:
            device, found = await self._find(token)  # if the user was forgotten meanwhile, it is made anew
            self._become(device, found, listen=True)
        except ChatError as error:
            if error.code != "bad-token":
                raise
            raise ChatError("wrong-login", WRONG) from None  # the password changed meanwhile
        return device

    async def _check_password(self, key: str, named: Named | None, password: str) -> None:
        """Raise ChatError `wrong-login`, or `rate-limited` where there were too many guesses."""
        context = self.context
        context.gate.count_guess(key, context.address)
        try:
            hash = None if named is None else await context.reads.password(named.user)
            right = await context.hashes.verify(hash, password)
        except BaseException:
            context.gate.was_not_tried(key, context.address)
            raise
        if not right:
            raise ChatError("wrong-login", WRONG)
        context.gate.was_right(key, context.address)

    def _too_many(self, fresh: Device) -> list[Device]:
        """Return the session that was not used for longest, if the user has more than may be."""
        most, devices = self.context.chat.settings.limits.sessions_per_user, fresh.user.lasting()
        if not most or len(devices) <= most:
            return []
        others = [device for device in devices if device is not fresh]
        return [min(others, key=lambda device: (device.connection is not None, device.used))]

    def _drop(self, devices: Sequence[Device]) -> None:
        """End connections of sessions that are over, unless that happened meanwhile."""
        for device in devices:
            if device in device.user.devices:
                self.context.chat.people.drop(device, "revoked")

    async def logout(self) -> LoggedOut:
        """End this session and be a new guest, or nobody where login is required."""
        context, chat, user = self.context, self.context.chat, self.context.user
        device, connection = context.device, context.connection
        if user.kept:
            await context.commit(EndEntry([device]))
        mine = connection in user.connections
        if mine:
            chat.people.leave(user, connection, for_good=True)
        self._drop([device])  # with whoever came with its token meanwhile
        if not mine:
            raise _replaced()
        if chat.settings.rules.require_login:
            context.user = chat.people.nobody()
            return LoggedOut()
        context.user, token = chat.people.new_guest(context.connection, context.address)
        chat.hub.listen(context.user, context.connection)
        return LoggedOut(user=context.user.name, token=token)

    def sessions(self) -> Sessions:
        """Return the user's sessions."""
        current = self.context.device
        devices = sorted(self.context.user.devices, key=lambda device: device.number)
        return Sessions(sessions=[device.describe(current=device is current) for device in devices])

    async def revoke(self, number: int) -> Revoked:
        """End a session. Raises ChatError `no-such-session`."""
        user = self.context.user
        device = next((device for device in user.devices if device.number == number), None)
        if device is None:
            numbers = ", ".join(str(device.number) for device in user.devices)
            message = f"you have no session {number}, but: {numbers}"
            raise ChatError("no-such-session", message, field="number")
        if user.kept:
            await self.context.commit(EndEntry([device]))
        self._drop([device])
        return Revoked(number=number)

    async def change_password(self, password: str, new: str) -> PasswordChanged:
        """Take another password, and end all other sessions. Raises ChatError `not-registered`."""
        context, chat, user = self.context, self.context.chat, self.context.user
        named = chat.people.directory.find(user.id)
        if user.registered is None or named is None:
            raise ChatError("not-registered", "you have no password, since you are not registered")
        try:
            await self._check_password(user.key, named, password)
        except ChatError as error:
            if error.code != "wrong-login":
                raise
            raise ChatError("wrong-login", "that is not your password so far", field="password") from None
        own = context.device
        changes: list[Change] = [SetAccount(user.id, user.registered, await context.hashes.hash(new))]
        revoked = 0
        while (others := [device for device in user.lasting() if device is not own]) or changes:
            await context.commit(EndEntry(others, changes))
            # Another object of the same content, by which a login under way sees that the password changed.
            chat.people.directory.register(named._replace())
            self._drop(others)
            revoked, changes = revoked + len(others), []  # and those that came while it was written
        return PasswordChanged(revoked=revoked)

    async def end_guest(self) -> None:
        """Let nobody come back as this guest, who says goodbye, not even after a crash."""
        user = self.context.user
        device = user.device_of(self.context.connection)
        if device is not None and user.kept and user.registered is None:
            with suppress(ChatError):  # then the disk is told later
                await self.context.commit(EndEntry([device]))


def _replaced() -> ChatError:
    return ChatError("bad-token", "another connection took the place of this one")


def _within(lines: Sequence[bytes], most: int) -> list[bytes]:
    """Return the first lines, up to the one with which they are longer than that."""
    taken, size = [], 0
    for line in lines:
        taken.append(line)
        size += len(line)
        if size > most:
            break
    return taken


def _device_name(name: str | None) -> str | None:
    if name is not None and len(name) > DEVICE_CHARACTERS:
        message = f"what a device is called has at most {DEVICE_CHARACTERS} characters"
        raise ChatError("bad-value", message, field="device", limit=DEVICE_CHARACTERS)
    return name


@attrs.define(eq=False)
class RegisterEntry(Entry):
    """Keep a guest's name for good."""

    chat: Chat
    user: User
    hash: str = attrs.field(repr=False)
    device: Device
    device_name: str | None
    _at: int = attrs.field(default=0, init=False)
    _before: str = attrs.field(default="", init=False)

    def undo(self) -> None:
        super().undo()
        self.device.name = self._before

    def prepare(self, at: int) -> Sequence[Change]:
        self._at, self._before = at, self.device.name
        self.device.name = self.device_name or self.device.name
        kept = self.keep(self.user, at)
        return [*kept, SetAccount(self.user.id, at, self.hash), self.device.change()]

    def settle(self, delivery: Delivery) -> None:
        user = self.user
        user.registered = self._at
        user.changed()
        self.chat.people.directory.register(Named(user.id, user.key, user.name, self._at, user.left))
        self.reply = Registered(user=user.name)
