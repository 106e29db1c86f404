"""Rendering of replies and events about named rooms. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from tcpchat.protocol import (
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
from tcpchat.repl.view.clean import clean_line
from tcpchat.repl.view.render import notice
from tcpchat.repl.view.text import Fragments, Look, counted, hang, hour, in_rows, moment, titled

RoomEvent: TypeAlias = MemberChanged | TopicChanged | RoomClosed
_MEMBER: Final = {
    "joined": "{name} joined",
    "left": "{name} left",
    "invited": "{by} invited {name}",
    "removed": "{by} removed {name}",
}
"""The sentences about a member, by what happened."""


def event(event: RoomEvent, look: Look, *, numbered: bool = False) -> Fragments:
    """Return what happened in a room; `numbered` puts the number of the event before it."""
    head: Fragments = [("class:title", f"{event.seq:>6} ")] if numbered else []
    if look.timestamps:
        head.append(("class:time", f"{hour(event.at, look)} "))
    head.append(("class:presence", f"#{clean_line(event.room)} "))
    return hang(head, "class:presence", clean_line(sentence(event)), look)


def sentence(event: RoomEvent) -> str:
    """Return what happened in a room, without the room."""
    if isinstance(event, RoomClosed):
        return f"{event.sender} closed the room; it can still be read"
    if isinstance(event, TopicChanged):
        changed = f"changed the topic: {event.text}" if event.text else "removed the topic"
        return f"{event.sender} {changed}"
    if event.change == "role":
        return f"{event.sender} made {event.username} {_a(event.role or '')}"
    told = _MEMBER.get(event.change, "{by}: {name} " + event.change)
    reason = f": {event.reason}" if event.reason else ""
    return told.format(name=event.username, by=event.sender) + reason


def invited(event: Invited, look: Look) -> Fragments:
    """Return that somebody invited you, and what to do."""
    topic = f" ({event.topic})" if event.topic else ""
    return notice(f"{event.sender} invites you into #{event.room}{topic}: /join {event.room}", look)


def _a(role: str) -> str:
    return f"an {role}" if role == "owner" else f"a {role}"


def _rooms(reply: Rooms, look: Look) -> Fragments:
    if not reply.rooms:
        return notice("no rooms; /rooms --all lists those that you may join, /create NAME makes one", look)
    fragments = in_rows([(f"#{clean_line(room.room)}", _about(room)) for room in reply.rooms], look)
    if reply.more:
        fragments += notice(f"there are more: /rooms --after {reply.rooms[-1].room}", look)
    return fragments


def _about(room: RoomInfo) -> str:
    words = [counted(room.members, "member")]
    if room.role is None:
        words.append(f"/join {room.room}")
    elif room.role != "member":
        words.append(f"you are {_a(room.role)}")
    if room.unread:
        words.append(f"{room.unread} unread")
    words += ["private"] if room.private else []
    words += ["closed"] if room.closed else []
    topic = f" · {clean_line(room.topic)}" if room.topic else ""
    return ", ".join(words) + topic


def _room(reply: RoomDetails, look: Look) -> Fragments:
    words = ["private"] if reply.private else []
    words += ["closed"] if reply.closed else []
    words.append("you are not in it" if reply.role is None else f"you are {_a(reply.role)}")
    topic = f": {reply.topic}" if reply.topic else ""
    return notice(f"#{reply.room} ({', '.join(words)}){topic}", look)


def _members(reply: Members, look: Look) -> Fragments:
    fragments = titled(f"#{clean_line(reply.room)}", look)
    rows = [(member.name, _of_member(member, look)) for member in reply.members]
    fragments += in_rows(rows, look)
    if reply.more and reply.members:
        after = reply.members[-1].name
        fragments += notice(f"there are more: /members -r {reply.room} --after {after}", look)
    return fragments


def _of_member(member: MemberInfo, look: Look) -> str:
    if not member.here:
        state = ", not connected"
    elif member.away is not None:
        state = f", away: {clean_line(member.away)}" if member.away else ", away"
    else:
        state = ""
    return f"{member.role} since {moment(member.since, look)}{state}"


def _membership(reply: Membership, look: Look) -> Fragments:
    who, verb = ("you", "are") if reply.username == look.me else (reply.username, "is")
    room = f"#{reply.room}"
    match reply.standing:
        case "none":
            told = f"{who} {verb} not in {room} any more"
        case "removed":
            told = f"{who} {verb} removed from {room}; /invite -r {reply.room} {who} lets {who} come back"
        case "invited":
            told = f"{who} {verb} invited into {room}"
        case role:
            told = f"{who} {verb} {_a(role)} of {room}"
    return notice(told, look)


def _invitations(reply: Invitations, look: Look) -> Fragments:
    if not reply.invites:
        return notice("nobody invites you", look)
    return in_rows(
        [
            (f"#{one.room}", f"{one.sender} invited you {moment(one.at, look)}: /join {one.room}")
            for one in reply.invites
        ],
        look,
    )


REPLIES: Final[dict[type[Reply], Callable[[Any, Look], Fragments]]] = {
    Rooms: _rooms,
    RoomDetails: _room,
    Members: _members,
    Membership: _membership,
    Invitations: _invitations,
}
