"""Whatever users do while the disk writes, memory and disk agree in the end, and nobody haunts the chat."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from chaos.durable import differences, durable, replay
from tcpchat.chat.operations.base import Operation
from tcpchat.chat.operations.markers import StoreReceipts
from tcpchat.chat.operations.upkeep import StoreSessions
from tcpchat.chat.operations.users import Rename
from tcpchat.chat.state import ServerState
from tcpchat.chat.user import User
from tcpchat.errors import ChatError
from tcpchat.names import skeleton
from tcpchat.settings import Rules, Settings
from tests.chat.harness import Harness, NullSubscriber
from tests.chat.test_apply import ACTIONS

GRACE = 600
NAMES = ("alice", "bob", "b0b", "carol")

Event = Callable[[Harness, User], None]


def rename(chat: Harness, user: User, _: User, number: int) -> Operation:
    name = NAMES[number % len(NAMES)]
    try:
        chat.state.directory.claim(user.id, name, skeleton(name))
    except ChatError:
        return chat.send(user, "taken")
    return Rename(user=user.id, name=name, key=skeleton(name))


def end_all(chat: Harness, user: User, *, for_good: bool = False) -> None:
    for connection in list(user.connections):
        chat.state.users.leave(user, connection, for_good=for_good)


def come_back(chat: Harness, user: User) -> None:
    if user.sessions and chat.state.users.get(user.id) is user:
        connection = NullSubscriber()
        chat.state.users.connect(user.sessions[0], user, connection, "::3")
        chat.state.users.come_back(user, None)
        chat.state.audience.subscribe(user, connection)


def wait(chat: Harness, _: User) -> None:
    chat.clock.seconds += GRACE
    chat.state.users.expire()


EVENTS: dict[str, Event] = {
    "leave": end_all,
    "leave for good": lambda chat, user: end_all(chat, user, for_good=True),
    "come back": come_back,
    "wait": wait,
    "nothing": lambda chat, user: None,
}
STEP = st.tuples(
    st.lists(
        st.tuples(
            st.sampled_from(sorted({**ACTIONS, "rename": rename})),
            st.integers(0, 3),
            st.integers(0, 3),
            st.integers(0, 20),
        ),
        max_size=3,
    ),
    st.lists(st.tuples(st.sampled_from(sorted(EVENTS)), st.integers(0, 3)), max_size=3),
    st.booleans(),
)


def play(
    chat: Harness, steps: list[tuple[list[tuple[str, int, int, int]], list[tuple[str, int]], bool]]
) -> None:
    actions = {**ACTIONS, "rename": rename}
    users = chat.join("u0", "u1", "u2", "u3")
    for number, (wanted, events, refused) in enumerate(steps):
        chat.clock.seconds += 1
        for index, user in enumerate(users):
            if chat.state.users.get(user.id) is not user:
                (users[index],) = chat.join(f"u{index}x{number}")
        operations = [actions[name](chat, users[one], users[two], n) for name, one, two, n in wanted]
        with chat.refuse(*operations) if refused else chat.commit(*operations):
            for event, one in events:
                EVENTS[event](chat, users[one])
    while chat.state.receipts or chat.state.sessions.dirty:
        chat.take(StoreReceipts(moved=chat.state.receipts.take()), StoreSessions())


def may_come_back(state: ServerState, user: User) -> bool:
    return bool(user.sessions) and (
        user.registered is not None or state.sessions.may_come_back(user.left, state.clock.now())
    )


@given(st.lists(STEP, max_size=8))
def test_memory_and_disk_agree_whoever_comes_and_goes_meanwhile(
    steps: list[tuple[list[tuple[str, int, int, int]], list[tuple[str, int]], bool]],
) -> None:
    chat = Harness(Settings(rules=Rules(grace_seconds=GRACE, presence_seconds=0)))
    play(chat, steps)
    state = chat.state
    follower = replay(state, chat.written)
    assert differences(durable(state), durable(follower, like=state)) == []
    here = state.directory.users()
    assert [user.name for user in here if user.pins or user.gone or (user.connections and user.left)] == []
    assert len({user.key for user in here}) == len(here), "a name has one holder"
    assert state.directory._claims == {}
    assert (state.sessions.dirty, state.sessions.dropped) == ({}, {})
    back = {user.id for user in follower.directory.users() if may_come_back(state, user)}
    unloaded = {id for id in back if state.directory.stored(id) is not None}
    assert back - unloaded <= {user.id for user in here}, "tokens on disk bring nobody back who is gone"
