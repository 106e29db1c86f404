"""The state of one server's chat, without sockets and disks. Synchronous."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from tcpchat._version import __version__
from tcpchat.chat.audience import Audience
from tcpchat.chat.bans import Bans
from tcpchat.chat.directory import Directory
from tcpchat.chat.limits import ConnectionSlots, Meter
from tcpchat.chat.lines import event_line
from tcpchat.chat.moderation import Moderation
from tcpchat.chat.presence import Presence
from tcpchat.chat.receipts import Receipts
from tcpchat.chat.room import RECENT, Kind, Logged, Room
from tcpchat.chat.rooms import Rooms
from tcpchat.chat.schedule import Schedule
from tcpchat.chat.sessions import SessionIndex
from tcpchat.chat.subscriber import Subscriber
from tcpchat.chat.user import User
from tcpchat.chat.users import Users
from tcpchat.chat.wakeups import Wakeups
from tcpchat.protocol import PROTOCOL_VERSION, Welcome
from tcpchat.settings import CENTURY, Settings
from tcpchat.store.changes import MESSAGE, Prune
from tcpchat.store.rows import Snapshot
from tcpchat.times import MILLISECONDS, Clock
from tcpchat.wire.base import LOBBY

SERVER = f"tcpchat {__version__}"


class ServerState:
    """Users, rooms, reports, scheduled messages and counters.

    What is on disk changes here by `chat.apply` alone; connections, presence and reservations change by the
    methods of the parts. `new_id` gives opaque ids of users, `new_token` the tokens of sessions.
    """

    def __init__(
        self,
        settings: Settings,
        snapshot: Snapshot,
        clock: Clock,
        new_id: Callable[[], str],
        new_token: Callable[[], str],
        wakeups: Wakeups | None = None,
    ) -> None:
        limits, rules, wakeups = settings.limits, settings.rules, wakeups or Wakeups()
        self.settings = settings
        self.server = SERVER
        self.clock = clock
        self.journal = snapshot.journal
        self.rooms = Rooms(_lobby(snapshot), snapshot.rooms, snapshot.owners)
        self.directory = _directory(snapshot, clock.now())
        self.presence = Presence(wakeups.presence, clock.monotonic)
        self.audience = Audience(self.rooms.lobby, self.presence, wakeups.presence)
        self.sessions = SessionIndex(
            presence=rules.presence_seconds,
            grace=rules.grace_seconds,
            most=limits.absent_users,
            on_absent=wakeups.absence,
            on_dirty=wakeups.sessions,
        )
        self.users = Users(
            settings,
            clock,
            new_id,
            new_token,
            rooms=self.rooms,
            directory=self.directory,
            sessions=self.sessions,
            audience=self.audience,
            presence=self.presence,
        )
        self.passwords: Counter[str] = Counter()
        """How many passwords the user of an id has had since the server started: its *generation*."""
        self.moderation = Moderation(
            reports=rules.reports_to_mute, seconds=rules.mute_seconds, names=snapshot.names
        )
        for report in snapshot.reports:
            self.moderation.add_report(report)
        for mute in snapshot.mutes:
            self.moderation.set_mute(mute)
        self.bans = Bans(snapshot.bans)
        self.receipts = Receipts(wakeups.receipts)
        self.schedule = Schedule(snapshot.scheduled_id, wakeups.schedule)
        for pending in snapshot.scheduled:
            self.schedule.add(pending)
        self.slots = ConnectionSlots(limits.connections, limits.connections_per_address)
        self.messages = snapshot.messages
        self.meter = Meter()
        self.refusals: Counter[str] = Counter()
        """How often each code was the reply at once."""
        self.started = clock.monotonic()

    def configure(self, settings: Settings) -> None:
        """Let these settings hold from now on, for everybody."""
        limits, rules = settings.limits, settings.rules
        self.settings = settings
        self.users.configure(settings)
        self.moderation.configure(rules.reports_to_mute, rules.mute_seconds)
        self.slots.total, self.slots.per_address = limits.connections, limits.connections_per_address

    def enter(self, connection: Subscriber, address: str) -> tuple[User, Welcome]:
        """Return the guest that a new connection is, or nobody where login is required, and its welcome."""
        seq = self.rooms.lobby.seq
        if self.settings.rules.require_login:
            hint = "this server is for registered users: login NAME"
            return self.users.anonymous(), self._welcome(seq, None, None, hint)
        user, token = self.users.new_guest(connection, address)
        self.audience.subscribe_later(user, connection, self.clock.monotonic())
        return user, self._welcome(seq, user.name, token, "type help")

    def _welcome(self, seq: int, name: str | None, token: str | None, hint: str) -> Welcome:
        return Welcome(
            protocol=PROTOCOL_VERSION,
            server=SERVER,
            user=name,
            room=LOBBY,
            seq=seq,
            journal=self.journal,
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
        """Return since when keys are still remembered, in ms since 1970."""
        return self.clock.now() - int((self.settings.rules.key_seconds or CENTURY) * MILLISECONDS)

    def count(self, messages: int) -> None:
        """Note that so many messages were sent."""
        self.messages += messages
        self.meter.add(messages, self.clock.monotonic())


def _lobby(snapshot: Snapshot) -> Room:
    room = Room(LOBBY, Kind.LOBBY, snapshot.lobby_seq, RECENT)
    room.fill(
        Logged(event.seq, event.author, event_line(event), event.kind == MESSAGE) for event in snapshot.recent
    )
    return room


def _directory(snapshot: Snapshot, now: int) -> Directory:
    """Return the names that are stored; guests who were connected when the server ended left now."""
    absent = [row if row.left is not None else row._replace(left=now) for row in snapshot.absent]
    return Directory([*snapshot.registered, *absent], guests=snapshot.guests)
