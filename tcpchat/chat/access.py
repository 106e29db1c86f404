"""Who a connection is: coming back, registering, logging in and out, and the sessions of a user."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

import attrs

from tcpchat.chat.account import WRONG, EndEntry, LoginEntry, PasswordEntry, RegisterEntry
from tcpchat.chat.device import DEVICE_CHARACTERS, Device
from tcpchat.chat.entry import Entry
from tcpchat.chat.identity import hash_token
from tcpchat.chat.room import RECENT
from tcpchat.chat.user import KEYS_REMEMBERED
from tcpchat.errors import ChatError
from tcpchat.names import LONGEST_NAME, check_reserved, skeleton
from tcpchat.protocol import (
    GUEST,
    LoggedIn,
    LoggedOut,
    PasswordChanged,
    Resumed,
    Revoked,
    Sessions,
)
from tcpchat.store.queries.users import find_user, password_hash
from tcpchat.store.rows import NameRow, UserRow

if TYPE_CHECKING:
    from tcpchat.chat.context import Context

CHUNK = 256 * 1024  # bytes of missed messages that a connection gets before it must have read most of them
MOST_BEHIND = 20  # messages that are read at once at least, however long they are


@attrs.frozen
class Access:
    """Does it for one connection."""

    context: Context

    async def resume(self, token: str, after: int | None) -> Resumed:
        """Become the user of the token. Raises ChatError `bad-token`, `bad-value`, `storage-failed`.

        What the user's old connection asked for is answered first. With `after` come first the lobby's
        messages after that number, and then those that are said from now on. Of several who ask with one
        token the one who asked last stays: whose connections broke may have left requests under way.
        """
        context, chat = self.context, self.context.chat
        _check_after(after, chat.hub.lobby.seq)
        asked = next(chat.people.arrivals)
        device, found = await self._find(token)
        if device.asked > asked:
            await self._give_way()
        if device.connection is not context.connection:
            self._become(device, found, listen=after is None)
        elif after is not None:
            chat.hub.stop_listening(context.connection)
        device.asked = asked
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

    async def _give_way(self) -> NoReturn:
        """End this connection, and the guest that it was: whoever has it came back on another one since."""
        user, connection = self.context.user, self.context.connection
        self.context.chat.people.leave(user, connection, for_good=True)
        connection.stop("replaced")
        await connection.wait_backlog(0)  # which ends here, since that stop cancels it
        raise _replaced()

    async def _tell_unread(self) -> None:
        """Let `unread` follow the reply; a disk that cannot be read now makes nothing else untrue."""
        with suppress(ChatError):
            self.context.trailing_lines = (await self.context.reading.unread()).encode(None)

    async def _find(self, token: str) -> tuple[Device, UserRow | None]:
        """Return whose token it is, and what is on disk of a user of whom not all is in memory."""
        context, chat, hashed = self.context, self.context.chat, hash_token(token)
        known, found = chat.people.identities.find(hashed), None
        if known is None or known.user.sends_on_disk:
            await context.awakening.settled()
            found = await context.reader.ask(find_user, hashed, KEYS_REMEMBERED)
        return chat.people.find_device(hashed, found), found

    def _become(self, device: Device, found: UserRow | None, *, listen: bool) -> None:
        """Make the connection one of the device's user, and nobody else's.

        Raises ChatError `bad-token` where another took its own place meanwhile: it takes nobody's.
        """
        context, chat, connection = self.context, self.context.chat, self.context.connection
        if context.user.id and connection not in context.user.connections:
            raise _replaced()
        chat.bans.check_user(device.user.id, context.now())
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
            place = context.reading.lobby()
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
        """Raise ChatError `already-registered`, or `bad-name` for a name that cannot be registered."""
        user = self.context.user
        if user.registered is not None:
            raise ChatError("already-registered", f"{user.name} is registered already", name=user.name)
        if user.name.startswith(GUEST):
            message = f"take a name of your own first, with rename: {user.name} is for a guest"
            raise ChatError("bad-name", message, name=user.name)
        check_reserved(user.name)  # a guest may have it from before the rule

    async def register(self, password: str, device: str | None) -> Entry:
        """Keep the user's name for good. Raises ChatError.

        Its code is `already-registered`, `bad-name`, `bad-password` or `rate-limited`.
        """
        context, user = self.context, self.context.user
        name = _device_name(device)
        self.check_may_register()
        context.gate.count_registration(context.address)
        own = context.device
        return RegisterEntry(context.chat.people, user, await context.hashes.hash(password), own, name)

    async def login(self, name: str, password: str, device: str | None) -> LoggedIn:
        """Be the registered user of this name. Raises ChatError `wrong-login`, `rate-limited`."""
        context, chat = self.context, self.context.chat
        device_name = _device_name(device) or ""
        named = chat.people.directory.registered_as(name)
        key = skeleton(name[:LONGEST_NAME]) if named is None else named.key  # one for all ways to write it
        changes = await self._check_password(key, named, password)
        assert named is not None
        try:
            user = await context.awakening.user(named.user)
        except ChatError:  # deleted while the password was checked
            raise ChatError("wrong-login", WRONG) from None
        chat.bans.check_user(user.id, context.now())
        entry = LoginEntry(
            chat.people,
            user=user,
            password=changes,
            most=chat.settings.limits.sessions_per_user,
            name=device_name,
            address=context.address,
        )
        await context.commit(entry)
        try:
            own, found = await self._find(entry.token)  # if the user was forgotten meanwhile, it is made anew
            self._become(own, found, listen=True)
        except BaseException as error:
            with suppress(ChatError):  # nobody will ever have the token
                await context.commit(EndEntry(chat.people, [entry.device]))
            if isinstance(error, ChatError) and error.code == "bad-token":
                raise ChatError("wrong-login", WRONG) from None  # the password changed meanwhile
            raise
        await context.awakening.settled()
        await self._tell_unread()
        return LoggedIn(user=user.name, session=own.number, token=entry.token, seq=chat.hub.lobby.seq)

    async def _check_password(self, key: str, named: NameRow | None, password: str) -> int:
        """Return how many changes the password had when it was right.

        Raises ChatError `wrong-login`, or `rate-limited` where there were too many guesses.
        """
        context = self.context
        changes = 0 if named is None else context.chat.people.directory.password(named.user).changes
        context.gate.count_guess(key, context.address)
        try:
            hash = None if named is None else await context.reader.ask(password_hash, named.user)
            right = await context.hashes.verify(hash, password)
        except BaseException:
            context.gate.was_not_tried(key, context.address)
            raise
        if not right:
            raise ChatError("wrong-login", WRONG)
        context.gate.was_right(key, context.address)
        return changes

    async def logout(self) -> LoggedOut:
        """End this session and be a new guest, or nobody where login is required."""
        context, chat = self.context, self.context.chat
        user, connection = context.user, context.connection
        await context.commit(EndEntry(chat.people, [context.device], stays=connection))
        if connection not in user.connections:
            raise _replaced()
        chat.people.leave(user, connection, for_good=True)
        if chat.settings.rules.require_login:
            context.user = chat.people.nobody()
            return LoggedOut()
        context.user, token = chat.people.new_guest(connection, context.address)
        chat.hub.listen(context.user, connection)
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
        await self.context.commit(EndEntry(self.context.chat.people, [device]))
        return Revoked(number=number)

    async def change_password(self, password: str, new: str) -> Entry:
        """Take another password, and end all other sessions. Raises ChatError.

        Its code is `not-registered`, `wrong-login`, `bad-password` or `rate-limited`.
        """
        context, people, user = self.context, self.context.chat.people, self.context.user
        named = people.directory.find(user.id)
        if user.registered is None or named is None:
            raise ChatError("not-registered", "you have no password, since you are not registered")
        try:
            changes = await self._check_password(user.key, named, password)
        except ChatError as error:
            if error.code != "wrong-login":
                raise
            raise ChatError("wrong-login", "that is not your password so far", field="password") from None
        return PasswordEntry(
            people,
            user=user,
            hash=await context.hashes.hash(new),
            keeps=context.device,
            password=changes,
            changed=lambda others: PasswordChanged(revoked=others),
        )

    async def end_guest(self) -> None:
        """Let nobody come back as this guest, who says goodbye, not even after a crash."""
        user, connection = self.context.user, self.context.connection
        device = user.device_of(connection)
        if device is not None and user.registered is None:
            with suppress(ChatError):  # then the disk is told later
                await self.context.commit(EndEntry(self.context.chat.people, [device], stays=connection))


def _replaced() -> ChatError:
    return ChatError("bad-token", "another connection took the place of this one")


def _check_after(after: int | None, last: int) -> None:
    if after is not None and not 0 <= after <= last:
        message = f"the lobby has messages up to {last}; after is one of them, or 0"
        raise ChatError("bad-value", message, field="after", limit=last)


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
