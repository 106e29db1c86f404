"""Who comes, goes, and comes back: users, their devices and their connections. All synchronous."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from tcpchat.chat.device import Device
from tcpchat.chat.entry import answered
from tcpchat.chat.hub import Hub
from tcpchat.chat.identity import Identities, hash_token
from tcpchat.chat.limits import TokenBucket
from tcpchat.chat.receiver import Receiver
from tcpchat.chat.user import Mark, User
from tcpchat.chat.wakeups import Wakeups
from tcpchat.errors import ChatError
from tcpchat.names import skeleton
from tcpchat.settings import Settings
from tcpchat.store.rows import UserRow
from tcpchat.times import MILLISECONDS, Clock


class People:
    """The users that the server has in memory, and how they get there and go.

    `new_id` gives opaque ids of users, and `new_token` the secrets that bring one back; nobody may guess one.
    """

    def __init__(
        self,
        settings: Settings,
        hub: Hub,
        clock: Clock,
        new_id: Callable[[], str],
        new_token: Callable[[], str],
        wakeups: Wakeups,
    ) -> None:
        limits, rules = settings.limits, settings.rules
        self.hub = hub
        self.directory = hub.directory
        self.identities = Identities(
            presence=rules.presence_seconds,
            grace=rules.grace_seconds,
            most=limits.absent_users,
            wakeups=wakeups,
        )
        self.arrivals = count(1)
        """Numbers for requests to come back, in the order in which they were asked."""
        self.deleted: set[str] = set()
        """Ids of users who were deleted; what was read of them before is not true any more."""
        self._settings = settings
        self._clock = clock
        self._new_id = new_id
        self._new_token = new_token

    def apply(self, settings: Settings) -> None:
        """Let these settings count from now on, also for users who are in memory."""
        limits, rules = settings.limits, settings.rules
        self._settings = settings
        for user in self.hub.all_known():
            user.bucket.allow(limits.messages_per_second, limits.message_burst)
        self.identities.remember(
            presence=rules.presence_seconds, grace=rules.grace_seconds, most=limits.absent_users
        )

    def nobody(self) -> User:
        """Return who a connection is that must log in first."""
        return User(id="", name="", key="", since=0, bucket=self._bucket())

    def new_guest(self, connection: Receiver, address: str) -> tuple[User, str]:
        """Attach the connection to a new guest; return the guest and its token."""
        name, key = self.hub.guest_name()
        user = self.new_user(name, key)
        _, token = self.new_device(user, connection, "", address)
        self.hub.attach(user, connection)
        return user, token

    def new_user(self, name: str, key: str) -> User:
        """Return a user whom nobody knows yet."""
        seq = self.hub.lobby.seq
        return User(
            id=self._new_id(),
            name=name,
            key=key,
            since=self._clock.now(),
            bucket=self._bucket(),
            lobby=Mark(seq, seq),
        )

    def new_device(
        self, user: User, connection: Receiver | None, name: str, address: str
    ) -> tuple[Device, str]:
        """Give the user one more token; return its device, and the token itself."""
        token, now = self._new_token(), self._clock.now()
        user.last_session = max([user.last_session, *(device.number for device in user.devices)]) + 1
        device = Device(
            user=user,
            number=user.last_session,
            hash=hash_token(token),
            name=name,
            address=address,
            since=now,
            used=now,
            connection=connection,
        )
        self.identities.add(device)
        return device, token

    def _bucket(self) -> TokenBucket:
        limits = self._settings.limits
        return TokenBucket(limits.messages_per_second, limits.message_burst)

    def leave(self, user: User, connection: Receiver, *, for_good: bool) -> None:
        """Take the connection out. Who has no other may come back for a while, a guest unless `for_good`."""
        if connection not in user.connections:
            return  # another took its place
        self.detach(user, connection)
        if user.registered is None and (for_good or not user.devices):
            self.expire(user)
        elif not user.connections:
            self._be_absent(user)
        else:
            self.identities.write(user)

    def detach(self, user: User, connection: Receiver) -> None:
        """Take the connection out, and nothing else."""
        self.hub.detach(user, connection)
        device = user.device_of(connection)
        if device is not None:
            device.connection, device.used = None, self._clock.now()

    def _be_absent(self, user: User) -> None:
        user.left = self._clock.now()
        user.lobby.delivered = self.hub.lobby.seq
        here = self.hub.is_here(user) and self.hub.presence.has_told(user)
        if not here:
            self._depart(user)
        self.identities.write(user)
        self.identities.absent(user, self._clock.monotonic(), here=here)

    def let_go(self) -> None:
        """Tell of who did not come back soon, and forget who did not come back at all."""
        now = self._clock.monotonic()
        for user in self.identities.take_departed(now):
            self._depart(user)
        for user in self.identities.forgotten(now):
            self.identities.forget(user)
            self.hub.gone(user)
        self.directory.forget(self._clock.now() - int(self.identities.grace() * MILLISECONDS))

    def let_go_in(self) -> float:
        """Return in how many seconds somebody is to be let go."""
        wait = self.identities.wait(self._clock.monotonic())
        left = self.directory.first_left()
        if left is None:
            return wait
        over = (left - self._clock.now() + 1) / MILLISECONDS + self.identities.grace()
        return max(0.0, min(wait, over))

    def _depart(self, user: User) -> None:
        self.hub.depart(user)
        user.unload_sends()

    def expire(self, user: User) -> None:
        """Let a guest be gone for good, and the name be free."""
        self.identities.expire(user)
        self.hub.gone(user)

    def end(self, device: Device, why: str, stays: Receiver | None = None) -> None:
        """Let the device's token bring back nobody, and end its connection unless that `stays`.

        One that stays is attached to the user still, until it leaves.
        """
        user, connection = device.user, device.connection
        if device not in user.devices:
            return  # the user is gone
        self.identities.drop(device)
        if connection is not None and connection is stays:
            return
        if connection is not None:
            self.hub.detach(user, connection)
            connection.stop(why)
        if not user.devices and user.registered is None:
            self.expire(user)
        elif connection is not None and not user.connections:
            self._be_absent(user)

    def delete(self, user: User, why: str) -> None:
        """Know nothing of the user any more, and end all connections."""
        for connection in list(user.connections):
            self.hub.detach(user, connection)
            connection.stop(why)
        self.identities.delete(user)
        if self.hub.find_known(user.id) is user:
            self.hub.gone(user)
        self.directory.drop(user.id)
        for other in list(self.hub.ignored_by.get(user.id, ())):
            self.hub.ignore(other, other.ignored - {user.id})

    def find_device(self, token: bytes, found: UserRow | None) -> Device:
        """Return the device whose token has this hash; its user is in memory from now on.

        `found` is whose it is on disk, needed for who is not in memory. Raises ChatError `bad-token`.
        """
        self.let_go()
        device = self.identities.find(token)
        if device is None and found is not None and self._may_resume(found):
            self.awake(found)
            device = self.identities.find(token)
        if device is None or device.over or not self._may_be_here(device.user, found):
            raise ChatError("bad-token", "nobody can come back with this token any more")
        return device

    def _may_be_here(self, user: User, found: UserRow | None) -> bool:
        if user.deleted or (user.registered is None and self._settings.rules.require_login):
            return False  # or a guest from before it was required
        return found is not None or not (user.sends_on_disk and user.kept)

    def _may_resume(self, found: UserRow) -> bool:
        newer = self.identities.unwritten(found.user)
        if newer is not None:  # what the disk says is not true any more
            left, devices = newer.left, bool(newer.devices)
        else:
            left, devices = found.left, bool(found.sessions)
        return devices and (
            found.registered is not None or self.identities.may_come_back(left, self._clock.now())
        )

    def awake(self, found: UserRow) -> User:
        """Have a user in memory of whom all else is on disk."""
        user = self.hub.find_known(found.user)
        if user is None:
            if found.user in self.deleted:  # what was read is not true any more
                raise ChatError("no-such-user", "there is no such user any more")
            user, since = self._restore(found), self._clock.monotonic()
            if user.registered is None and user.left is not None:  # a guest's grace time goes on
                since -= max(0, self._clock.now() - user.left) / MILLISECONDS
            self.identities.absent(user, since, here=False)
        return user

    def come_back(self, user: User, found: UserRow | None) -> None:
        """Note that the user has a connection again; `found` is what is on disk."""
        if user.sends_on_disk and found is not None:
            user.load_sends((key.key, key.at, answered(key)) for key in found.keys)
        self.identities.back(user)
        if user.left is not None:
            user.left = None
            user.tell_again()
        if not self.hub.is_here(user):
            user.arrive(self._clock.now())
        self.identities.write(user)

    def connect(self, device: Device, connection: Receiver, address: str) -> None:
        """Let the connection take the place of the one that the device had; it does not listen yet."""
        user, old = device.user, device.connection
        if old is not None:
            self.detach(user, old)
            old.stop("replaced")
        device.connection, device.used, device.address = connection, self._clock.now(), address
        self.hub.attach(user, connection)

    def _restore(self, found: UserRow) -> User:
        """Make a user of what is on disk, under the last name if that is free."""
        self.directory.came_back(found.user)
        kept = self.directory.find(found.user)
        name = found.name if kept is None else kept.name
        if name is None or (kept is None and not self.hub.is_free(skeleton(name))):
            name, _ = self.hub.guest_name()
        seq = self.hub.lobby.seq
        user = User(
            id=found.user,
            name=name,
            key=skeleton(name),
            since=found.at,
            bucket=self._bucket(),
            registered=found.registered,
            left=found.left,
            kept=True,
            last_number=found.last_number,
            lobby=Mark(*(found.lobby or (seq, seq))),
            ignored=frozenset(found.ignored),
            away=found.away,
            receipts=found.receipts,
            sends_on_disk=True,
        )
        self.hub.know(user)
        for row in found.sessions:
            self.identities.add(Device(**{**row._asdict(), "user": user}))
        for room, last, read, delivered in found.conversations:
            self.hub.restore_conversation(user, room, last, Mark(read, delivered))
        return user
