"""The whole state of one server's chat, without sockets and disks. All synchronous."""

from __future__ import annotations

from collections.abc import Callable

from tcpchat import __version__
from tcpchat.chat.entry import Entry, answered
from tcpchat.chat.hub import Hub
from tcpchat.chat.identity import Identities, hash_token
from tcpchat.chat.limits import Meter, Places, TokenBucket
from tcpchat.chat.moderation import Moderation
from tcpchat.chat.schedule import GiveUp, Pending, Schedule, SendDue
from tcpchat.chat.user import Receiver, User
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
        self.hub = Hub(lobby_seq=snapshot.lobby_seq, guests=snapshot.guests)
        self.hub.lobby.fill(snapshot.recent)
        self.identities = Identities(
            presence=rules.presence_seconds, grace=rules.grace_seconds, most=limits.absent_users
        )
        self.moderation = Moderation(reports=rules.reports_to_mute, seconds=rules.mute_seconds)
        self.moderation.fill(snapshot)
        self.schedule = Schedule(snapshot.scheduled_id)
        for kept in snapshot.scheduled:
            self.schedule.add(Pending(**kept._asdict()))
        # Who does not resume after a restart has another id, and is known by the name only.
        self._by_name = {kept.recipient for kept in snapshot.scheduled if kept.recipient is not None}
        self.places = Places(limits.connections, limits.connections_per_address)
        self.messages = snapshot.messages
        self.meter = Meter()
        self.started = clock.monotonic()

    def enter(self, connection: Receiver) -> tuple[User, Welcome]:
        """Make the connection a guest; it hears the lobby from now on, so send the welcome at once."""
        name, key = self.hub.guest_name()
        token = self._new_token()
        user = User(
            id=self._new_id(),
            name=name,
            key=key,
            since=self.clock.now(),
            bucket=self._bucket(),
            token=hash_token(token),
        )
        self.hub.join(user, connection)
        self.identities.add(user)
        return user, Welcome(
            protocol=PROTOCOL_VERSION,
            server=SERVER,
            user=name,
            room=LOBBY,
            seq=self.hub.lobby.seq,
            journal=self._journal,
            token=token,
            hint="type help",
        )

    def _bucket(self) -> TokenBucket:
        limits = self.settings.limits
        return TokenBucket(limits.messages_per_second, limits.message_burst)

    def leave(self, connection: Receiver, *, for_good: bool) -> None:
        """Take the connection out. Who has no other is gone, or may come back for a while."""
        if connection not in self.hub.connections:
            return  # another took its place
        user = self.hub.detach(connection)
        if user.connections:
            return
        user.left = self.clock.now()
        if for_good:
            self._expire(user)
            return
        here = self.hub.presence.has_told(user)
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
            self._gone(user)

    def _depart(self, user: User) -> None:
        self.hub.depart(user)
        user.unload_sends()

    def _expire(self, user: User) -> None:
        self.identities.expire(user)
        self._gone(user)

    def _gone(self, user: User) -> None:
        self.hub.gone(user)
        if not self.schedule.of(user.id):  # else a pending message goes on with the numbers
            self.hub.forget(user)

    def resume(self, connection: Receiver, token: bytes, found: Identity | None) -> User:
        """Make the connection the user whose token has this hash, and nobody else's.

        `found` is whose it is on disk, needed for who is not in memory. Raises ChatError `bad-token`.
        """
        self.let_go()
        user, guest = self.identities.find(token), self.hub.connections.get(connection)
        if user is guest and user is not None:
            return user
        if guest is None or not self._may_resume(user, found):
            raise ChatError("bad-token", "nobody can come back with this token any more")
        self.hub.detach(connection)
        if not guest.connections:
            self._expire(guest)
        if user is None:
            assert found is not None
            user = self._restore(token, found)
        if user.sends_on_disk and found is not None:
            user.load_sends((key.key, key.at, answered(key)) for key in found.keys)
        for old in list(user.connections):
            self.hub.detach(old)
            old.stop("replaced")
        self.identities.back(user)
        user.left = None
        self.identities.write(user)
        if not self.hub.is_here(user):
            user.arrive(self.clock.now())
        self.hub.join(user, connection)
        if missed := user.take_missed():
            connection.write_nowait(missed)
        return user

    def _may_resume(self, user: User | None, found: Identity | None) -> bool:
        if user is not None:
            return found is not None or not (user.sends_on_disk and user.kept)
        if found is None:
            return False
        newer = self.identities.unwritten(found.user)
        if newer is not None:
            return newer.token is not None and self.identities.may_come_back(newer.left, self.clock.now())
        return self.identities.may_come_back(found.left, self.clock.now())

    def _restore(self, token: bytes, found: Identity) -> User:
        """Make a user of what is on disk, under the last name if that is free."""
        name = found.name
        if name is None or not self.hub.is_free(skeleton(name)):
            name, _ = self.hub.guest_name()
        user = User(
            id=found.user,
            name=name,
            key=skeleton(name),
            since=self.clock.now(),
            bucket=self._bucket(),
            token=token,
            kept=True,
            last_number=found.last_number,
            sends_on_disk=True,
        )
        self.hub.know(user)
        self.identities.add(user)
        self._by_name.discard(user.id)
        for other, seq in found.conversations:  # the others' are of no use before they are here
            if self.hub.find_known(other) is not None or self.schedule.of(other):
                self.hub.restore_conversation(user, other, seq)
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
        author = self.hub.find_id(pending.author)
        try:
            self.moderation.check(pending.author, now)
            recipient = self._recipient(pending)
        except ChatError as why:
            return GiveUp(self.schedule, pending, why, author)
        if author is None:
            author = self.hub.find_known(pending.author) or self._absent(pending)
        room = self.hub.lobby if recipient is None else self.hub.conversation(author.id, recipient)
        return SendDue(
            room=room,
            author=author,
            text=pending.text,
            recipient=recipient,
            name=pending.name,
            schedule=self.schedule,
            pending=pending,
        )

    def _recipient(self, pending: Pending) -> User | None:
        if pending.recipient is None or pending.recipient_name is None:
            return None
        user = self.hub.find_id(pending.recipient)
        if user is None and pending.recipient in self._by_name:
            return self.hub.find(pending.recipient_name)
        if user is None:
            name = pending.recipient_name
            raise ChatError("no-such-user", f"{name} is not here any more", name=name)
        return user

    def _absent(self, pending: Pending) -> User:
        """Stand in for an author who has left: the message goes out under the name of then."""
        bucket = TokenBucket(0, 0)
        name = pending.name
        return User(id=pending.author, name=name, key="", since=0, bucket=bucket, kept=True)
