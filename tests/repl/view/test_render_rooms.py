"""Rendering of named rooms: what happens in one, lists, and how somebody stands to one."""

from __future__ import annotations

import attrs
from hypothesis import given
from hypothesis import strategies as st

from tcpchat.protocol import (
    Event,
    InvitationInfo,
    Invitations,
    Invited,
    MemberChanged,
    MemberInfo,
    Members,
    Membership,
    Reply,
    RoomClosed,
    RoomDetails,
    RoomInfo,
    Rooms,
    TopicChanged,
)
from tcpchat.repl.view import render_replies, render_rooms
from tcpchat.repl.view.text import Look
from tests.repl.view.rendering import AT, LOOK, check, looks, shown, texts
from tests.rows import rows


def member(change: str, *, role: str | None = None, reason: str | None = None) -> MemberChanged:
    return MemberChanged(
        room="ops", seq=7, at=AT, sender="bob", username="carol", change=change, role=role, reason=reason
    )


@rows(
    ("event", "sentence"),
    [
        (member("joined"), "carol joined"), (member("left"), "carol left"),
        (member("invited"), "bob invited carol"),
        (member("removed"), "bob removed carol"),
        (member("removed", reason="too loud"), "bob removed carol: too loud"),
        (member("role", role="owner"), "bob made carol an owner"),
        (member("role", role="moderator"), "bob made carol a moderator"),
        (member("praised"), "bob: carol praised"),
        (TopicChanged(room="ops", seq=7, at=AT, sender="bob", text="it"), "bob changed the topic: it"),
        (TopicChanged(room="ops", seq=7, at=AT, sender="bob", text=""), "bob removed the topic"),
        (RoomClosed(room="ops", seq=7, at=AT, sender="bob"), "bob closed the room; it can still be read"),
    ],
)  # fmt: skip
def test_an_event(event: render_rooms.RoomEvent, sentence: str) -> None:
    assert shown(render_rooms.event(event, LOOK)) == [f"09:00 #ops {sentence}"]
    assert shown(render_rooms.event(event, LOOK, numbered=True)) == [f"     7 09:00 #ops {sentence}"]


def test_an_invitation_says_how_to_follow_it() -> None:
    invited = Invited(room="ops", at=AT, sender="bob", topic="what is up")
    assert shown(render_rooms.invited(invited, attrs.evolve(LOOK, width=100))) == [
        "· bob invites you into #ops (what is up): /join ops"
    ]


@rows(
    ("reply", "lines"),
    [
        (
            Rooms(rooms=[], more=False),
            ["· no rooms; /rooms --all lists those that you may join, /create NAME makes one"],
        ),
        (
            Rooms(
                rooms=[
                    RoomInfo(room="board", private=True, members=1, role="owner", unread=0),
                    RoomInfo(room="dev", members=2),
                    RoomInfo(room="ops", topic="it", closed=AT, members=3, role="member", unread=4),
                ],
                more=True,
            ),
            [
                "  #board  1 member, you are an owner, private",
                "  #dev    2 members, /join dev",
                "  #ops    3 members, 4 unread, closed · it",
                "· there are more: /rooms --after ops",
            ],
        ),
        (RoomDetails(room="ops", topic="it", role="owner", seq=1), ["· #ops (you are an owner): it"]),
        (RoomDetails(room="ops", private=True, closed=AT), ["· #ops (private, closed, you are not in it)"]),
        (Membership(room="ops", username="alice", standing="none"), ["· you are not in #ops any more"]),
        (Membership(room="ops", username="bob", standing="invited"), ["· bob is invited into #ops"]),
        (
            Membership(room="ops", username="bob", standing="removed"),
            ["· bob is removed from #ops; /invite -r ops bob lets bob come back"],
        ),
        (Membership(room="ops", username="bob", standing="owner"), ["· bob is an owner of #ops"]),
        (Invitations(invites=[]), ["· nobody invites you"]),
        (
            Members(
                room="ops",
                members=[
                    MemberInfo(name="bob", role="owner", since=AT, here=True),
                    MemberInfo(name="carol", role="member", since=AT, here=True, away="lunch"),
                    MemberInfo(name="dora", role="member", since=AT, here=False),
                ],
                more=True,
            ),
            [
                "#ops",
                "  bob    owner since 21 Nov 09:00",
                "  carol  member since 21 Nov 09:00, away: lunch",
                "  dora   member since 21 Nov 09:00, not connected",
                "· there are more: /members -r ops --after dora",
            ],
        ),
        (
            Invitations(invites=[InvitationInfo(room="ops", sender="bob", at=AT)]),
            ["  #ops  bob invited you 21 Nov 09:00: /join ops"],
        ),
    ],
)  # fmt: skip
def test_a_reply(reply: Reply, lines: list[str]) -> None:
    assert shown(render_replies.reply(reply, attrs.evolve(LOOK, width=100))) == lines


@given(st.lists(texts, min_size=5, max_size=5), looks)
def test_hostile_text_is_clean_and_fits(parts: list[str], look: Look) -> None:
    a, b, c, d, e = parts
    events: list[Event] = [
        MemberChanged(room=a, seq=1, at=b, sender=c, username=d, change=e, role=e, reason=a),
        MemberChanged(room=a, seq=1, at=b, sender=c, username=d, change="removed", reason=e),
        TopicChanged(room=a, seq=1, at=b, sender=c, text=d),
        RoomClosed(room=a, seq=1, at=b, sender=c),
    ]
    replies: list[Reply] = [
        Rooms(rooms=[RoomInfo(room=a, topic=b, members=1, role=c)], more=True),
        RoomDetails(room=a, topic=b, role=c),
        Members(room=a, members=[MemberInfo(name=b, role=c, since=d, here=True, away=e)], more=True),
        Membership(room=a, username=b, standing=c),
        Invitations(invites=[InvitationInfo(room=a, sender=b, at=c, topic=d)]),
    ]
    drawn = [render_rooms.event(one, look) for one in events]  # type: ignore[arg-type]  # all are
    drawn += [render_rooms.invited(Invited(room=a, at=b, sender=c, topic=d), look)]
    for fragments in [*drawn, *(render_replies.reply(one, look) for one in replies)]:
        check(fragments, look)
