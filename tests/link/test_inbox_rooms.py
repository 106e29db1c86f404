"""The inbox with direct rooms: each message of each room once and in order."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tcpchat.link.inbox import Inbox, Listing, Replay, Skipped
from tcpchat.link.lagging import Numbered
from tcpchat.protocol import (
    MAX_COUNT,
    ConversationInfo,
    Conversations,
    Event,
    Joined,
    ListConversations,
    ListRooms,
    Log,
    Message,
    Read,
    ReadLog,
    Rooms,
)

BOB, EVE = "@b0b0b0b0b0b0b0b0", "@e0e0e0e0e0e0e0e0"


def said(id: str, seq: int, *, ignored: bool | None = None, at: str = "") -> Message:
    """Return a message of the lobby or of a private conversation."""
    to = None if id == "lobby" else "me"
    return Message(room=id, to=to, seq=seq, at=at, sender="x", text=id, ignored=ignored)


def info(id: str, seq: int, read: int = 0) -> ConversationInfo:
    return ConversationInfo(username="x", room=id, seq=seq, read=read, delivered=seq)


def listing(*infos: ConversationInfo, more: bool = False) -> Conversations:
    return Conversations(conversations=list(infos), more=more)


def page(id: str, *seqs: int, more: bool = False) -> Log:
    return Log(room=id, username="x", events=[said(id, seq) for seq in seqs], first=1, more=more)


def heard(inbox: Inbox) -> list[tuple[str, int]]:
    """Return the messages that were not read before, each as its conversation and number."""
    events = list(iter(inbox.get, None))
    return [(event.room, event.seq) for event in events if isinstance(event, Message)]


def fetch(inbox: Inbox, answer: Log | Conversations) -> ReadLog | Listing:
    """Ask for what is wanted and get this."""
    request = wanted(inbox)
    inbox.put_reply(request, answer)
    return request


def wanted(inbox: Inbox) -> ReadLog | Listing:
    request = inbox.next_request()
    if isinstance(request, ListRooms):
        inbox.put_reply(request, Rooms(rooms=[], more=False))
        request = inbox.next_request()
    assert request is not None
    return request


def guest() -> Inbox:
    """Return the inbox of a new guest, with whom nobody has talked."""
    inbox = Inbox(100)
    inbox.welcome(0, "j")
    inbox.switch_user(new=True)
    return inbox


def known(*infos: ConversationInfo) -> Inbox:
    """Return the inbox of a user who was here before, after the server told of these conversations."""
    inbox = Inbox(100)
    inbox.welcome(0, "j")
    inbox.switch_user(new=False)
    assert fetch(inbox, listing(*infos)) == ListConversations()
    return inbox


def test_a_new_guest_requests_nothing_and_direct_rooms_begin_with_their_first_message() -> None:
    inbox = guest()
    assert not inbox.lagging
    for seq in (1, 2, 2, 1, 3):
        inbox.put(said(BOB, seq))
    inbox.put(said(EVE, 1))
    assert heard(inbox) == [(BOB, 1), (BOB, 2), (BOB, 3), (EVE, 1)]
    assert not inbox.lagging


def test_unread_messages_come_at_the_start_and_read_ones_do_not() -> None:
    inbox = known(info(BOB, 5, read=3), info(EVE, 2, read=2))
    assert fetch(inbox, page(BOB, 4, 5)) == ReadLog(after=3, count=MAX_COUNT, room=BOB)
    assert not inbox.lagging
    inbox.put(said(BOB, 6))
    inbox.put(said(EVE, 3))
    assert heard(inbox) == [(BOB, 4), (BOB, 5), (BOB, 6), (EVE, 3)]


def test_messages_before_the_list_of_rooms_come_with_a_page() -> None:
    inbox = Inbox(100)
    inbox.welcome(0, "j")
    inbox.switch_user(new=False)
    inbox.put(said(BOB, 6))
    inbox.put(said(EVE, 1))
    assert heard(inbox) == []
    fetch(inbox, listing(info(BOB, 5, read=5)))  # made before those were said
    assert fetch(inbox, page(BOB, 6)) == ReadLog(after=5, count=MAX_COUNT, room=BOB)
    assert fetch(inbox, page(EVE, 1)) == ReadLog(after=0, count=MAX_COUNT, room=EVE)
    assert heard(inbox) == [(BOB, 6), (EVE, 1)]
    assert not inbox.lagging


def test_all_pages_of_the_list_are_requested() -> None:
    inbox = Inbox(100)
    inbox.switch_user(new=False)
    assert fetch(inbox, listing(info(BOB, 1, read=1), more=True)) == ListConversations()
    inbox.put(said(EVE, 8))  # not told of yet
    assert fetch(inbox, listing(info(EVE, 8, read=7))) == ListConversations(after=BOB)
    assert fetch(inbox, page(EVE, 8)) == ReadLog(after=7, count=MAX_COUNT, room=EVE)
    assert heard(inbox) == [(EVE, 8)]


def test_an_empty_page_of_the_list_is_the_last() -> None:
    inbox = Inbox(100)
    inbox.switch_user(new=False)
    fetch(inbox, listing(more=True))
    assert not inbox.lagging


def test_missed_messages_come_once_also_from_rooms_that_began_meanwhile() -> None:
    inbox = known(info(BOB, 2, read=2))
    inbox.put(said(BOB, 3))
    inbox.welcome(0, "j")
    inbox.resume()
    inbox.put(said(BOB, 4))  # at once, since nothing is missing before it
    inbox.put(said(EVE, 2))  # but before this
    fetch(inbox, listing(info(BOB, 4, read=0), info(EVE, 2, read=2)))
    assert fetch(inbox, page(EVE, 1, 2)) == ReadLog(after=0, count=MAX_COUNT, room=EVE)
    assert heard(inbox) == [(BOB, 3), (BOB, 4), (EVE, 1), (EVE, 2)]
    assert not inbox.lagging


def test_a_gap_is_filled_from_history() -> None:
    inbox = known(info(BOB, 2, read=2))
    inbox.put(said(BOB, 5))
    inbox.put(said(BOB, 6))
    inbox.put(said(EVE, 1))
    assert fetch(inbox, page(BOB, 3, more=True)) == ReadLog(after=2, count=MAX_COUNT, room=BOB)
    inbox.put(said(BOB, 7))
    assert fetch(inbox, page(BOB, 4, 5, 6)) == ReadLog(after=3, count=MAX_COUNT, room=BOB)
    assert fetch(inbox, page(BOB, 7)) == ReadLog(after=6, count=MAX_COUNT, room=BOB)
    inbox.put(said(BOB, 8))
    assert heard(inbox) == [(EVE, 1), *((BOB, seq) for seq in range(3, 9))]


def test_ignored_messages_are_left_out_and_their_numbers_count() -> None:
    inbox = guest()
    inbox.put(said("lobby", 1, ignored=True))
    inbox.put(said("lobby", 2))
    inbox.put(said("lobby", 4))
    missed: list[Numbered] = [said("lobby", 3, ignored=True), said("lobby", 4)]
    fetch(inbox, Log(room="lobby", events=missed, first=1, more=False))
    inbox.put(said(BOB, 2))  # the first did not come live
    fetch(inbox, Log(room=BOB, events=[said(BOB, 1, ignored=True), said(BOB, 2)], first=1, more=False))
    inbox.put(said(BOB, 3))
    assert heard(inbox) == [("lobby", 2), ("lobby", 4), (BOB, 2), (BOB, 3)]
    assert not inbox.lagging


def test_direct_messages_that_do_not_fit_are_fetched_and_not_skipped() -> None:
    inbox = Inbox(3)
    inbox.switch_user(new=True)
    for seq in range(1, 6):
        inbox.put(said(BOB, seq))
    assert len(inbox) == 3
    events = list(iter(inbox.get, None))
    assert not any(isinstance(event, Skipped) for event in events)
    assert fetch(inbox, page(BOB, 4, 5)) == ReadLog(after=3, count=MAX_COUNT, room=BOB)
    assert heard(inbox) == [(BOB, 4), (BOB, 5)]


def test_lagging_rooms_take_turns() -> None:
    inbox = known(info(BOB, 9), info(EVE, 9))
    inbox.put(said("lobby", 5))
    asked = [wanted(inbox) for _ in range(3)]
    assert [one.room for one in asked if isinstance(one, ReadLog)] == [BOB, EVE, None]
    assert inbox.next_request() is None, "all were requested"
    for request, id in zip(asked, (BOB, EVE, "lobby"), strict=True):
        assert heard(inbox) == []
        inbox.put_reply(request, Log(room=id, events=[said(id, 1)], first=1, more=True))
    assert heard(inbox) == [("lobby", 1)]
    assert wanted(inbox) == ReadLog(after=1, count=MAX_COUNT)


def test_what_the_server_cannot_give_for_now_is_requested_again() -> None:
    inbox = known(info(BOB, 2, read=1), info(EVE, 2, read=1))
    refused, answered = wanted(inbox), wanted(inbox)
    inbox.retry(refused)
    inbox.put_reply(answered, page(EVE, 2))
    assert heard(inbox) == []
    assert fetch(inbox, page(BOB, 2)) == refused
    assert heard(inbox) == [(BOB, 2), (EVE, 2)]


def test_what_comes_while_a_room_waits_for_others_is_fetched_after_it() -> None:
    inbox = known(info(BOB, 2, read=1), info(EVE, 2, read=1))
    bob, eve = wanted(inbox), wanted(inbox)
    inbox.put_reply(eve, page(EVE, 2))
    inbox.put(said(EVE, 3))
    inbox.put_reply(bob, page(BOB, 2))
    assert heard(inbox) == [(BOB, 2), (EVE, 2)]
    assert fetch(inbox, page(EVE, 3)) == ReadLog(after=2, count=MAX_COUNT, room=EVE)
    assert heard(inbox) == [(EVE, 3)]


def test_a_new_connection_requests_anew_what_was_fetched_and_not_given() -> None:
    inbox = known(info(BOB, 2, read=1), info(EVE, 2, read=1))
    lost, answered = wanted(inbox), wanted(inbox)
    inbox.put_reply(answered, page(EVE, 2))
    inbox.welcome(0, "j")
    inbox.resume()
    inbox.put_reply(lost, page(BOB, 2))
    fetch(inbox, listing(info(BOB, 2), info(EVE, 2)))
    assert {fetch(inbox, page(BOB, 2)), fetch(inbox, page(EVE, 2))} == {lost, answered}
    assert heard(inbox) == [(BOB, 2), (EVE, 2)]
    assert not inbox.lagging


def test_what_waits_for_a_room_of_the_user_before_does_not_wait_for_another_user() -> None:
    inbox = known(info(BOB, 2))
    inbox.put(said("lobby", 2))
    bob, lobby = wanted(inbox), wanted(inbox)
    inbox.put_reply(lobby, page("lobby", 1, 2))
    assert heard(inbox) == []
    inbox.switch_user(new=True)
    assert heard(inbox) == [("lobby", 1), ("lobby", 2)]
    inbox.put_reply(bob, page(BOB, 1, 2))
    assert heard(inbox) == []
    assert not inbox.lagging


def test_another_user_gets_no_page_of_the_user_before() -> None:
    inbox = known(info(BOB, 5))
    request = wanted(inbox)
    inbox.switch_user(new=False)
    inbox.put_reply(request, page(BOB, 1, 2, 3, 4, 5))
    assert heard(inbox) == []
    fetch(inbox, listing(info(BOB, 5, read=4)))
    assert fetch(inbox, page(BOB, 5)) == ReadLog(after=4, count=MAX_COUNT, room=BOB)
    assert heard(inbox) == [(BOB, 5)]


def read(id: str, seq: int) -> Read:
    return Read(room=id, username="x", seq=seq)


def test_what_is_read_and_never_came_is_not_fetched() -> None:
    inbox = guest()
    inbox.put(said(BOB, 1))
    inbox.put(read(BOB, 3))
    inbox.put(said(BOB, 4))
    assert heard(inbox) == [(BOB, 1), (BOB, 4)]
    inbox.put(read(EVE, 2))
    inbox.put(said(EVE, 3))
    assert heard(inbox) == [(EVE, 3)]
    assert not inbox.lagging


def test_what_another_device_read_is_fetched_if_it_was_missed() -> None:
    inbox = guest()
    inbox.put(said(BOB, 1))
    inbox.put(said(BOB, 3))  # a gap, so that it comes in pages
    inbox.put(read(BOB, 3))
    fetch(inbox, page(BOB, 2, 3))
    assert heard(inbox) == [(BOB, 1), (BOB, 2), (BOB, 3)]
    inbox.welcome(0, "j")
    inbox.resume()
    inbox.put(read(BOB, 5))
    inbox.put(read(EVE, 1))
    fetch(inbox, listing(info(BOB, 5), info(EVE, 1)))
    fetch(inbox, page(BOB, 4, 5))
    fetch(inbox, page(EVE, 1))
    assert heard(inbox) == [(BOB, 4), (BOB, 5), (EVE, 1)]


def test_a_list_for_the_user_before_is_ignored() -> None:
    inbox = Inbox(100)
    inbox.switch_user(new=False)
    fetch(inbox, listing(info(BOB, 0), more=True))
    request = wanted(inbox)
    inbox.switch_user(new=False)
    inbox.put_reply(request, listing())  # what comes after BOB
    assert inbox.next_request() == ListRooms()


def test_a_room_that_is_given_up_counts_as_skipped() -> None:
    inbox = known(info(BOB, 5, read=2), info(EVE, 1))
    assert inbox.give_up(wanted(inbox))
    assert inbox.get() == Skipped(events=3)
    fetch(inbox, page(EVE, 1))
    inbox.put(said(BOB, 6))
    assert heard(inbox) == [(EVE, 1), (BOB, 6)]


def test_giving_up_does_not_repeat_messages() -> None:
    inbox = known(info(BOB, 5))
    fetch(inbox, page(BOB, 1, 2, 3, 4, 5, 6, more=True))
    assert inbox.give_up(wanted(inbox))
    inbox.put(said(BOB, 6))
    inbox.put(said(BOB, 7))
    assert heard(inbox) == [(BOB, seq) for seq in range(1, 8)]


def test_the_lobby_is_not_given_up() -> None:
    inbox = Inbox(100, Replay(last=5))
    inbox.welcome(5, "j")
    assert not inbox.give_up(wanted(inbox))
    assert inbox.lagging


@pytest.mark.parametrize("told", [True, False])
def test_a_server_that_lost_what_it_had_begins_anew(told: bool) -> None:
    inbox = known(info(BOB, 5, read=5))
    inbox.put(said(EVE, 1))
    inbox.resume()
    fetch(inbox, listing(*[info(BOB, 2)] * told, info(EVE, 1)))
    if told:
        assert fetch(inbox, page(BOB, 1, 2)) == ReadLog(after=0, count=MAX_COUNT, room=BOB)
    assert not inbox.lagging
    inbox.put(said(BOB, 3 if told else 1))
    assert heard(inbox) == [(EVE, 1), *([(BOB, 1), (BOB, 2), (BOB, 3)] if told else [(BOB, 1)])]


IN_FLIGHT = 3  # requests


class World:
    """A server with a lobby and two users who each have conversations, a wire, and a client."""

    def __init__(self, most: int, size: int, read: int) -> None:
        self.inbox = Inbox(most, Replay(last=99))
        self.size = size  # of a page
        self.user = 0
        self.said: dict[str, list[bool]] = {"lobby": []}  # whether each message is ignored
        self.wire: list[Event | Log | Conversations | Rooms | None] | None = None
        self.requests: list[ReadLog | Listing] = []  # the reader waits for their replies
        self.page: tuple[ReadLog | Listing, int, dict[str, int]] | None = None
        self.got: dict[str, list[int]] = {}
        self.begin: dict[str, int] = {"lobby": 0}  # the number after which each is to be told
        for id in ("@0-a", "@0-b", "@1-a", "@1-b"):
            self.said[id] = [False] * 3
            self.begin[id] = read
        self.skipped = self.others = 0
        self.first = True
        self.served = 0  # whom the server talks to

    def talk(self, id: str, *, ignored: bool = False) -> None:
        seqs = self.said.setdefault(id, [])
        seqs.append(ignored)
        mine = id == "lobby" or id.startswith(f"@{self.served}")
        if self.wire is not None and mine and (id == "lobby" or not ignored):
            self.wire.append(said(id, len(seqs), ignored=ignored or None))

    def lobby(self) -> None:
        self.talk("lobby")

    def lobby_ignored(self) -> None:
        self.talk("lobby", ignored=True)

    def old(self) -> None:
        self.talk(f"@{self.served}-a")

    def new(self) -> None:
        self.talk(f"@{self.served}-c")

    def ignored(self) -> None:
        self.talk(f"@{self.served}-a", ignored=True)

    def elsewhere(self) -> None:
        self.talk(f"@{1 - self.served}-b")

    def other(self) -> None:
        if self.wire is not None:
            self.wire.append(Joined(room="lobby", users=["x"]))

    def deliver(self) -> None:
        if not self.wire:
            return
        line = self.wire.pop(0)
        if line is None:
            self.user = self.served
            self.inbox.switch_user(new=False)
        elif isinstance(line, Log | Conversations | Rooms):
            request = self.requests.pop(0)
            if line.more is None:  # a refusal
                self.inbox.give_up(request)
            else:
                self.inbox.put_reply(request, line)
        else:
            self.others += isinstance(line, Joined)
            self.inbox.put(line)

    def next(self) -> None:
        event = self.inbox.get()
        if isinstance(event, Message):
            self.got.setdefault(event.room, []).append(event.seq)
        elif isinstance(event, Joined):
            self.others -= 1
        elif isinstance(event, Skipped):
            self.skipped += event.events
        elif self.inbox.lagging and self.wire is not None and len(self.requests) < IN_FLIGHT:
            request = self.inbox.next_request()
            self.requests += [] if request is None else [request]

    def look(self) -> None:
        """The server begins to answer: what it will tell is as things are now."""
        if self.wire is None or self.page is not None:
            return
        answered = sum(isinstance(line, Log | Conversations | Rooms) for line in self.wire)
        if len(self.requests) > answered:
            lengths = {id: len(seqs) for id, seqs in self.said.items()}
            self.page = self.requests[answered], self.served, lengths

    def answer(self) -> None:
        """What was said since it began is before it on the wire, as when it is read from disk."""
        if self.page is None or self.wire is None:
            return
        request, served, lengths = self.page
        self.page = None
        if isinstance(request, ListRooms):
            self.wire.append(Rooms(rooms=[], more=False))
            return
        if isinstance(request, ListConversations):
            mine = sorted(id for id in lengths if id.startswith(f"@{served}") and id > (request.after or ""))
            infos = [info(id, lengths[id], self.begin.get(id, 0)) for id in mine[: self.size]]
            self.wire.append(listing(*infos, more=len(mine) > self.size))
            return
        id = request.room or "lobby"
        assert request.after is not None
        if id != "lobby" and not id.startswith(f"@{served}"):
            refusal = Log(room=id, events=[], first=1, more=None)  # type: ignore[arg-type]
            self.wire.append(refusal)
            return
        numbers = range(request.after + 1, lengths[id] + 1)
        events: list[Numbered] = [
            said(id, seq, ignored=self.said[id][seq - 1] or None) for seq in numbers[: self.size]
        ]
        self.wire.append(Log(room=id, events=events, first=1, more=len(numbers) > self.size))

    def log_in(self) -> None:
        """The server makes the client the other user, once it has answered what was asked before."""
        if self.wire is None or self.served or self.user != self.served:
            return
        for _ in range(IN_FLIGHT):
            self.look()
            self.answer()
        self.served = 1
        self.wire.append(None)

    def lose(self) -> None:
        self.wire = self.page = None
        self.requests = []
        self.served = self.user

    def connect(self) -> None:
        if self.wire is not None:
            return
        self.wire = []
        self.inbox.welcome(len(self.said["lobby"]), "j")
        if self.first:
            self.inbox.switch_user(new=False)
        else:
            self.inbox.resume()
        self.first = False

    def settle(self) -> None:
        """Let everything happen that still can."""
        self.connect()
        for _ in range(500):
            for _ in range(IN_FLIGHT):
                self.look()
                self.answer()
            while self.wire:
                self.deliver()
            for _ in range(len(self.inbox) + 1 + IN_FLIGHT):  # Skipped, and asks for a page
                self.next()
            if not self.requests and not self.inbox.lagging and not len(self.inbox):
                return
        pytest.fail("it never caught up")

    def wanted(self, id: str) -> list[int]:
        begin = self.begin.get(id, 0)
        return [seq for seq, ignored in enumerate(self.said[id], 1) if seq > begin and not ignored]


OPS = st.sampled_from(
    ["lobby", "old", "old", "new", "ignored", "lobby_ignored", "elsewhere", "other"]
    + ["look", "answer", "answer"] + ["deliver"] * 6 + ["next"] * 6 + ["lose", "connect", "connect", "log_in"]
)  # fmt: skip


@settings(max_examples=500)
@given(
    ops=st.lists(OPS, max_size=120), most=st.integers(1, 6), size=st.integers(1, 4), read=st.integers(0, 3)
)
def test_each_message_is_read_once_in_order_whatever_happens(
    ops: list[str], most: int, size: int, read: int
) -> None:
    world = World(most, size, read)
    for op in ops:
        getattr(world, op)()
    world.settle()
    for id in ("lobby", f"@{world.user}-a", f"@{world.user}-c"):
        world.talk(id)
    world.settle()
    for id in world.said:
        got, wanted = world.got.get(id, []), world.wanted(id)
        if id == "lobby" or id.startswith(f"@{world.user}"):
            assert got == wanted, id
        else:  # of a user who we were, for as long as we were
            assert got == wanted[: len(got)], id
    assert world.skipped == world.others
