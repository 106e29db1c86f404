"""What a client is told, in order, each message once, in bounded memory. Pure.

The lobby's messages are numbered without gaps, and so are those of each private conversation. So a client
needs not hold on to them: what does not fit, and what was said while it was away, is asked for again from
the server's journal, by number.
"""

from __future__ import annotations

from collections import deque
from typing import ClassVar

import attrs

from tcpchat.commands.conversations import Conversations
from tcpchat.commands.history import MAX_COUNT, History
from tcpchat.protocol import LOBBY, Event, Joined, Left, Message, Reply, Unknown
from tcpchat.protocol import Conversations as ConversationsReply
from tcpchat.protocol import History as HistoryReply

MOST = 20_000  # events; some 10 MB if they are of usual size
MOST_BYTES = 32 * 1024 * 1024  # about, of their texts


@attrs.frozen(kw_only=True)
class Skipped(Event):
    """Events that cannot be had again were lost, because this client did not read them in time."""

    type: ClassVar[str] = "skipped"
    events: int


@attrs.define(eq=False)
class Progress:
    """How far the lobby, or the private conversation of this id, was taken."""

    id: str | None = None
    last: int = 0
    """Number of the last message that was taken."""
    newest: int = 0
    """Number of the last message that is known to be."""
    behind: bool = False
    """Its next messages come in pages of history, not as they are said."""


class Inbox:
    """The events between the connection that brings them and whoever reads them.

    The lobby and each private conversation is either *live*, and its messages are taken as they come; or
    *behind*: then they come in pages of history, each asked for once everything before it was read, until
    one says that there are no more. Which conversations there are is asked too, whenever a connection began.
    """

    def __init__(self, most: int = MOST, history_on_reset: int | None = None) -> None:
        self.data_reset = False
        """The connection is to other data than the one before."""
        self._most = most
        self._history_on_reset = history_on_reset
        self._events: deque[Event] = deque()
        self._bytes = 0
        self._skipped = 0
        self._journal: str | None = None
        self._lobby = Progress()
        self._begun = False  # it is known where in the lobby to begin
        self._private: dict[str, Progress] = {}
        self._behind: dict[Progress, None] = {}  # in the order in which they get their next pages
        self._asked: History | Conversations | None = None
        self._listing = False  # the server is to say which private conversations there are
        self._listed: str | None = None  # the last one that it told of
        self._known = True  # it is known where each private conversation began for us
        self._early: dict[str, int] = {}  # the newest number of each that talked before that
        self._before: dict[str, int] = {}  # what was taken of each when the connection began

    @property
    def last(self) -> int | None:
        """Number of the lobby's last message that was taken; None before the first connection."""
        return self._lobby.last if self._begun else None

    @property
    def behind(self) -> bool:
        """Whether something is `wanted` from the server."""
        return self._listing or bool(self._behind)

    @property
    def crowded(self) -> bool:
        """Whether whoever reads should have a turn first, so that nothing need be fetched again."""
        return len(self._events) > self._most // 4 or self._bytes > MOST_BYTES // 4

    @property
    def _full(self) -> bool:
        return len(self._events) >= self._most or self._bytes >= MOST_BYTES

    def __len__(self) -> int:
        return len(self._events)

    def start_after(self, seq: int) -> None:
        """Take everything of the lobby after this number, which an earlier run of the program got to."""
        self._lobby.last, self._begun = seq, True

    def welcome(self, seq: int, journal: str | None, history: int) -> int:
        """Begin a connection, before which the lobby has got to `seq`; return how many messages were missed.

        The first time `history` of those from before are wanted. Later, those since the last one; on another
        journal than before, as of a server that keeps nothing and was started anew, all of it, or as many
        of the last as are wanted on reset. So it is where the lobby is shorter than what was taken of it.
        """
        lobby = self._lobby
        self.data_reset = self._begun and (seq < lobby.last or self._journal not in {None, journal})
        if not self._begun:
            lobby.last = max(0, seq - history)
            missed = 0
        else:
            if self.data_reset:
                lobby.last = 0 if self._history_on_reset is None else max(0, seq - self._history_on_reset)
            missed = seq - lobby.last
        self._journal, self._begun = journal, True
        lobby.newest = seq
        self._set_behind(lobby, behind=lobby.last < seq)
        return missed

    def become(self, *, fresh: bool) -> None:
        """Begin as another user: a `fresh` one has no private conversations yet.

        Of those that another has, what that user has not read is wanted.
        """
        for progress in self._private.values():
            self._set_behind(progress, behind=False)
        self._private, self._early, self._before = {}, {}, {}
        self._known = fresh
        self._listing, self._listed, self._asked = not fresh, None, None

    def come_back(self) -> None:
        """Begin a connection as the same user: what was said privately meanwhile is wanted."""
        self._before = {id: progress.last for id, progress in self._private.items()}
        self._listing, self._listed, self._asked = True, None, None

    def take(self, event: Event) -> None:
        """Take an event from the connection."""
        if isinstance(event, Message):
            if event.room == LOBBY:
                self._take_message(self._lobby, event)
                return
            if event.conversation is not None:
                self._take_private(event.conversation, event)
                return
        if not self._full:
            self._append(event)
        else:
            self._skipped += 1

    def _take_private(self, id: str, message: Message) -> None:
        progress = self._private.get(id)
        if progress is None and not self._known:
            self._early[id] = max(self._early.get(id, 0), message.seq)
            return  # it comes with a page
        self._take_message(progress or self._add(id, 0), message)

    def _take_message(self, progress: Progress, message: Message) -> None:
        seq = message.seq
        progress.newest = max(progress.newest, seq)
        if progress.behind or seq <= progress.last:
            return  # it comes with a page, or has come
        if seq > progress.last + 1 or self._full:
            self._set_behind(progress, behind=True)
            return
        progress.last = seq
        if not message.ignored:
            self._append(message)

    def _append(self, event: Event) -> None:
        self._events.append(event)
        self._bytes += _size(event)

    def _add(self, id: str, last: int) -> Progress:
        progress = self._private[id] = Progress(id, last, last)
        return progress

    def _set_behind(self, progress: Progress, *, behind: bool) -> None:
        self._behind.pop(progress, None)
        progress.behind = behind
        if behind:
            self._behind[progress] = None

    def wanted(self) -> History | Conversations:
        """Return what to ask the server now, while it is `behind`; `answer` or `give_up` is to follow.

        Each that is behind has its turn.
        """
        if self._listing:
            self._asked = Conversations(after=self._listed)
        else:
            progress = next(iter(self._behind))
            self._asked = History(after=progress.last, count=MAX_COUNT, username=progress.id)
        return self._asked

    def answer(self, request: History | Conversations, reply: Reply) -> None:
        """Take the reply to what was wanted, before anything that was received after it."""
        if request is not self._asked:
            return  # it is about somebody who we are no longer
        self._asked = None
        if isinstance(request, History) and isinstance(reply, HistoryReply):
            self._take_page(self._of(request), reply)
        elif isinstance(request, Conversations) and isinstance(reply, ConversationsReply):
            self._take_list(reply)

    def give_up(self) -> bool:
        """Do without what was wanted last, if that is possible; return whether it is.

        Messages of a private conversation that are lost thereby count as skipped.
        """
        request, self._asked = self._asked, None
        if isinstance(request, Conversations):
            self._end_list()
        elif request is not None:
            progress = self._of(request)
            if progress is self._lobby:
                return False
            self._skipped += progress.newest - progress.last
            progress.last = progress.newest
            self._set_behind(progress, behind=False)
        return True

    def _of(self, request: History) -> Progress:
        return self._lobby if request.username is None else self._private[request.username]

    def _take_page(self, progress: Progress, page: HistoryReply) -> None:
        for message in page.messages:
            if message.seq > progress.last:
                progress.last = message.seq
                if not message.ignored:
                    self._append(message)
        # What came while the page was on its way may be newer than the page.
        newer = bool(page.messages) and progress.newest > progress.last
        progress.newest = max(progress.newest, progress.last)
        self._set_behind(progress, behind=page.more or newer)

    def _take_list(self, page: ConversationsReply) -> None:
        for info in page.conversations:
            id = info.conversation
            progress = self._private.get(id) or self._add(id, 0 if self._known else info.read)
            if info.seq < self._before.pop(id, 0):  # the server lost what it had: begin anew
                progress.last = progress.newest = 0
            self._there_is(progress, info.seq)
        if page.more and page.conversations:
            self._listed = page.conversations[-1].conversation
            return
        for id in self._before:  # the server lost them
            self._set_behind(self._private.pop(id), behind=False)
        self._end_list()

    def _end_list(self) -> None:
        """Those that nobody told of begin with their first message."""
        early, self._early, self._before = self._early, {}, {}
        self._listing, self._known = False, True
        for id, newest in early.items():
            self._there_is(self._private.get(id) or self._add(id, 0), newest)

    def _there_is(self, progress: Progress, seq: int) -> None:
        progress.newest = max(progress.newest, seq)
        if progress.newest > progress.last and not progress.behind:
            self._set_behind(progress, behind=True)

    def next(self) -> Event | None:
        """Return the next event, or None: then something is `wanted`, or time has to pass."""
        if self._events:
            event = self._events.popleft()
            self._bytes -= _size(event)
            return event
        if self._skipped:
            skipped, self._skipped = self._skipped, 0
            return Skipped(events=skipped)
        return None


def _size(event: Event) -> int:
    """Return about how many bytes an event takes that can be of any size."""
    match event:
        case Message():
            return len(event.text)
        case Joined() | Left():
            return sum(map(len, event.users))
        case Unknown():
            return len(repr(event.fields))
    return 0
