"""Whoever is given the same changes has the same state, such as a server that follows this one."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from chaos.durable import differences, durable, replay
from tcpchat.chat.apply import APPLIED
from tcpchat.chat.draft import Draft
from tcpchat.chat.moderation import NOT_MUTED, Mute
from tcpchat.chat.operations.base import Operation
from tcpchat.chat.operations.markers import MarkRead, StoreReceipts
from tcpchat.chat.operations.membership import (
    ChangeRole,
    DeclineInvitation,
    InviteUser,
    JoinRoom,
    LeaveRoom,
    RemoveMember,
)
from tcpchat.chat.operations.moderation import Ban, LiftBans, MuteUser, ReportUser
from tcpchat.chat.operations.rooms import CloseRoom, SetTopic
from tcpchat.chat.operations.schedule import CancelMessage, ScheduleMessage
from tcpchat.chat.operations.sessions import BeginSession, ChangePassword, EndSessions, RegisterUser
from tcpchat.chat.operations.settings import ChangeAway, ChangeReceipts, Ignore, Unignore
from tcpchat.chat.operations.upkeep import StoreSessions
from tcpchat.chat.operations.users import Delete
from tcpchat.chat.roles import ROLES
from tcpchat.chat.room import direct_name
from tcpchat.chat.user import User
from tcpchat.errors import ChatError
from tcpchat.store.changes import (
    Change,
    NewScheduled,
    SetBan,
)
from tests.chat.harness import Harness, create_room, say_in
from tests.rows import rows

Action = Callable[[Harness, User, User, int], Operation]


def schedule(chat: Harness, user: User, other: User, number: int) -> Operation:
    user.last_number += 1
    user.scheduling += 1
    pending = NewScheduled(
        id=chat.state.schedule.next_id(),
        number=user.last_number,
        author=user.id,
        name=user.name,
        room=direct_name(user.id, other.id),
        recipient=other.id,
        recipient_name=other.name,
        text="later",
        due=10**13 + number,
    )
    return ScheduleMessage(author=user.id, pending=pending)


def cancel(chat: Harness, user: User, _: User, number: int) -> Operation:
    own = chat.state.schedule.of(user.id)
    if not own:
        return chat.send(user, "nothing to cancel")
    pending = own[number % len(own)]
    chat.state.schedule.hold(pending.id)
    return CancelMessage(pending=pending)


def mark_read(chat: Harness, user: User, other: User, number: int) -> Operation:
    room = direct_name(user.id, other.id) if number % 2 else "lobby"
    member = user.members.get(room)
    seq = 0 if member is None else member.room.seq - number % 3
    return MarkRead(user=user.id, room=room, username=None, seq=max(0, seq))


def report(chat: Harness, user: User, other: User, number: int) -> Operation:
    try:
        chat.state.moderation.begin_report(user, other)
    except ChatError:
        return chat.send(user, "reported before")
    return ReportUser(reporter=user.id, target=other.id, bucket="", reason=f"{number}")


def login(chat: Harness, user: User, _: User, number: int) -> Operation:
    if user.registered is None:
        return chat.send(user, "only registered users log in")
    proved = chat.state.passwords[user.id]
    return BeginSession(user=user.id, proved=proved, most=2, name=f"pc {number}", address="::1")


def edit(chat: Harness, user: User, _: User, number: int) -> Operation:
    lobby = chat.state.rooms.lobby
    own = [one.seq for one in lobby.events(0, 1000) or () if one.author == user.id and one.is_message]
    return chat.edit(user, own[number % len(own)], f"edited {number}") if own else chat.send(user, "mine")


def named(chat: Harness) -> set[str]:
    return {room.name for room in chat.state.rooms.named}


def last(chat: Harness) -> int:
    """Return the number of the room's last event."""
    return chat.state.rooms.open("ops").seq if "ops" in named(chat) else 0


def idle(chat: Harness, user: User) -> Operation:
    return chat.send(user, "nothing to do")


def create(chat: Harness, user: User, _: User, number: int) -> Operation:
    return create_room(user, ("ops", "board", "den")[number % 3], private=number % 2 == 1, most=number % 4)


def in_room(chat: Harness, user: User, operation: Operation) -> Operation:
    """Return what is for rooms in memory; who is not in it is refused by it."""
    return operation if "ops" in named(chat) else idle(chat, user)


def delete(chat: Harness, user: User, other: User) -> Operation:
    heir = other if other is not user and other.registered is not None else None
    return Delete(user=user.id, heirs={"ops": None if heir is None else heir.id})


ACTIONS: dict[str, Action] = {
    "send": lambda chat, user, other, n: chat.send(user, f"hi {n}", key=f"k{n % 4}"),
    "whisper": lambda chat, user, other, n: chat.send(user, f"psst {n}", other),
    "edit": edit,
    "read": mark_read,
    "receipts": lambda chat, user, other, n: StoreReceipts(moved=chat.state.receipts.take()),
    "sessions": lambda chat, user, other, n: StoreSessions(),
    "schedule": schedule,
    "cancel": cancel,
    "away": lambda chat, user, other, n: ChangeAway(user=user.id, away=("tea", n)),
    "back": lambda chat, user, other, n: ChangeAway(user=user.id, away=None),
    "quiet": lambda chat, user, other, n: ChangeReceipts(user=user.id, on=bool(n % 2)),
    "ignore": lambda chat, user, other, n: Ignore(user=user.id, names={}, other=other.id),
    "unignore": lambda chat, user, other, n: Unignore(user=user.id, names={}, others={other.id: other.name}),
    "report": report,
    "mute": lambda chat, user, other, n: MuteUser(user=other.id, mute=Mute(n + 1, None, by_operator=True)),
    "unmute": lambda chat, user, other, n: MuteUser(user=other.id, mute=NOT_MUTED),
    "ban": lambda chat, user, other, n: Ban(ban=SetBan("user", other.id, 10**15, None), user=other.id),
    "unban": lambda chat, user, other, n: LiftBans(bans=[SetBan("user", other.id, 0, None)]),
    "register": lambda chat, user, other, n: (
        RegisterUser(user=user.id, hash="#", session=user.sessions[0].change())
        if user.sessions
        else chat.send(user, "no session")
    ),
    "password": lambda chat, user, other, n: ChangePassword(user=user.id, hash=f"{n}"),
    "login": login,
    "revoke": lambda chat, user, other, n: EndSessions(
        user=user.id, hashes=[session.hash for session in user.sessions[1:]]
    ),
    "create": create,
    "join": lambda chat, user, other, n: (
        JoinRoom(user=user.id, room="ops") if "ops" in named(chat) else idle(chat, user)
    ),
    "leave": lambda chat, user, other, n: in_room(chat, user, LeaveRoom(user=user.id, room="ops")),
    "say": lambda chat, user, other, n: in_room(chat, user, say_in("ops", user, f"in ops {n}")),
    "mark": lambda chat, user, other, n: in_room(
        chat, user, MarkRead(user=user.id, room="ops", username=None, seq=max(0, last(chat) - n % 3))
    ),
    "invite": lambda chat, user, other, n: in_room(
        chat, user, InviteUser(user=user.id, room="ops", other=other.id, name=user.name)
    ),
    "decline": lambda chat, user, other, n: DeclineInvitation(user=user.id, room="ops"),
    "role": lambda chat, user, other, n: in_room(
        chat, user, ChangeRole(user=user.id, room="ops", other=other.id, role=ROLES[n % 3])
    ),
    "remove": lambda chat, user, other, n: in_room(
        chat, user, RemoveMember(user=user.id, room="ops", other=other.id, reason="")
    ),
    "topic": lambda chat, user, other, n: in_room(
        chat, user, SetTopic(user=user.id, room="ops", topic=f"{n}")
    ),
    "close": lambda chat, user, other, n: (
        in_room(chat, user, CloseRoom(user=user.id, room="ops")) if n == 20 else idle(chat, user)
    ),
    "delete": lambda chat, user, other, n: (
        delete(chat, user, other) if n % 7 == 0 else chat.send(user, "alive")
    ),
}
STEPS = st.lists(
    st.tuples(st.sampled_from(sorted(ACTIONS)), st.integers(0, 3), st.integers(0, 3), st.integers(0, 20)),
    max_size=30,
)


def play(chat: Harness, steps: list[tuple[str, int, int, int]], batch: int = 3) -> None:
    """Let users do something, a few operations in a batch; every fourth batch is refused at first."""
    users = chat.join("alice", "bob", "carol", "dave")
    chat.create(users[0], "ops", users[1])
    pending: list[Operation] = []
    for index, (action, one, other, number) in enumerate(steps):
        chat.clock.seconds += 1
        user = users[one]
        if chat.state.users.get(user.id) is user:
            pending.append(ACTIONS[action](chat, user, users[other], number))
        if len(pending) == batch or index == len(steps) - 1:
            if index % 4 == 0:
                draft = Draft(chat.state, 0)
                chat.decide(draft, pending)
                draft.rollback(0)
                draft.close()
                pending = [operation for operation in pending if operation.reply is None]
            chat.take(*pending)
            pending = []
    while chat.state.receipts or chat.state.sessions.dirty:
        chat.take(StoreReceipts(moved=chat.state.receipts.take()), StoreSessions())


@given(STEPS)
def test_the_same_changes_give_the_same_state(steps: list[tuple[str, int, int, int]]) -> None:
    chat = Harness()
    play(chat, steps)
    follower = replay(chat.state, chat.written)
    assert differences(durable(chat.state), durable(follower, like=chat.state)) == []


@rows("change", Change.__args__)
def test_every_change_can_be_applied(change: type[Change]) -> None:
    assert change in APPLIED
