"""Who may come back: tokens, users without a connection, and what the disk must know of both."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from itertools import islice
from operator import itemgetter
from typing import TypeAlias

import attrs

from tcpchat.chat.device import Device
from tcpchat.chat.entry import Delivery, Entry
from tcpchat.chat.user import User
from tcpchat.chat.wakeups import Wakeups
from tcpchat.protocol import LOBBY
from tcpchat.store.changes import Change, EndSession, SetLeft, SetMark, SetSession
from tcpchat.times import MILLISECONDS

RECORDS = 512  # users in one entry, so that no batch keeps others waiting for long


def hash_token(token: str) -> bytes:
    """Return what is kept of a token: nobody gets from it to the token, which is as random as a key."""
    return sha256(token.encode()).digest()


class Identities:
    """Finds users by the hash of their token, and remembers those who have no connection.

    A user who is absent is first here still, for `presence` seconds, then away, until `grace` seconds after
    the last connection. At most `most` are absent (0: unlimited).
    """

    def __init__(self, *, presence: float, grace: float, most: int, wakeups: Wakeups) -> None:
        self._wakeups = wakeups
        self.remember(presence=presence, grace=grace, most=most)
        self._by_token: dict[bytes, Device] = {}
        self._staying: dict[User, float] = {}  # since when, first come first
        self._absent: dict[User, float] = {}  # the same, of all who are absent
        self._unwritten: dict[str, User] = {}  # by id
        self._dropped: dict[bytes, User] = {}  # tokens that the disk may still have

    def remember(self, *, presence: float, grace: float, most: int) -> None:
        """Remember so long and so many from now on, also of those who are absent already."""
        self._presence = presence
        self._grace = grace
        self._most = most
        self._wakeups.absence()

    def add(self, device: Device) -> None:
        """Let the device's token bring back its user."""
        device.user.devices.append(device)
        self._by_token[device.hash] = device

    def drop(self, device: Device) -> None:
        """Let the device's token bring back nobody."""
        device.user.devices.remove(device)
        self._by_token.pop(device.hash, None)

    def find(self, token: bytes) -> Device | None:
        """Return whose token has this hash, among the users whom the chat knows."""
        return self._by_token.get(token)

    def unwritten(self, id: str) -> User | None:
        """Return the user of this id if the disk does not know yet what became of the token."""
        return self._unwritten.get(id)

    def absent(self, user: User, since: float, *, here: bool) -> None:
        """Remember a user without a connection; `here` if others still see the user, who left just now."""
        last = next(reversed(self._absent.values()), since)
        self._absent[user] = since
        if since < last:
            self._absent = dict(sorted(self._absent.items(), key=itemgetter(1)))
        if here:
            self._staying[user] = since
        self._wakeups.absence()

    def back(self, user: User) -> None:
        """Note that the user has a connection again."""
        self._staying.pop(user, None)
        self._absent.pop(user, None)

    def forget(self, user: User) -> None:
        """Do not find the user any more; the disk may."""
        self.back(user)
        for device in user.devices:
            self._by_token.pop(device.hash, None)

    def expire(self, user: User) -> None:
        """Let nothing bring the user back."""
        self.forget(user)
        if user.kept:
            self._dropped.update((device.hash, user) for device in user.devices)
        user.devices.clear()
        self.write(user)

    def delete(self, user: User) -> None:
        """Know nothing of the user any more, as the disk does."""
        self.forget(user)
        user.devices.clear()
        self._unwritten.pop(user.id, None)
        self._dropped = {token: of for token, of in self._dropped.items() if of is not user}

    def grace(self) -> float:
        """Return for how many seconds a guest may come back."""
        return max(self._grace, self._presence)

    def may_come_back(self, left: int | None, now: int) -> bool:
        """Tell whether a guest who left then, in ms since 1970, may still come back."""
        return left is None or left + self.grace() * MILLISECONDS > now

    def take_departed(self, now: float) -> list[User]:
        """Take out who is to be told of as left by now."""
        departed = _first(self._staying, self._presence, now)
        for user in departed:
            del self._staying[user]
        return departed

    def forgotten(self, now: float) -> list[User]:
        """Return who has been absent for too long, or is one too many."""
        forgotten = _first(self._absent, self.grace(), now)
        if self._most and len(self._absent) - len(forgotten) > self._most:
            forgotten = list(islice(self._absent, len(self._absent) - self._most))
        return forgotten

    def wait(self, now: float) -> float:
        """Return in how many seconds somebody is to be told of or to be forgotten."""
        times = [since + self._presence for since in _head(self._staying)]
        times += [since + self.grace() for since in _head(self._absent)]
        return max(0.0, min(times, default=float("inf")) - now)

    def write(self, user: User) -> None:
        """Note that what the disk knows of the user's connections is not true any more."""
        if user.kept:
            self._unwritten[user.id] = user
            self._wakeups.sessions()

    def records(self) -> RecordEntry | None:
        """Return an entry that writes what is unwritten, or a part of it."""
        users = list(islice(self._unwritten.values(), RECORDS))
        return RecordEntry(self._unwritten, self._dropped, users) if users else None


def _head(queue: dict[User, float]) -> list[float]:
    return [next(iter(queue.values()))] if queue else []


def _first(queue: dict[User, float], span: float, now: float) -> list[User]:
    """Return who has been in it for so long; added up as in `wait`, since each way rounds otherwise."""
    found = []
    for user, since in queue.items():
        if since + span > now:
            break
        found.append(user)
    return found


_Record: TypeAlias = tuple[int | None, list[SetSession], SetMark]
"""What the disk is to know: when the user left, the devices, and how far the user is in the lobby."""


def _record(user: User) -> _Record:
    mark = SetMark(user.id, LOBBY, user.lobby.read, user.lobby.delivered)
    return user.left, [device.change() for device in user.lasting()], mark


@attrs.define(eq=False)
class RecordEntry(Entry):
    """Write who left and who is back. What changes meanwhile, or fails, stays unwritten."""

    unwritten: dict[str, User]
    dropped: dict[bytes, User]
    users: list[User]
    _written: list[tuple[User, _Record]] = attrs.field(factory=list, init=False)
    _gone: set[bytes] = attrs.field(factory=set, init=False)

    def prepare(self, at: int) -> Sequence[Change]:
        self._written = [(user, _record(user)) for user in self.users if user.kept]
        kept = {user for user, _ in self._written}
        self._gone = {token for token, user in self.dropped.items() if user in kept}
        changes: list[Change] = [EndSession(token) for token in self._gone]
        changes += [SetLeft(user.id, at, record[0]) for user, record in self._written]
        changes += [device for _, record in self._written for device in record[1]]
        changes += [record[2] for _, record in self._written]
        return changes

    def settle(self, delivery: Delivery) -> None:
        for user in self.users:
            if not user.kept:  # after all; whatever keeps the user later writes the devices with it
                self.unwritten.pop(user.id, None)
        for token, user in list(self.dropped.items()):
            if token in self._gone or not user.kept:
                del self.dropped[token]
        for user, record in self._written:
            if self.unwritten.get(user.id) is user and _record(user) == record:
                del self.unwritten[user.id]
