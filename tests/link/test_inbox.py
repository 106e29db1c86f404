"""The inbox: each message of the lobby once and in order, whatever goes wrong on the way."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tcpchat.link.inbox import MAX_BYTES, CaughtUp, Inbox, Listing, Replay, Skipped
from tcpchat.link.lagging import Numbered
from tcpchat.protocol import (
    Bye,
    Conversations,
    Edited,
    Event,
    Joined,
    ListConversations,
    ListRooms,
    Log,
    Message,
    ReadLog,
    Rooms,
    Unknown,
)


def said(seq: int, room: str = "lobby") -> Message:
    return Message(room=room, seq=seq, at="", sender="bob", text=f"{room}-{seq}")


def page(*seqs: int, more: bool = False) -> Log:
    return Log(room="lobby", events=[said(seq) for seq in seqs], first=1, more=more)


def joined(number: int) -> Joined:
    return Joined(room="lobby", users=[f"user-{number}"])


def fetch(inbox: Inbox, answer: Log) -> None:
    """Ask for what is wanted, which is some of the lobby, and get this."""
    request = inbox.next_request()
    assert isinstance(request, ReadLog)
    assert (request.after, request.room) == (inbox.last, None)
    inbox.put_reply(request, answer)


def rest(inbox: Inbox) -> list[Event]:
    return list(iter(inbox.get, None))


def seqs(events: list[Event]) -> list[int]:
    return [event.seq for event in events if isinstance(event, Message)]


def inbox_at(seq: int, *, most: int = 100, history: int = 0) -> Inbox:
    inbox = Inbox(most, Replay(last=history))
    inbox.welcome(seq, "j")
    return inbox


def test_events_come_in_the_order_of_arrival() -> None:
    inbox = inbox_at(5)
    came = [joined(1), said(6), said(1, room="@b"), said(7), said(3, room="elsewhere"), joined(2)]
    for event in came:
        inbox.put(event)
    assert len(inbox) == 6
    assert rest(inbox) == came
    assert inbox.get() is None
    assert not inbox.lagging
    assert inbox.last == 7


@pytest.mark.parametrize(
    ("seq", "history", "last", "behind"),
    [
        (0, 0, 0, False),
        (0, 20, 0, False),
        (5, 0, 5, False),
        (5, 3, 2, True),
        (5, 5, 0, True),
        (5, 20, 0, True),
    ],
)
def test_the_first_connection_misses_nothing_but_may_request_history(
    seq: int, history: int, last: int, behind: bool
) -> None:
    inbox = Inbox(replay=Replay(last=history))
    assert inbox.welcome(seq, "j") == 0
    assert (inbox.last, inbox.lagging) == (last, behind)


@pytest.mark.parametrize(
    ("seq", "journal", "missed", "last", "behind"),
    [
        (5, "j", 0, 5, False),
        (6, "j", 1, 5, True),
        (905, "j", 900, 5, True),
        (5, "other", 5, 0, True),
        (9, "other", 9, 0, True),
        (0, "other", 0, 0, False),
        (4, "j", 4, 0, True),  # it lost what it had: begin anew
    ],
)
def test_a_later_connection_misses_messages_and_another_journal_begins_anew(
    seq: int, journal: str, missed: int, last: int, behind: bool
) -> None:
    inbox = inbox_at(5)
    assert not inbox.data_reset
    assert inbox.welcome(seq, journal) == missed
    assert (inbox.last, inbox.lagging) == (last, behind)
    assert inbox.data_reset is (last == 0)
    inbox.welcome(seq, journal)
    assert inbox.data_reset is (last > seq), "it is other data once"


@pytest.mark.parametrize(("seq", "last"), [(2, 0), (3, 0), (4, 1), (905, 902)])
def test_after_a_reset_the_last_messages_are_replayed(seq: int, last: int) -> None:
    inbox = Inbox(100, Replay(last=5, last_on_reset=3))
    inbox.welcome(5, "j")
    assert inbox.last == 0
    assert inbox.welcome(seq, "other") == seq - last
    assert (inbox.last, inbox.lagging) == (last, True)


def test_the_latest_journal_counts() -> None:
    inbox = inbox_at(5)
    inbox.welcome(2, "other")
    fetch(inbox, page(1, 2))
    assert inbox.welcome(3, "other") == 1
    assert inbox.last == 2


@pytest.mark.parametrize("seq", [1, 4, 5])
def test_messages_that_were_taken_before_are_dropped(seq: int) -> None:
    inbox = inbox_at(5)
    inbox.put(said(seq))
    assert rest(inbox) == []
    assert not inbox.lagging


def test_a_gap_is_filled_from_history() -> None:
    inbox = inbox_at(5)
    inbox.put(said(8))
    assert inbox.lagging
    assert rest(inbox) == []
    assert inbox.last == 5
    fetch(inbox, page(6, 7, 8))
    assert not inbox.lagging
    inbox.put(said(9))
    assert seqs(rest(inbox)) == [6, 7, 8, 9]


def test_in_a_lagging_room_messages_wait_for_their_page_and_other_events_do_not() -> None:
    inbox = inbox_at(5, history=2)
    inbox.put(said(6))
    inbox.put(joined(1))
    assert rest(inbox) == [joined(1)]
    fetch(inbox, page(4, 5, more=True))
    assert inbox.lagging
    inbox.put(said(7))
    fetch(inbox, page(6, 7))
    assert seqs(rest(inbox)) == [4, 5, 6, 7]
    assert not inbox.lagging


def test_a_page_that_overlaps_adds_only_what_is_new() -> None:
    inbox = inbox_at(5)
    inbox.put(said(7))
    fetch(inbox, page(4, 5, 6, 7))
    assert seqs(rest(inbox)) == [6, 7]
    assert inbox.last == 7


def test_one_below_the_limit_fits_and_the_next_message_comes_from_history() -> None:
    inbox = inbox_at(0, most=3)
    for seq in (1, 2, 3):
        inbox.put(said(seq))
    assert not inbox.lagging
    assert len(inbox) == 3
    inbox.put(said(4))
    assert inbox.lagging
    assert len(inbox) == 3
    assert inbox.last == 3
    assert seqs(rest(inbox)) == [1, 2, 3]
    fetch(inbox, page(4))
    assert seqs(rest(inbox)) == [4]


def test_other_events_that_do_not_fit_are_counted() -> None:
    inbox = inbox_at(0, most=2)
    for number in range(5):
        inbox.put(joined(number))
    assert rest(inbox) == [joined(0), joined(1), Skipped(events=3)]
    inbox.put(joined(9))
    assert rest(inbox) == [joined(9)]


class World:
    """A server with a lobby, a wire to one client, and that client's inbox and reader."""

    def __init__(self, most: int, history: int, size: int) -> None:
        self.inbox = Inbox(most, Replay(last=history))
        self.history = history
        self.size = size  # messages of a page
        self.journal = 0
        self.lobby = 0  # messages said
        self.wire: list[Event | Log] | None = None
        self.page: tuple[int, int] | None = None  # asked for and not answered: after, until
        self.request: ReadLog | Listing | None = None  # the reader waits for its reply
        self.others = 0
        self.delivered = 0
        self.skipped = 0
        self.read: list[tuple[int, int]] = []
        self.expected: list[tuple[int, int]] = []

    def say(self) -> None:
        self.lobby += 1
        self.expected.append((self.journal, self.lobby))
        self.write(
            Message(room="lobby", seq=self.lobby, at="", sender=str(self.journal), text=str(self.lobby))
        )

    def other(self) -> None:
        self.others += 1
        self.write(joined(self.others))

    def write(self, line: Event | Log) -> None:
        if self.wire is not None:
            self.wire.append(line)

    def deliver(self) -> None:
        if not self.wire:
            return
        line = self.wire.pop(0)
        if isinstance(line, Log):
            assert self.request is not None
            self.inbox.put_reply(self.request, line)
            self.request = None
        else:
            self.delivered += isinstance(line, Joined)
            self.inbox.put(line)

    def next(self) -> None:
        event = self.inbox.get()
        if isinstance(event, Message):
            self.read.append((int(event.sender), event.seq))
        elif isinstance(event, Joined):
            self.delivered -= 1
        elif isinstance(event, Skipped):
            self.skipped += event.events
        elif self.inbox.lagging and self.wire is not None and self.request is None:
            self.request = self.inbox.next_request()
            assert isinstance(self.request, ReadLog)
            assert self.request.after is not None
            self.page = (self.request.after, self.lobby)

    def begin_answer(self) -> None:
        """The server's history is as far as its lobby is now."""
        if self.page is not None:
            self.page = (self.page[0], self.lobby)

    def answer(self) -> None:
        """What was said since the page was begun is before it on the wire, as when it is read from disk."""
        if self.page is None:
            return
        after, until = self.page
        self.page = None
        numbers = range(after + 1, until + 1)[: self.size]
        events: list[Numbered] = [
            Message(room="lobby", seq=seq, at="", sender=str(self.journal), text=str(seq)) for seq in numbers
        ]
        self.write(Log(room="lobby", events=events, first=1, more=after + len(events) < until))

    def lose(self) -> None:
        self.wire = self.page = self.request = None

    def connect(self) -> None:
        if self.wire is not None:
            return
        first = self.inbox.last is None
        if first:
            del self.expected[: max(0, self.lobby - self.history)]
        missed = self.inbox.welcome(self.lobby, str(self.journal))
        assert first or missed >= 0
        self.wire = []

    def restart(self) -> None:
        """The server keeps nothing, and is started anew; what nobody fetched by then is gone."""
        self.lose()
        self.expected = [one for one in self.expected if one in self.read or one in self.held()]
        self.journal += 1
        self.lobby = 0

    def held(self) -> list[tuple[int, int]]:
        events = list(self.inbox._events)
        return [(int(event.sender), event.seq) for event in events if isinstance(event, Message)]

    def settle(self) -> None:
        """Let everything happen that still can."""
        self.connect()
        while True:
            before = len(self.read)
            self.begin_answer()
            self.answer()
            while self.wire:
                self.deliver()
            while len(self.inbox):
                self.next()
            self.next()  # Skipped
            self.next()  # asks for a page
            if len(self.read) == before and self.page is None and not self.wire:
                break
            assert len(self.inbox) <= self.inbox._limit + self.size


OPS = st.sampled_from(
    ["say"] * 6 + ["deliver"] * 6 + ["next"] * 4
    + ["other", "begin_answer", "answer", "answer", "lose", "connect", "connect", "restart"]
)  # fmt: skip


@settings(max_examples=500)
@given(
    ops=st.lists(OPS, max_size=120), most=st.integers(1, 6), history=st.integers(0, 4), size=st.integers(1, 4)
)
def test_each_message_is_read_once_in_order_whatever_happens(
    ops: list[str], most: int, history: int, size: int
) -> None:
    world = World(most, history, size)
    for op in ops:
        getattr(world, op)()
    world.settle()
    world.say()
    world.settle()
    assert world.read == world.expected
    assert world.skipped == world.delivered
    assert not world.inbox.lagging


def test_replay_after_begins_after_that_number() -> None:
    inbox = Inbox(replay=Replay(after=5))
    assert inbox.welcome(8, "j") == 3
    assert inbox.last == 5


def test_a_message_newer_than_a_page_on_its_way_is_requested() -> None:
    inbox = Inbox(replay=Replay(last=1))
    inbox.welcome(5, "j")
    inbox.put(said(6))  # after the server began the page
    fetch(inbox, page(5))
    assert inbox.lagging  # 6 is still to be had


async def test_events_are_bounded_by_their_size_too() -> None:
    inbox = Inbox()
    inbox.welcome(0, "j")
    for seq in range(1, 100):
        inbox.put(attrs.evolve(said(seq), text="x" * 1_000_000))
    assert len(inbox) <= MAX_BYTES // 1_000_000 + 1
    assert inbox.lagging
    while inbox.get():
        pass
    assert inbox._bytes == 0


def edited(seq: int, *, ignored: bool | None = None) -> Edited:
    return Edited(room="lobby", seq=seq, at="", sender="bob", target=1, text="new", ignored=ignored)


def later(seq: int) -> Unknown:
    """Return a numbered event of a kind that a later version has."""
    return Unknown(fields={"type": "pinned", "room": "lobby", "seq": seq})


def test_any_event_that_a_room_numbers_comes_once_in_order() -> None:
    inbox = inbox_at(5)
    for event in (edited(6), edited(6), said(7), edited(9)):
        inbox.put(event)
    assert rest(inbox) == [edited(6), said(7)]
    assert inbox.lagging, "the event 8 is missing"
    fetch(inbox, Log(room="lobby", events=[later(8), edited(9)], first=1, more=False))
    inbox.put(edited(10, ignored=True))
    inbox.put(later(11))
    inbox.put(later(11))
    inbox.put(said(12))
    assert rest(inbox) == [later(8), edited(9), later(11), said(12)]
    assert not inbox.lagging


def test_the_program_is_told_once_that_it_has_all_that_was_sent_before() -> None:
    inbox = inbox_at(5, history=2)
    inbox.put(said(6))
    inbox.catching_up = True
    assert inbox.get() is None, "a page is missing"
    fetch(inbox, page(4, 5, more=True))
    assert seqs(rest(inbox)) == [4, 5], "one more is missing"
    fetch(inbox, page(6))
    assert rest(inbox) == [said(6), CaughtUp()]
    inbox.put(said(7))
    assert rest(inbox) == [said(7)]


def test_the_private_rooms_are_missing_until_the_server_has_listed_them() -> None:
    inbox = inbox_at(5)
    inbox.resume()
    inbox.catching_up = True
    assert inbox.get() is None
    request = inbox.next_request()
    assert isinstance(request, ListRooms)
    inbox.put_reply(request, Rooms(rooms=[], more=False))
    assert inbox.get() is None
    request = inbox.next_request()
    assert isinstance(request, ListConversations)
    inbox.put_reply(request, Conversations(conversations=[], more=False))
    assert inbox.get() == CaughtUp()


def test_where_the_last_messages_are_ignored_ones_the_program_is_told_too() -> None:
    inbox = inbox_at(5, history=2)
    inbox.catching_up = True
    ignored: list[Numbered] = [attrs.evolve(said(seq), ignored=True, text="") for seq in (4, 5)]
    fetch(inbox, Log(room="lobby", events=ignored, first=1, more=False))
    assert rest(inbox) == [CaughtUp()]


def test_a_connection_that_ends_before_is_not_said_to_have_given_all() -> None:
    inbox = inbox_at(5)
    inbox.catching_up = True
    bye = Bye(code="server-stopping", message="bye")
    inbox.put(bye)
    assert rest(inbox) == [bye]
