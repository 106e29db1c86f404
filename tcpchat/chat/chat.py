"""The whole state of one server's chat, without sockets and disks. All synchronous."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from tcpchat._version import __version__
from tcpchat.chat.bans import Bans
from tcpchat.chat.directory import Directory
from tcpchat.chat.entry import Entry
from tcpchat.chat.hub import Hub
from tcpchat.chat.limits import Meter, Places, TokenBucket
from tcpchat.chat.marks import Marks
from tcpchat.chat.moderation import Moderation
from tcpchat.chat.people import People
from tcpchat.chat.receiver import Receiver
from tcpchat.chat.schedule import RETRY, GiveUp, Pending, Schedule, SendDue
from tcpchat.chat.user import User
from tcpchat.chat.wakeups import Wakeups
from tcpchat.errors import ChatError
from tcpchat.protocol import LOBBY, PROTOCOL_VERSION, Welcome
from tcpchat.settings import CENTURY, Settings
from tcpchat.store.changes import Prune
from tcpchat.store.rows import Snapshot
from tcpchat.times import MILLISECONDS, Clock

SERVER = f"tcpchat {__version__}"


def _directory(snapshot: Snapshot, clock: Clock) -> Directory:
    """Return whose names are kept; who was here when the server ended left now."""
    now = clock.now()
    absent = [kept if kept.left is not None else kept._replace(left=now) for kept in snapshot.absent]
    return Directory(snapshot.registered, absent)


class Chat:
    """Users, rooms, reports, pending messages and counters, and what time it is."""

    def __init__(
        self,
        settings: Settings,
        snapshot: Snapshot,
        clock: Clock,
        new_id: Callable[[], str],
        new_token: Callable[[], str],
        wakeups: Wakeups,
    ) -> None:
        limits, rules = settings.limits, settings.rules
        self.settings = settings
        self.server = SERVER
        self.clock = clock
        self._journal = snapshot.journal
        self.hub = Hub(
            _directory(snapshot, clock),
            lobby_seq=snapshot.lobby_seq,
            guests=snapshot.guests,
            notify=wakeups.presence,
        )
        self.hub.lobby.fill(snapshot.recent)
        self.people = People(settings, self.hub, clock, new_id, new_token, wakeups)
        self.moderation = Moderation(reports=rules.reports_to_mute, seconds=rules.mute_seconds)
        self.moderation.fill(snapshot)
        self.bans = Bans(snapshot.bans)
        self.marks = Marks(self.hub, wakeups.receipts)
        self.schedule = Schedule(snapshot.scheduled_id, wakeups.schedule)
        for kept in snapshot.scheduled:
            self.schedule.add(Pending(**kept._asdict()))
        self.places = Places(limits.connections, limits.connections_per_address)
        self.messages = snapshot.messages
        self.meter = Meter()
        self.refusals: Counter[str] = Counter()
        """How often each code was the reply at once."""
        self.started = clock.monotonic()

    def apply(self, settings: Settings) -> None:
        """Let these settings count from now on, for everybody."""
        limits, rules = settings.limits, settings.rules
        self.settings = settings
        self.people.apply(settings)
        self.moderation.mute_after(rules.reports_to_mute, rules.mute_seconds)
        self.places.total, self.places.per_address = limits.connections, limits.connections_per_address

    def enter(self, connection: Receiver, address: str) -> tuple[User, Welcome]:
        """Make the connection a guest, or nobody where login is required; send the welcome at once."""
        seq = self.hub.lobby.seq
        if self.settings.rules.require_login:
            return self.people.nobody(), self._welcome(
                seq, None, None, "this server is for its users: login NAME"
            )
        user, token = self.people.new_guest(connection, address)
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
        now, entries = self.clock.now(), []
        for pending in self.schedule.take_due(now, most):
            if self._is_asleep(pending.recipient):  # the disk did not give who it is for
                pending.due += RETRY
                self.schedule.add(pending)
            else:
                entries.append(self._due(pending, now))
        return entries

    def _is_asleep(self, user: str | None) -> bool:
        known = user is None or self.hub.find_known(user) is not None
        return not known and self.people.directory.find(str(user)) is not None

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
        if id in self.people.deleted:  # it came due before, and the disk did not take it
            raise ChatError("no-such-user", "its author was deleted")
        self.bans.check_user(id, now)
        self.moderation.check(id, now)

    def asleep(self, most: int) -> list[str]:
        """Return the ids of users who must be in memory before up to `most` due messages can be sent."""
        due = self.schedule.due_until(self.clock.now(), most)
        wanted = {id for pending in due if pending.recipient for id in (pending.recipient, pending.author)}
        return [id for id in wanted if self.hub.find_known(id) is None and self.people.directory.find(id)]

    def _recipient(self, pending: Pending) -> User | None:
        if pending.recipient is None or pending.recipient_name is None:
            return None
        user = self.hub.find_known(pending.recipient)
        if user is None or user.deleted:
            name = pending.recipient_name
            raise ChatError("no-such-user", f"{name} is not here any more", name=name)
        return user

    def _absent(self, pending: Pending) -> User:
        """Stand in for an author who has left: the message goes out under the name of then."""
        bucket = TokenBucket(0, 0)
        name = pending.name
        return User(id=pending.author, name=name, key="", since=0, bucket=bucket, kept=True)
