"""The whole state of one server's chat, without sockets and disks. All synchronous."""

from __future__ import annotations

from collections.abc import Callable

from tcpchat import __version__
from tcpchat.chat.bans import Bans
from tcpchat.chat.device import Device
from tcpchat.chat.directory import Directory
from tcpchat.chat.entry import Entry, answered
from tcpchat.chat.hub import Hub
from tcpchat.chat.identity import Identities, hash_token
from tcpchat.chat.limits import Meter, Places, TokenBucket
from tcpchat.chat.marks import Marks
from tcpchat.chat.moderation import Moderation
from tcpchat.chat.receiver import Receiver
from tcpchat.chat.schedule import GiveUp, Pending, Schedule, SendDue
from tcpchat.chat.user import Mark, User
from tcpchat.errors import ChatError
from tcpchat.names import skeleton
from tcpchat.protocol import LOBBY, PROTOCOL_VERSION, Welcome
from tcpchat.settings import CENTURY, Settings
from tcpchat.store import Identity, Prune, Snapshot
from tcpchat.times import MILLISECONDS, Clock

SERVER = f"tcpchat {__version__}"


class Chat:
    """Users, rooms, reports, pending messages and counters, and what time it is.

    `new_id` gives opaque ids of users, and `new_token` the secrets that bring one back; nobody may guess one.
    """

    def __init__(
        self,
        settings: Settings,
        snapshot: Snapshot,
        clock: Clock,
        new_id: Callable[[], str],
        new_token: Callable[[], str],
    ) -> None:
        limits, rules = settings.limits, settings.rules
        self.settings = settings
        self.server = SERVER
        self.clock = clock
        self._new_id = new_id
        self._new_token = new_token
        self._journal = snapshot.journal
        now = clock.now()
        absent = [kept if kept.left is not None else kept._replace(left=now) for kept in snapshot.absent]
        self.directory = Directory(snapshot.registered, absent)
        self.hub = Hub(self.directory, lobby_seq=snapshot.lobby_seq, guests=snapshot.guests)
        self.hub.lobby.fill(snapshot.recent)
        self.identities = Identities(
            presence=rules.presence_seconds, grace=rules.grace_seconds, most=limits.absent_users
        )
        self.moderation = Moderation(reports=rules.reports_to_mute, seconds=rules.mute_seconds)
        self.moderation.fill(snapshot)
        self.bans = Bans(snapshot.bans)
        self.shut: set[str] = set()
        """Ids of users whom nobody can become now."""
        self.deleted: set[str] = set()
        """Ids of users who were deleted, or are about to be."""
        self.when_left: dict[User, Callable[[], None]] = {}
        """What is called when the user's last connection is gone and asks for nothing more."""
        self.marks = Marks(self.hub)
        self.schedule = Schedule(snapshot.scheduled_id)
        for kept in snapshot.scheduled:
            self.schedule.add(Pending(**kept._asdict()))
        self.places = Places(limits.connections, limits.connections_per_address)
        self.messages = snapshot.messages
        self.meter = Meter()
        self.started = clock.monotonic()

    def enter(self, connection: Receiver, address: str) -> tuple[User, Welcome]:
        """Make the connection a guest, or nobody where login is required; send the welcome at once."""
        seq = self.hub.lobby.seq
        if self.settings.rules.require_login:
            return self.nobody(), self._welcome(seq, None, None, "this server is for its users: login NAME")
        user, token = self.new_guest(connection, address)
        self.hub.wait_to_listen(user, connection, self.clock.monotonic())
        return user, self._welcome(seq, user.name, token, "type help")

    def _welcome(self, seq: int, name: str | None, token: str | None, hint: str) -> Welcome:
        return Welcome(
            protocol=PROTOCOL_VERSION,
            server=SERVER,
            user=name,
            room=LOBBY,
            seq=seq,
            journal=self._journal,
            token=token,
            hint=hint,
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
            since=self.clock.now(),
            bucket=self._bucket(),
            lobby=Mark(seq, seq),
        )

    def new_device(
        self, user: User, connection: Receiver | None, name: str, address: str
    ) -> tuple[Device, str]:
        """Give the user one more token; return its device, and the token itself."""
        token, now = self._new_token(), self.clock.now()
        number = max((device.number for device in user.devices), default=0) + 1
        device = Device(
            user=user,
            number=number,
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
        limits = self.settings.limits
        return TokenBucket(limits.messages_per_second, limits.message_burst)

    def leave(self, user: User, connection: Receiver, *, for_good: bool) -> None:
        """Take the connection out. Who has no other may come back for a while, a guest unless `for_good`."""
        if connection not in user.connections:
            return  # another took its place
        self.detach(user, connection)
        if for_good and user.registered is None:
            self.expire(user)
        elif not user.connections:
            self._be_absent(user)
        else:
            self.identities.write(user)
        if not user.connections and user in self.when_left:
            self.when_left.pop(user)()

    def detach(self, user: User, connection: Receiver) -> None:
        """Take the connection out, and nothing else."""
        self.hub.detach(user, connection)
        device = user.device_of(connection)
        if device is not None:
            device.connection, device.used = None, self.clock.now()

    def _be_absent(self, user: User) -> None:
        user.left = self.clock.now()
        user.lobby.delivered = self.hub.lobby.seq
        here = self.hub.is_here(user) and self.hub.presence.has_told(user)
        if not here:
            self._depart(user)
        self.identities.write(user)
        self.identities.absent(user, self.clock.monotonic(), here=here)
        self.let_go()

    def let_go(self) -> None:
        """Tell of who did not come back soon, and forget who did not come back at all."""
        now = self.clock.monotonic()
        for user in self.identities.take_departed(now):
            self._depart(user)
        for user in self.identities.forgotten(now):
            self.identities.forget(user)
            self.hub.gone(user)
        self.directory.forget(self.clock.now() - int(self.identities.grace() * MILLISECONDS))

    def let_go_in(self) -> float:
        """Return in how many seconds somebody is to be let go."""
        wait = self.identities.wait(self.clock.monotonic())
        left = self.directory.first_left()
        if left is None:
            return wait
        over = (left - self.clock.now() + 1) / MILLISECONDS + self.identities.grace()
        return max(0.0, min(wait, over))

    def _depart(self, user: User) -> None:
        self.hub.depart(user)
        user.unload_sends()

    def expire(self, user: User) -> None:
        """Let a guest be gone for good, and the name be free."""
        self.identities.expire(user)
        self.hub.gone(user)

    def drop(self, device: Device, reason: str) -> None:
        """Let the device's token bring back nobody, and end the connection that uses it."""
        user, connection = device.user, device.connection
        if connection is not None:
            self.detach(user, connection)
            connection.stop(reason)
        self.identities.drop(device)
        if not user.devices and user.registered is None:
            self.expire(user)
        elif connection is not None and not user.connections:
            self._be_absent(user)

    def find_device(self, token: bytes, found: Identity | None) -> Device:
        """Return the device whose token has this hash; its user is in memory from now on.

        `found` is whose it is on disk, needed for who is not in memory. Raises ChatError `bad-token`.
        """
        self.let_go()
        device = self.identities.find(token)
        if device is None and found is not None and self._may_resume(found):
            self.awake(found)
            device = self.identities.find(token)
        if device is None or not self._may_be_here(device.user, found):
            raise ChatError("bad-token", "nobody can come back with this token any more")
        return device

    def _may_be_here(self, user: User, found: Identity | None) -> bool:
        if user.registered is None and self.settings.rules.require_login:
            return False  # a guest from before it was required
        return found is not None or not (user.sends_on_disk and user.kept)

    def _may_resume(self, found: Identity) -> bool:
        newer = self.identities.unwritten(found.user)
        if newer is not None:  # what the disk says is not true any more
            left, devices = newer.left, bool(newer.devices)
        else:
            left, devices = found.left, bool(found.devices)
        return devices and (
            found.registered is not None or self.identities.may_come_back(left, self.clock.now())
        )

    def awake(self, found: Identity) -> User:
        """Have a user in memory of whom all else is on disk."""
        user = self.hub.find_known(found.user)
        if user is None:
            if found.user in self.deleted:  # what was read is not true any more
                raise ChatError("no-such-user", "there is no such user any more")
            user, since = self._restore(found), self.clock.monotonic()
            if user.registered is None and user.left is not None:  # a guest's grace time goes on
                since -= max(0, self.clock.now() - user.left) / MILLISECONDS
            self.identities.absent(user, since, here=False)
        return user

    def come_back(self, user: User, found: Identity | None) -> None:
        """Note that the user has a connection again; `found` is what is on disk."""
        if user.sends_on_disk and found is not None:
            user.load_sends((key.key, key.at, answered(key)) for key in found.keys)
        self.identities.back(user)
        if user.left is not None:
            user.left = None
            user.tell_again()
        if not self.hub.is_here(user):
            user.arrive(self.clock.now())
        self.identities.write(user)

    def connect(self, device: Device, connection: Receiver, address: str) -> None:
        """Let the connection take the place of the one that the device had; it does not listen yet."""
        user, old = device.user, device.connection
        if old is not None:
            self.detach(user, old)
            old.stop("replaced")
        device.connection, device.used, device.address = connection, self.clock.now(), address
        self.hub.attach(user, connection)

    def _restore(self, found: Identity) -> User:
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
        for row in found.devices:
            self.identities.add(Device(**{**row._asdict(), "user": user}))
        for room, last, read, delivered in found.conversations:
            self.hub.restore_conversation(user, room, last, Mark(read, delivered))
        return user

    def prune(self) -> Prune:
        """Return what the disk need not keep any more."""
        now, rules = self.clock.now(), self.settings.rules
        return Prune(
            left=now - int(max(rules.grace_seconds, rules.presence_seconds) * MILLISECONDS),
            keys=self.keys_since(),
        )

    def keys_since(self) -> int:
        """Return how old a key may be that is still known, in ms since 1970."""
        return self.clock.now() - int((self.settings.rules.key_seconds or CENTURY) * MILLISECONDS)

    def count(self, messages: int) -> None:
        """Note that so many messages were sent."""
        self.messages += messages
        self.meter.add(messages, self.clock.monotonic())

    def due(self, most: int) -> list[Entry]:
        """Take up to `most` scheduled messages that came due, as entries that send or drop them."""
        now = self.clock.now()
        return [self._due(pending, now) for pending in self.schedule.take_due(now, most)]

    def _due(self, pending: Pending, now: int) -> Entry:
        author = self.hub.find_known(pending.author)
        try:
            self._check_author(pending.author, now)
            recipient = self._recipient(pending)
        except ChatError as why:
            return GiveUp(self.schedule, pending, why, author)
        if author is None:
            author = self._absent(pending)
        room = self.hub.lobby if recipient is None else self.hub.conversation(author, recipient)
        return SendDue(
            room=room,
            author=author,
            text=pending.text,
            recipient=recipient,
            name=pending.name,
            schedule=self.schedule,
            pending=pending,
        )

    def _check_author(self, id: str, now: int) -> None:
        if id in self.deleted:  # it came due before, and the disk did not take it
            raise ChatError("no-such-user", "its author was deleted")
        self.bans.check_user(id, now)
        self.moderation.check(id, now)

    def asleep(self, most: int) -> list[str]:
        """Return the ids of users who must be in memory before up to `most` due messages can be sent."""
        due = self.schedule.due_until(self.clock.now(), most)
        wanted = {id for pending in due if pending.recipient for id in (pending.recipient, pending.author)}
        return [id for id in wanted if self.hub.find_known(id) is None and self.directory.find(id)]

    def _recipient(self, pending: Pending) -> User | None:
        if pending.recipient is None or pending.recipient_name is None:
            return None
        user = self.hub.find_known(pending.recipient)
        if user is None or user.id in self.deleted:
            name = pending.recipient_name
            raise ChatError("no-such-user", f"{name} is not here any more", name=name)
        return user

    def _absent(self, pending: Pending) -> User:
        """Stand in for an author who has left: the message goes out under the name of then."""
        bucket = TokenBucket(0, 0)
        name = pending.name
        return User(id=pending.author, name=name, key="", since=0, bucket=bucket, kept=True)
