"""The whole state of one server's chat, without sockets and disks. All synchronous."""

from __future__ import annotations

from collections.abc import Callable

from tcpchat import __version__
from tcpchat.chat.entry import Entry
from tcpchat.chat.hub import Hub
from tcpchat.chat.limits import Meter, Places, TokenBucket
from tcpchat.chat.moderation import Moderation
from tcpchat.chat.schedule import GiveUp, Pending, Schedule, SendDue
from tcpchat.chat.user import Receiver, User
from tcpchat.errors import ChatError
from tcpchat.protocol import LOBBY, PROTOCOL_VERSION, Welcome
from tcpchat.settings import Settings
from tcpchat.store import Snapshot
from tcpchat.times import Clock

SERVER = f"tcpchat {__version__}"


class Chat:
    """Users, rooms, reports, pending messages and counters, and what time it is.

    `new_id` gives opaque ids of users; nobody may guess one.
    """

    def __init__(
        self, settings: Settings, snapshot: Snapshot, clock: Clock, new_id: Callable[[], str]
    ) -> None:
        limits, rules = settings.limits, settings.rules
        self.settings = settings
        self.server = SERVER
        self.clock = clock
        self._new_id = new_id
        self.hub = Hub(lobby_seq=snapshot.lobby_seq, guests=snapshot.guests)
        self.hub.lobby.fill(snapshot.recent)
        self.moderation = Moderation(reports=rules.reports_to_mute, seconds=rules.mute_seconds)
        self.moderation.fill(snapshot)
        self.schedule = Schedule(snapshot.scheduled_id)
        for kept in snapshot.scheduled:
            self.schedule.add(Pending(**kept._replace(recipient=None)._asdict()))
        self.places = Places(limits.connections, limits.connections_per_address)
        self.messages = snapshot.messages
        self.meter = Meter()
        self.started = clock.monotonic()

    def enter(self, connection: Receiver) -> User:
        """Make the connection a guest; it hears the lobby from now on."""
        name, key = self.hub.guest_name()
        limits = self.settings.limits
        bucket = TokenBucket(limits.messages_per_second, limits.message_burst)
        user = User(id=self._new_id(), name=name, key=key, since=self.clock.now(), bucket=bucket)
        self.hub.join(user, connection)
        return user

    def leave(self, connection: Receiver) -> None:
        """Take the connection out; with the last one its user is gone."""
        user = self.hub.leave(connection)
        if not (user.connections or self.schedule.of(user.id)):
            self.hub.forget(user)  # else a pending message goes on with the numbers

    def welcome(self, user: User) -> Welcome:
        return Welcome(protocol=PROTOCOL_VERSION, server=SERVER, user=user.name, room=LOBBY, hint="type help")

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
            author = self._absent(pending)
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
        if pending.recipient_name is None:
            return None
        if pending.recipient is None:
            return self.hub.find(pending.recipient_name)
        user = self.hub.find_id(pending.recipient)
        if user is None:
            name = pending.recipient_name
            raise ChatError("no-such-user", f"{name} is not here any more", name=name)
        return user

    def _absent(self, pending: Pending) -> User:
        """Stand in for an author who has left: the message goes out under the name of then."""
        bucket = TokenBucket(0, 0)
        name = pending.name
        return User(id=pending.author, name=name, key="", since=0, bucket=bucket, kept=True)
