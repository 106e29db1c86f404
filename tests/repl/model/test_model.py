"""The state of a conversation after events and replies."""

from __future__ import annotations

import attrs
import pytest

from tcpchat.client import Disconnected, Reconnected
from tcpchat.protocol import (
    Away,
    Back,
    Cancelled,
    ConversationInfo,
    Conversations,
    Edited,
    Error,
    Event,
    History,
    Ignoring,
    Joined,
    Left,
    LoggedIn,
    LoggedOut,
    Message,
    Muted,
    PendingMessage,
    Ping,
    Read,
    ReadHistory,
    Receipt,
    Renamed,
    Reply,
    Schedule,
    SessionInfo,
    Sessions,
    Unknown,
    Unmuted,
    Unread,
    UnreadInfo,
    Unsent,
    UserInfo,
    Users,
    Welcome,
)
from tcpchat.repl.model.model import REMEMBERED, Model
from tcpchat.repl.model.place import LOBBY_PLACE, Place

AT = "2026-11-21T09:00:00.000Z"
NOW = 1_795_251_600_000  # the same as milliseconds


class Clock:
    def now(self) -> int:
        return NOW

    def monotonic(self) -> float:
        raise AssertionError("the time of the model's countdowns is another one")


@pytest.fixture
def model() -> Model:
    """Alice, with bob here."""
    model = Model("alice", Clock(), lambda: 1000.0)
    model.apply(welcome())
    users = [UserInfo(name="alice", since=AT), UserInfo(name="bob", since=AT)]
    model.add_page(Users(users=users, more=False))
    return model


def welcome(journal: str = "j", seq: int = 10) -> Welcome:
    return Welcome(protocol=1, server="s", user="alice", room="lobby", seq=seq, journal=journal, hint="")


def lobby(seq: int, sender: str = "bob", at: str = AT) -> Message:
    return Message(room="lobby", seq=seq, at=at, sender=sender, text="x")


def private(seq: int, sender: str = "bob") -> Message:
    to = "alice" if sender != "alice" else "bob"
    return Message(room="@b", to=to, seq=seq, at=AT, sender=sender, text="x")


def pending(number: int, at: str = "2026-11-21T10:00:00.000Z") -> PendingMessage:
    return PendingMessage(number=number, at=at, room="lobby", text=f"tea {number}")


def reply(model: Model, reply: Reply) -> list[PendingMessage]:
    return model.apply_reply(Ping(), reply)


def test_a_message_moves_markers_roster_and_delivery(model: Model) -> None:
    model.apply(Joined(room="lobby", users=["carol"]))
    assert model.roster.recent()[0] == "carol"
    model.apply(private(1))
    assert model.roster.recent()[0] == "bob"
    assert model.markers.unread == 1
    assert model.delivery.users() == ["bob"]
    model.apply(private(2, sender="alice"))
    assert model.delivery.last(LOBBY_PLACE) is not None
    model.apply(Receipt(room="@b", username="bob", delivered=2, seen=2))
    assert model.delivery.markers == {"@b": (2, 2)}


def test_only_messages_from_after_you_came_are_new(model: Model) -> None:
    assert [model.is_new(lobby(seq)) for seq in (10, 11)] == [False, True]
    assert model.is_new(private(1))
    rooms = [UnreadInfo(room="@b", username="bob", count=1, mentioned=False, read=0, seq=3)]
    model.apply(Unread(rooms=rooms))
    assert [model.is_new(private(seq)) for seq in (3, 4)] == [False, True]
    model.apply(Unread(rooms=[]))
    assert not model.is_new(private(3)), "the first list counts"


def test_users_join_leave_and_are_renamed(model: Model) -> None:
    model.apply(private(1))
    model.place = Place.direct("bob")
    model.apply(Renamed(old="bob", new="robert"))
    assert "robert" in model.roster
    assert model.delivery.users() == ["robert"]
    assert model.place == Place.direct("robert")
    model.apply(Left(room="lobby", users=["robert"]))
    assert "robert" not in model.roster
    assert model.knows("robert"), "there is a direct room"
    assert not model.knows("bob")
    reply(model, Renamed(old="alice", new="alicia"))
    assert "alicia" in model.roster


def test_a_mute_ends_early_or_by_time(model: Model) -> None:
    model.apply(Muted(until="2026-11-21T09:01:30.000Z", reports=3, message="m"))
    assert not model.take_end_of_mute()
    model.apply(Unmuted(message="m"))
    assert (model.muted_until, model.take_end_of_mute()) == (0.0, False)
    model.apply(Muted(until="soon", reports=3, message="m"))  # which is now
    assert [model.take_end_of_mute() for _ in range(2)] == [True, False]


def test_a_mute_is_of_one_user_and_the_list_of_users_knows_it(model: Model) -> None:
    mute = UserInfo(name="alice", since=AT, muted_until="2026-11-21T09:01:30.000Z")
    model.add_page(Users(users=[mute], more=False))
    assert model.muted_until == 1090.0
    model.add_page(Users(users=[attrs.evolve(mute, muted_until=None)], more=False))
    assert model.muted_until == 0.0
    model.add_page(Users(users=[mute], more=False))
    reply(model, LoggedIn(user="alice", session=1, token="t", seq=0))
    assert model.muted_until == 0.0


def test_a_mute_is_counted_on_the_clock_of_countdowns(model: Model) -> None:
    model.apply(Muted(until="2026-11-21T09:01:30.000Z", reports=3, message="m"))
    assert model.muted_until == 1090.0
    model.apply(Muted(until="soon", reports=3, message="m"))
    assert model.muted_until == 1000.0
    model.apply(Error(code="muted", message="m", retry_after=5.0))
    assert (model.muted_until, model.limited_until) == (1005.0, 0.0)
    model.apply(Error(code="muted", message="m"))  # for ever
    assert model.muted_until > 1e9
    assert not model.take_end_of_mute()
    model.apply(Error(code="muted", message="m", retry_after=5.0))
    model.apply_refusal(Error(code="rate-limited", message="m", retry_after=2.0))
    assert (model.muted_until, model.limited_until) == (1005.0, 1002.0)
    model.apply_refusal(Error(code="bad-usage", message="m"))
    assert (model.muted_until, model.limited_until) == (1005.0, 1002.0)


def test_your_away_text_is_known(model: Model) -> None:
    reply(model, Away(text="lunch", since=AT))
    assert model.away == "lunch"
    reply(model, Back())
    assert model.away is None
    me = UserInfo(name="alice", since=AT, away="")
    model.add_page(Users(users=[me], more=False))
    assert model.away == ""


def own(model: Model) -> list[tuple[int, str]]:
    """Return number and text of your messages in the place of the prompt."""
    return [(seq, text) for place, seq, text in model.own_messages() if place.is_at(model.place)]


def test_your_last_messages_are_known_with_the_text_that_they_have_now(model: Model) -> None:
    for event in (
        lobby(11, sender="alice"),
        lobby(12),
        lobby(13, sender="alice"),
        private(1, sender="alice"),
    ):
        model.apply(event)
    assert own(model) == [(13, "x"), (11, "x")]
    edit = Edited(room="lobby", seq=14, at=AT, sender="alice", target=11, text="better")
    model.apply(edit)
    model.apply(attrs.evolve(edit, seq=15, target=12, sender="bob"))
    assert own(model) == [(13, "x"), (11, "better")]
    model.place = Place.direct("bob")
    assert own(model) == [(1, "x")]
    model.apply(Renamed(old="bob", new="robert"))
    assert own(model) == [(1, "x")]
    model.place = LOBBY_PLACE
    for seq in range(20, 20 + REMEMBERED):
        model.apply(lobby(seq, sender="alice"))
    assert len(own(model)) == REMEMBERED
    assert own(model)[-1][0] == 20


@pytest.mark.parametrize(("same", "kept"), [(True, [(11, "x")]), (False, [])])
def test_messages_of_the_user_that_you_were_before_are_not_offered(
    model: Model, same: bool, kept: list[tuple[int, str]]
) -> None:
    model.apply(lobby(11, sender="alice"))
    model.apply(Reconnected(user="guest-2", registered=False, same_user=same, missed=0, seconds=700))
    assert own(model) == kept


def test_lists_are_known_once_they_were_requested(model: Model) -> None:
    info = SessionInfo(number=3, device="phone", address="a", since=AT, used=AT, here=True, current=True)
    reply(model, Sessions(sessions=[info]))
    reply(model, Ignoring(users=["eve"]))
    assert (model.sessions, model.ignored) == ([(3, "phone")], ["eve"])


def test_a_marker_of_another_device_or_of_history_moves_ours(model: Model) -> None:
    model.apply(private(1))
    model.apply(Read(room="@b", username="bob", seq=1))
    assert model.markers.unread == 0
    model.apply(private(2))
    reply(model, Read(room="@b", username="bob", seq=2))
    assert model.markers.unread == 0
    rooms = [UnreadInfo(room="lobby", count=2, mentioned=False, read=10, seq=12)]
    reply(model, Unread(rooms=rooms))
    model.apply(lobby(12))
    model.markers.see()
    assert not model.markers.are_due, "message 11 was not shown"
    page = History(room="lobby", messages=[lobby(11)], more=False)
    model.apply_reply(ReadHistory(after=10), page)
    model.markers.see()
    assert [request.seq for request in model.markers.take_due()] == [12]


def test_scheduled_messages_are_known_until_they_go_out(model: Model) -> None:
    assert model.add_page(Schedule(messages=[pending(1), pending(2), pending(3)], more=False)) == []
    assert list(model.scheduled.pending()) == [1, 2, 3]
    model.apply(Unsent(number=1, text="", code="muted", message="m"))
    reply(model, Cancelled(number=2, text=""))
    assert list(model.scheduled.pending()) == [3]
    reply(model, Schedule(messages=[pending(4, at=AT), pending(5, at="soon")], more=False))
    assert list(model.scheduled.pending()) == [3], "others are due"


def test_scheduled_messages_are_lost_with_the_servers_data(model: Model) -> None:
    model.add_page(Schedule(messages=[pending(1)], more=False))
    model.apply(Disconnected(reason="r"))
    model.apply(welcome("other", 0))
    model.scheduled.clear()
    assert [one.number for one in reply(model, Schedule(messages=[], more=False))] == [1]


def test_other_data_begins_everything_anew_but_the_place(model: Model) -> None:
    model.apply(private(1))
    model.place, model.ignored, model.muted_until = Place.direct("bob"), ["eve"], 2000.0
    model.apply(welcome("other", 3))
    assert (model.delivery.users(), model.ignored, model.muted_until) == ([], [], 0.0)
    assert model.place == Place.direct("bob"), "text must not become public by surprise"
    assert [model.is_new(lobby(seq)) for seq in (3, 4)] == [False, True]


@pytest.mark.parametrize(
    "became", [LoggedIn(user="zoe", session=1, token="t", seq=0), LoggedOut(user="guest-1")]
)
def test_another_user_begins_anew_in_the_lobby(model: Model, became: Reply) -> None:
    model.apply(private(1))
    reply(model, Away(text="lunch", since=AT))
    model.place = Place.direct("bob")
    reply(model, became)
    assert model.place == LOBBY_PLACE
    assert model.away is None
    assert (model.delivery.users(), model.markers.unread) == ([], 0)


def test_direct_rooms_come_with_their_list(model: Model) -> None:
    info = ConversationInfo(username="eve", room="@e", seq=2, read=2, delivered=1)
    assert reply(model, Conversations(conversations=[info], more=False)) == []
    assert model.knows("eve")


@pytest.mark.parametrize("event", [Unknown(fields={"type": "later"})])
def test_events_of_a_later_version_change_nothing(model: Model, event: Event) -> None:
    before = repr(vars(model))
    model.apply(event)
    assert repr(vars(model)) == before
