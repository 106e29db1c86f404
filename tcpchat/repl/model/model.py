"""The state of one conversation with a server, as far as the client knows it: changed by events and replies.

Synchronous and pure: it shows nothing and asks nobody. What is derived from it is not stored in it.
"""

from __future__ import annotations

from collections.abc import Callable

from tcpchat.client import Disconnected, Reconnected
from tcpchat.protocol import (
    Away,
    Back,
    Cancelled,
    Conversations,
    CreateRoom,
    Edited,
    Error,
    Event,
    History,
    Ignoring,
    Joined,
    JoinRoom,
    LeaveRoom,
    Left,
    LoggedIn,
    LoggedOut,
    MemberChanged,
    Membership,
    Message,
    Muted,
    PendingMessage,
    Read,
    ReadHistory,
    Receipt,
    Renamed,
    Reply,
    Request,
    Resumed,
    RoomDetails,
    Rooms,
    Schedule,
    Sessions,
    Unmuted,
    Unread,
    Unsent,
    Users,
    Welcome,
)
from tcpchat.repl.model.delivery import Delivery
from tcpchat.repl.model.markers import ReadMarkers
from tcpchat.repl.model.place import LOBBY_PLACE, Place
from tcpchat.repl.model.roster import Roster
from tcpchat.repl.model.scheduled import ScheduledMessages
from tcpchat.times import MILLISECONDS, Clock, parse_timestamp

_IS_IN = {"joined", "role"}  # changes after which a member is one
_IS_OUT = {"none", "invited", "removed"}
REMEMBERED = 100  # messages of yours, for `/edit`
FOR_EVER = 1e10  # seconds; a mute without an end


class Model:
    """All that is known on this connection and those before it.

    `me` is your name, set by the owner before each event and reply. `monotonic` gives the seconds in which
    `muted_until` and `limited_until` are.
    """

    def __init__(self, me: str, clock: Clock, monotonic: Callable[[], float]) -> None:
        self.me = me
        self.place = LOBBY_PLACE
        """Where text goes."""
        self.roster = Roster()
        self.markers = ReadMarkers()
        self.delivery = Delivery()
        self.scheduled = ScheduledMessages(self._is_due)
        self.rooms: set[str] = set()
        """The named rooms that you are in."""
        self.away: str | None = None
        """What others read while you are away."""
        self.muted_until = 0.0
        self.limited_until = 0.0
        """Until when you send too fast."""
        self.ignored: list[str] = []
        """The users that you ignore, if the list was requested."""
        self.sessions: list[tuple[int, str]] = []
        """Number and device of your sessions, if the list was requested."""
        self._own: dict[tuple[str, int], tuple[Place, str]] = {}
        """Place and text of your last messages, by room and number."""
        self._clock = clock
        self._monotonic = monotonic
        self._lobby_before: int | None = None
        """The last message of the lobby when you came; nobody rings for what is older."""
        self._unread_before: dict[str, int] | None = None
        """The last message of each room with unread ones when you came."""

    def apply(self, event: Event) -> None:  # noqa: C901, PLR0912  # a case for each kind of event
        """Take an event; one of a later version changes nothing."""
        match event:
            case Message():
                self._apply_message(event)
            case Edited():
                self._apply_edit(event)
            case Joined():
                self.roster.join(event.users)
            case Left():
                self.roster.leave(event.users)
            case Renamed():
                self._rename(event.old, event.new)
            case MemberChanged() if event.username == self.me:
                self._change_membership(event.room, is_in=event.change in _IS_IN)
            case Welcome():
                self._welcome(event)
            case Unread():
                self.markers.set_unread(event)
                if self._unread_before is None:
                    self._unread_before = {room.room: room.seq for room in event.rooms}
            case Read():
                self.markers.set_read(event)
            case Receipt():
                self.delivery.add_receipt(event)
            case Muted():
                self.muted_until = self._monotonic_time(event.until)
            case Unmuted():
                self.muted_until = 0.0
            case Unsent():
                self.scheduled.remove(event.number)
            case Disconnected():
                self.scheduled.hold()
            case Reconnected(same_user=False):
                self._clear()
                self.muted_until = self.limited_until = 0.0
            case Error():
                self.apply_refusal(event)

    def apply_reply(  # noqa: C901, PLR0912  # a case for each kind of reply
        self, request: Request, reply: Reply
    ) -> list[PendingMessage]:
        """Take the reply to a request that was typed; return scheduled messages that turn out to be lost."""
        match reply:
            case Renamed():
                self.roster.rename(reply.old, reply.new)
                self.delivery.rename(reply.old, reply.new)
            case LoggedIn() | LoggedOut() | Resumed():
                self._change_user()
            case Away():
                self.away = reply.text
            case Back():
                self.away = None
            case Read():
                self.markers.set_read(reply)
            case Unread():
                self.markers.set_unread(reply)
            case History() if isinstance(request, ReadHistory):
                self.markers.show_history(request, reply)
            case Sessions():
                self.sessions = [(session.number, session.device) for session in reply.sessions]
            case Ignoring():
                self.ignored = list(reply.users)
            case RoomDetails():
                self._change_membership(reply.room, is_in=reply.role is not None)
                if isinstance(request, CreateRoom | JoinRoom) and reply.role is not None:
                    self.place = Place(reply.room)
            case Membership() if reply.username == self.me:
                self._change_membership(reply.room, is_in=reply.standing not in _IS_OUT)
                if isinstance(request, LeaveRoom) and self.place == Place(reply.room):
                    self.place = LOBBY_PLACE
            case Cancelled():
                self.scheduled.remove(reply.number)
            case Schedule() | Conversations():
                return self.add_page(reply)
        return []

    def add_page(self, reply: Reply) -> list[PendingMessage]:
        """Take a page of the list of users, scheduled messages or direct rooms, from the first page on.

        Returns scheduled messages that turn out to be lost.
        """
        match reply:
            case Users():
                self.roster.add_page(reply)
                for user in reply.users:
                    if user.name == self.me:
                        self.away = user.away
                        self.muted_until = self._monotonic_time(user.muted_until) if user.muted_until else 0.0
            case Schedule():
                return self.scheduled.add_page(reply)
            case Conversations():
                self.delivery.add_page(reply)
            case Rooms():
                self.rooms |= {room.room for room in reply.rooms if room.role is not None}
        return []

    def apply_refusal(self, error: Error) -> None:
        """Take a refusal, which may tell when sending works again."""
        until = self._monotonic() + (error.retry_after or 0)
        if error.code == "muted":
            self.muted_until = until if error.retry_after is not None else self._monotonic() + FOR_EVER
        elif error.code == "rate-limited":
            self.limited_until = until

    def take_end_of_mute(self) -> bool:
        """Return, once, that a mute ended by time."""
        ended = 0.0 < self.muted_until <= self._monotonic()
        if ended:
            self.muted_until = 0.0
        return ended

    def is_mine(self, event: Message | Edited) -> bool:
        """Return whether a message or an edit is yours, from here or another device."""
        return event.sender == self.me

    def place_of(self, event: Message | Edited) -> Place:
        """Return where a message or an edit is."""
        return Place.of_message(event, self.me)

    def own_messages(self) -> list[tuple[Place, int, str]]:
        """Return place, number and text of your last messages, the last one first."""
        return [(place, seq, text) for (_, seq), (place, text) in reversed(self._own.items())]

    def is_new(self, message: Message) -> bool:
        """Return whether a message was sent after you came."""
        if self.place_of(message).is_direct:
            return message.seq > (self._unread_before or {}).get(message.room, 0)
        return self._lobby_before is not None and message.seq > self._lobby_before

    def knows(self, user: str) -> bool:
        """Return whether a user is here, or is one with whom you have a direct room."""
        return user in self.roster or user in self.delivery.users()

    def _apply_message(self, message: Message) -> None:
        mine, place = self.is_mine(message), self.place_of(message)
        self.markers.show(message, place, mine=mine)
        self.roster.touch(message.sender)
        self.delivery.add_message(message, place, mine=mine)
        if mine:
            self._own[message.room, message.seq] = place, message.text
            if len(self._own) > REMEMBERED:
                del self._own[next(iter(self._own))]

    def _apply_edit(self, edit: Edited) -> None:
        place = self.place_of(edit)
        self.markers.show(edit, place, mine=self.is_mine(edit))
        self.roster.touch(edit.sender)
        own = self._own.get((edit.room, edit.target))
        if own is not None:
            self._own[edit.room, edit.target] = own[0], edit.text

    def _change_membership(self, room: str, *, is_in: bool) -> None:
        """Note that you are in a room or not.

        Text still goes to one from which you were removed, and is refused there: it must not go elsewhere.
        """
        if is_in:
            self.rooms.add(room)
        else:
            self.rooms.discard(room)

    def _rename(self, old: str, new: str) -> None:
        self.roster.rename(old, new)
        self.delivery.rename(old, new)
        self.place = self.place.renamed(old, new)
        self._own = {key: (place.renamed(old, new), text) for key, (place, text) in self._own.items()}

    def _welcome(self, event: Welcome) -> None:
        if self.markers.welcome(event.journal, event.seq):
            # Text still goes where it went: it must not become public by surprise.
            self._clear()
            self.scheduled.data_replaced()
            self._lobby_before, self.muted_until = None, 0.0
        if self._lobby_before is None:
            self._lobby_before = event.seq

    def _change_user(self) -> None:
        self.markers.change_user()
        self._clear()
        self.place, self.away = LOBBY_PLACE, None
        self.muted_until = self.limited_until = 0.0

    def _clear(self) -> None:
        self.delivery.clear()
        self._own.clear()
        self.ignored, self.sessions, self._unread_before = [], [], None
        self.rooms = set()

    def _is_due(self, message: PendingMessage) -> bool:
        return (parse_timestamp(message.at) or 0) <= self._clock.now()

    def _monotonic_time(self, at: str) -> float:
        """Return a time of the server as one of `monotonic`; now if it cannot be read."""
        time = parse_timestamp(at)
        wait = 0.0 if time is None else (time - self._clock.now()) / MILLISECONDS
        return self._monotonic() + wait
