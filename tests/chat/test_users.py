"""The life of users in memory: they are created, connect, leave, come back, and are removed."""

from __future__ import annotations

import pytest

from tcpchat.chat.apply import apply
from tcpchat.chat.audience import PendingSubscriber
from tcpchat.chat.draft import Draft
from tcpchat.chat.operations.upkeep import StoreSessions
from tcpchat.chat.operations.users import Delete
from tcpchat.chat.room import direct_name
from tcpchat.chat.sessions import hash_token
from tcpchat.chat.user import User
from tcpchat.errors import ChatError
from tcpchat.settings import Limits, Rules, Settings
from tcpchat.store.changes import NewKey, SetIgnored
from tcpchat.store.rows import AwayRow, MemberRow, NameRow, UserRow
from tests.chat.harness import Harness, Line, NullSubscriber
from tests.chat.parts import joined, left, lines, new_session, row_of

GRACE = 600
PRESENCE = 5


@pytest.fixture
def chat() -> Harness:
    return Harness(Settings(rules=Rules(grace_seconds=GRACE, presence_seconds=PRESENCE)))


def news(chat: Harness) -> list[Line]:
    chat.state.presence.settle()
    return lines([announcement.lines for announcement in chat.state.presence.announce()])


def leave(chat: Harness, user: User, *, for_good: bool = False) -> None:
    """Let all connections of the user end."""
    for connection in list(user.connections):
        chat.state.users.leave(user, connection, for_good=for_good)


def come_back(chat: Harness, user: User, row: UserRow | None = None) -> NullSubscriber:
    """Let the user have a connection again, as `resume` does."""
    connection = NullSubscriber()
    chat.state.users.connect(user.sessions[0], user, connection, "::2")
    chat.state.users.come_back(user, row)
    chat.state.audience.subscribe(user, connection)
    return connection


def stored(chat: Harness, *names: str) -> list[User]:
    """Return users who have rows."""
    users = chat.join(*names)
    chat.take(*(chat.send(user, f"hi from {user.name}") for user in users))
    return users


def pass_time(chat: Harness, seconds: float) -> None:
    chat.clock.seconds += seconds
    chat.state.users.expire()


# Guests


def test_a_new_guest_has_a_name_a_token_and_is_announced_once_subscribed(chat: Harness) -> None:
    connection = NullSubscriber()
    user, token = chat.state.users.new_guest(connection, "192.0.2.7")
    assert (user.name, user.registered, user.has_row) == ("guest-1", None, False)
    assert chat.state.users.get(user.id) is user
    assert user.connections == [connection]
    (session,) = user.sessions
    assert (session.number, session.address, session.connection) == (1, "192.0.2.7", connection)
    assert chat.state.sessions.find(hash_token(token)) == (session, user)
    assert token.encode() not in session.hash
    assert not chat.state.presence.has_changed()


def test_a_new_guest_has_read_what_was_sent_before(chat: Harness) -> None:
    (alice,) = chat.join("alice")
    chat.take(chat.send(alice, "hi"), chat.send(alice, "ho"))
    user, _ = chat.state.users.new_guest(NullSubscriber(), "")
    assert (user.lobby.read, user.lobby.delivered) == (2, 2)


def test_a_guest_who_leaves_for_good_is_nowhere(chat: Harness) -> None:
    alice, bob = chat.join("alice", "bob")
    token = alice.sessions[0].hash
    news(chat)
    leave(chat, alice, for_good=True)
    assert news(chat) == [left("alice")]
    assert chat.state.users.get(alice.id) is None
    assert chat.state.sessions.find(token) is None
    assert chat.state.directory.is_free("alice")
    assert chat.state.users.next_expiry() == float("inf")
    assert chat.state.directory.users() == [bob]


def test_a_guest_without_a_session_leaves_for_good(chat: Harness) -> None:
    (alice,) = chat.join("alice")
    chat.state.sessions.remove(alice.sessions[0].hash)
    leave(chat, alice)
    assert chat.state.users.get(alice.id) is None


def test_a_registered_user_who_logs_out_stays_absent_and_may_log_in(chat: Harness) -> None:
    (alice,) = chat.join("alice")
    alice.registered = 1
    leave(chat, alice, for_good=True)
    assert chat.state.users.get(alice.id) is alice
    assert alice.left == chat.clock.now()


# Connections


def test_a_user_is_here_as_long_as_one_connection_is(chat: Harness) -> None:
    first = NullSubscriber()
    alice, _ = chat.state.users.new_guest(first, "")
    second = NullSubscriber()
    chat.state.audience.subscribe(alice, first)
    chat.state.users.attach(alice, second)
    chat.state.audience.subscribe(alice, second)
    assert news(chat) == [joined("guest-1")]
    chat.state.users.leave(alice, first, for_good=False)
    assert chat.state.directory.find("guest-1") is alice
    assert (alice.left, alice.connections) == (None, [second])
    assert not chat.state.presence.has_changed()
    chat.state.users.leave(alice, second, for_good=True)
    assert news(chat) == [left("guest-1")]


def test_a_connection_that_another_took_the_place_of_ends_nothing(chat: Harness) -> None:
    (alice,) = chat.join("alice")
    old = alice.connections[0]
    new = NullSubscriber()
    chat.state.users.connect(alice.sessions[0], alice, new, "::2")
    assert isinstance(old, NullSubscriber)
    assert old.stopped == "replaced"
    assert (alice.connections, alice.sessions[0].address) == ([new], "::2")
    assert old not in chat.state.audience.subscribed
    chat.state.users.leave(alice, old, for_good=True)
    assert chat.state.users.get(alice.id) is alice
    assert alice.left is None


def test_a_session_notes_when_it_was_used(chat: Harness) -> None:
    (alice,) = chat.join("alice")
    chat.clock.seconds += 10
    chat.state.users.leave(alice, alice.connections[0], for_good=False)
    assert (alice.sessions[0].connection, alice.sessions[0].used) == (None, chat.clock.now())
    chat.clock.seconds += 1
    come_back(chat, alice)
    assert alice.sessions[0].used == chat.clock.now()


def test_sessions_of_a_user_have_rising_numbers_that_are_not_used_again(chat: Harness) -> None:
    (alice,) = chat.join("alice")
    change, token = chat.state.users.new_session(alice, 2, "pc", "::1")
    assert (change.hash, change.number) == (hash_token(token), 2)
    chat.state.sessions.add(alice, new_session(alice, "a", 9))
    chat.state.sessions.remove(hash_token("a"))
    assert Draft(chat.state, 0).take_session_number(alice) == 10


def test_an_anonymous_user_is_nobody(chat: Harness) -> None:
    user = chat.state.users.anonymous()
    assert (user.id, user.name, user.sessions) == ("", "", [])
    assert chat.state.directory.users() == []


# Absent users


def test_an_absent_user_is_here_for_a_while_then_left_and_keeps_the_name(chat: Harness) -> None:
    alice, bob = chat.join("alice", "bob")
    news(chat)
    leave(chat, alice)
    assert alice in chat.state.presence
    assert not chat.state.presence.has_changed()
    assert chat.state.users.next_expiry() == PRESENCE
    pass_time(chat, PRESENCE)
    assert news(chat) == [left("alice")]
    assert chat.state.presence.users() == [bob]
    assert chat.state.users.get(alice.id) is alice
    assert chat.state.directory.find("alice") is alice, "who is away can be written to"
    with pytest.raises(ChatError, match="it looks like alice, who is away"):
        chat.state.directory.claim(bob.id, "a1ice", "alice")
    come_back(chat, alice)
    assert news(chat) == [joined("alice")]
    assert chat.state.directory.find("alice") is alice
    assert alice.left is None


def test_a_user_of_whom_nobody_was_told_is_not_told_of(chat: Harness) -> None:
    (alice,) = chat.join("alice")
    leave(chat, alice)
    assert news(chat) == []
    assert alice not in chat.state.presence
    come_back(chat, alice)
    assert news(chat) == [joined("alice")]


def test_a_user_who_is_back_in_time_is_not_told_of(chat: Harness) -> None:
    (alice,) = chat.join("alice")
    news(chat)
    leave(chat, alice)
    chat.clock.seconds += PRESENCE - 1
    since = alice.since
    come_back(chat, alice)
    pass_time(chat, PRESENCE)
    assert news(chat) == []
    assert alice.since == since


def test_a_user_who_comes_back_after_others_were_told_is_here_since_then(chat: Harness) -> None:
    (alice,) = chat.join("alice")
    news(chat)
    leave(chat, alice)
    pass_time(chat, PRESENCE)
    chat.clock.seconds += 1
    come_back(chat, alice)
    assert alice.since == chat.clock.now()


def test_authors_are_notified_again_of_a_user_who_came_and_went(chat: Harness) -> None:
    (alice,) = chat.join("alice")
    assert alice.should_notify("bob")
    leave(chat, alice)
    come_back(chat, alice)
    assert alice.should_notify("bob")


def test_a_user_is_unloaded_when_the_grace_time_is_over(chat: Harness) -> None:
    (alice,) = chat.join("alice")
    token = alice.sessions[0].hash
    leave(chat, alice)
    pass_time(chat, GRACE - 1)
    assert chat.state.users.get(alice.id) is alice
    pass_time(chat, 1)
    assert chat.state.users.get(alice.id) is None
    assert chat.state.sessions.find(token) is None
    assert chat.state.directory.is_free("alice")
    assert chat.state.users.next_expiry() == float("inf")


def test_an_absent_user_leaves_the_keys_to_the_disk_and_takes_them_back(chat: Harness) -> None:
    (alice,) = chat.join("alice")
    chat.take(chat.send(alice, "hi", key="k"))
    (key,) = alice.sent
    news(chat)
    leave(chat, alice)
    assert not alice.sent.on_disk, "who is back in time needs no disk"
    pass_time(chat, PRESENCE)
    assert alice.sent.on_disk
    come_back(chat, alice, row_of("alice", keys=[key]))
    assert (alice.sent.on_disk, list(alice.sent)) == (False, [key])


def test_too_many_absent_users_expire_first_come_first() -> None:
    chat = Harness(Settings(limits=Limits(absent_users=2)))
    users = chat.join("a", "b", "c", "d")
    for user in users:
        chat.clock.seconds += 1
        leave(chat, user)
    chat.state.users.expire()
    assert [user for user in users if chat.state.users.get(user.id) is None] == users[:2]


def test_a_stored_guest_name_is_free_when_its_holder_may_not_come_back_any_more(chat: Harness) -> None:
    row = NameRow("id of bob", "bob", "bob", None, chat.clock.now())
    chat.state.directory._store(row)
    chat.state.directory._absent[row.user] = row
    assert chat.state.users.next_expiry() == GRACE + 0.001
    pass_time(chat, GRACE)
    assert not chat.state.directory.is_free("bob")
    pass_time(chat, chat.state.users.next_expiry())
    assert chat.state.directory.is_free("bob")


# Coming back


def find(chat: Harness, token: str, row: UserRow | None = None) -> User:
    return chat.state.users.find_session(hash_token(token), row)[1]


def test_a_token_brings_back_a_user_in_memory_and_needs_no_row(chat: Harness) -> None:
    alice, token = chat.state.users.new_guest(NullSubscriber(), "")
    leave(chat, alice)
    assert find(chat, token) is alice
    with pytest.raises(ChatError) as refused:
        find(chat, "another")
    assert refused.value.code == "bad-token"


def test_a_token_brings_back_a_user_from_disk(chat: Harness) -> None:
    row = row_of("alice", "t", left=chat.clock.now() - 1000)
    alice = find(chat, "t", row)
    assert (alice.id, alice.name, alice.has_row) == ("id of alice", "alice", True)
    assert find(chat, "t", row) is alice


@pytest.mark.parametrize(
    ("fields", "tokens", "back"),
    [
        ({"left": GRACE}, ("t",), True),
        ({"left": GRACE + 1}, ("t",), False),
        ({"left": None}, ("t",), True),
        ({"left": GRACE + 1, "registered": 3}, ("t",), True),
        ({"left": 1}, (), False),
        ({"left": 1, "registered": 3}, (), False),
    ],
)
def test_a_guest_comes_back_in_time_and_a_registered_user_always(
    chat: Harness, fields: dict[str, int | None], tokens: tuple[str, ...], *, back: bool
) -> None:
    """`left` is in seconds ago."""
    ago = fields["left"]
    then = None if ago is None else chat.clock.now() - ago * 1000 + 1
    row = row_of("alice", *tokens, **fields | {"left": then})
    if back:
        assert find(chat, "t", row).name == "alice"
    else:
        with pytest.raises(ChatError) as refused:
            find(chat, "t", row)
        assert refused.value.code == "bad-token"


def test_a_session_that_is_ending_brings_back_nobody(chat: Harness) -> None:
    alice, token = chat.state.users.new_guest(NullSubscriber(), "")
    alice.sessions[0].ending = True
    with pytest.raises(ChatError, match="not valid any more"):
        find(chat, token)


def test_where_login_is_required_no_guest_comes_back() -> None:
    chat = Harness(Settings(rules=Rules(require_login=True)))
    with pytest.raises(ChatError, match="not valid any more"):
        find(chat, "t", row_of("alice", "t"))
    assert find(chat, "u", row_of("bob", "u", registered=3)).name == "bob"


def test_a_user_whose_keys_are_on_disk_does_not_come_back_without_the_row(chat: Harness) -> None:
    """Else a send that is repeated would be sent twice. Without a row there is nobody to come back."""
    (alice,) = chat.join("alice")
    chat.take(chat.send(alice, "hi", key="k"))
    token = alice.sessions[0].hash
    leave(chat, alice)
    assert alice.sent.on_disk
    with pytest.raises(ChatError, match="not valid any more"):
        chat.state.users.find_session(token, None)
    assert chat.state.users.find_session(token, row_of("alice"))[1] is alice


def test_what_memory_knows_of_a_guest_who_was_unloaded_counts_more_than_an_old_row(chat: Harness) -> None:
    """The row says that the guest is connected, since the disk was not told yet that this ended long ago."""
    (alice,) = stored(chat, "alice")
    leave(chat, alice)
    row = row_of("alice", "t", user=alice.id, left=None)
    pass_time(chat, GRACE)
    assert alice.id in chat.state.sessions.dirty
    with pytest.raises(ChatError, match="not valid any more"):
        find(chat, "t", row)


def test_a_guest_who_is_gone_for_good_does_not_come_back_by_an_old_row(chat: Harness) -> None:
    (alice,) = stored(chat, "alice")
    row = row_of("alice", "t", user=alice.id, left=None)
    leave(chat, alice, for_good=True)
    with pytest.raises(ChatError, match="not valid any more"):
        find(chat, "t", row)
    chat.take(StoreSessions())
    assert chat.state.sessions.dirty == {}


# Loading


def test_all_of_a_row_is_in_memory(chat: Harness) -> None:
    (bob,) = chat.join("bob")
    name = direct_name("id of alice", bob.id)
    row = row_of(
        "alice",
        "t",
        "u",
        left=chat.clock.now(),
        registered=3,
        last_number=9,
        away=AwayRow("tea", 5),
        receipts=False,
        ignored=[bob.id],
        keys=[NewKey("id of alice", "k", 0, "lobby", None, 1, None, 0)],
        members=[MemberRow("lobby", 0, 0, 0), MemberRow(name, 7, 5, 6)],
    )
    alice = chat.state.users.load(row)
    assert chat.state.users.get(row.user) is alice
    assert (alice.name, alice.key, alice.since, alice.registered) == ("alice", "alice", 7, 3)
    assert (alice.last_number, alice.away, alice.receipts) == (9, ("tea", 5), False)
    assert alice.ignored == {bob.id}
    assert chat.state.audience.ignored_by == {bob.id: {alice}}
    assert alice.sent.on_disk
    assert [session.number for session in alice.sessions] == [1, 2]
    member = alice.members[name]
    assert (member.room.seq, member.read, member.delivered) == (7, 5, 6)
    assert alice not in chat.state.presence
    assert chat.state.users.load(row) is alice


def test_a_user_without_a_stored_lobby_has_read_what_is_there(chat: Harness) -> None:
    stored(chat, "bob")
    alice = chat.state.users.load(row_of("alice", left=0))
    assert (alice.lobby.read, alice.lobby.delivered) == (1, 1)


def test_a_guests_grace_time_goes_on_and_a_registered_users_begins(chat: Harness) -> None:
    then = chat.clock.now() - 100_000
    guest = chat.state.users.load(row_of("alice", "t", left=then))
    assert chat.state.users.next_expiry() == GRACE - 100
    user = chat.state.users.load(row_of("bob", "u", left=then, registered=3))
    pass_time(chat, GRACE - 100)
    assert chat.state.users.get(guest.id) is None
    assert chat.state.users.get(user.id) is user


def test_a_guest_whose_name_is_taken_comes_back_under_another(chat: Harness) -> None:
    chat.join("alice")
    assert chat.state.users.load(row_of("a1ice", "t")).name == "guest-2"
    assert chat.state.users.load(row_of("bob", "u", name=None)).name == "guest-3"


def test_a_stored_name_counts_more_than_that_of_a_row(chat: Harness) -> None:
    """The row may have been read before a rename."""
    chat.state.directory.register(NameRow("id of alice", "al", "al", 3, None))
    assert chat.state.users.load(row_of("alice", registered=3)).name == "al"


def test_a_deleted_user_is_not_loaded_from_what_was_read_before(chat: Harness) -> None:
    (alice,) = stored(chat, "alice")
    row = row_of("alice", user=alice.id)
    chat.take(Delete(user=alice.id))
    with pytest.raises(ChatError) as refused:
        chat.state.users.load(row)
    assert refused.value.code == "no-such-user"


def test_a_direct_room_is_restored_for_both_and_goes_on_where_it_is_known(chat: Harness) -> None:
    name = direct_name("id of alice", "id of bob")
    alice = chat.state.users.load(row_of("alice", "a", members=[MemberRow(name, 7, 5, 6)]))
    room = alice.members[name].room
    assert (room.name, room.seq) == (name, 7)
    room.append(8, alice.id, b"")
    bob = chat.state.users.load(row_of("bob", "b", members=[MemberRow(name, 7, 1, 2)]))
    assert bob.members[name].room is room
    assert room.seq == 8, "memory knows better than the row"
    assert [(user.members[name].read, user.members[name].delivered) for user in (alice, bob)] == [
        (5, 6),
        (1, 2),
    ]


def test_a_direct_room_with_a_user_who_is_not_in_memory_goes_on_when_that_user_is(chat: Harness) -> None:
    name = direct_name("id of alice", "id of bob")
    alice = chat.state.users.load(row_of("alice", "a", members=[MemberRow(name, 5, 5, 5)]))
    bob = chat.state.users.load(row_of("bob", "b", members=[MemberRow(name, 5, 0, 0)]))
    sends = [chat.send(alice, "hi", bob), chat.send(bob, "ho", alice)]
    chat.take(*sends)
    assert [send.seq for send in sends] == [6, 7]


def test_a_direct_room_that_only_one_user_knows_goes_on(chat: Harness) -> None:
    """The disk refused its first message, and the other was unloaded and read anew since."""
    alice, bob = chat.join("alice", "bob")
    chat.take(chat.send(alice, "hi", bob))
    name = direct_name(alice.id, bob.id)
    room = alice.members[name].room
    del bob.members[name]
    again = chat.send(bob, "ho", alice)
    chat.take(again)
    assert again.seq == 2
    assert bob.members[name].room is alice.members[name].room is room


# Ending


def test_an_ended_session_ends_its_connection_and_the_others_stay(chat: Harness) -> None:
    (alice,) = chat.join("alice")
    phone = NullSubscriber()
    session = new_session(alice, "phone", 2, connection=phone)
    chat.state.sessions.add(alice, session)
    alice.connections.append(phone)
    chat.state.users.end_session(session.hash, "revoked")
    assert phone.stopped == "revoked"
    assert phone not in alice.connections
    assert len(alice.sessions) == 1
    assert alice.left is None
    chat.state.users.end_session(session.hash, "revoked")


def test_a_guest_whose_last_session_ends_is_removed_and_a_registered_user_is_absent(chat: Harness) -> None:
    alice, bob = chat.join("alice", "bob")
    bob.registered = 3
    for user in (alice, bob):
        chat.state.users.end_session(user.sessions[0].hash, "ended")
    assert chat.state.users.get(alice.id) is None
    assert chat.state.users.get(bob.id) is bob
    assert (bob.left, bob.sessions) == (chat.clock.now(), [])


def test_a_session_that_ends_without_a_reason_leaves_its_connection(chat: Harness) -> None:
    """As of `logout`, which goes on as a guest."""
    (alice,) = chat.join("alice")
    (connection,) = alice.connections
    chat.state.users.end_session(alice.sessions[0].hash, None)
    assert isinstance(connection, NullSubscriber)
    assert connection.stopped is None
    assert alice.connections == [connection]
    assert alice.sessions == []


def test_of_a_deleted_user_nothing_is_left_in_memory(chat: Harness) -> None:
    alice, bob = stored(chat, "alice", "bob")
    apply(chat.state, SetIgnored(bob.id, alice.id))
    (connection,) = alice.connections
    token = alice.sessions[0].hash
    news(chat)
    chat.state.users.delete(alice.id, "ended")
    assert isinstance(connection, NullSubscriber)
    assert connection.stopped == "ended"
    assert news(chat) == [left("alice")]
    assert chat.state.users.get(alice.id) is None
    assert chat.state.sessions.find(token) is None
    assert chat.state.directory.is_free("alice")
    assert bob.ignored == frozenset()
    assert chat.state.audience.ignored_by == {}
    assert alice.id not in chat.state.sessions.dirty


# Settings


def test_other_limits_hold_for_users_who_are_in_memory_and_for_new_ones(chat: Harness) -> None:
    (alice,) = chat.join("alice")
    limits = Limits(messages_per_second=1, message_burst=1)
    chat.state.configure(Settings(limits=limits, rules=Rules(grace_seconds=9, presence_seconds=2)))
    (bob,) = chat.join("bob")
    for user in (alice, bob):
        assert [user.bucket.take(0) > 0 for _ in range(2)] == [False, True]
    leave(chat, alice)
    assert chat.state.users.next_expiry() in (2, 9)


def test_a_pending_subscriber_who_leaves_is_not_announced(chat: Harness) -> None:
    connection = NullSubscriber()
    user, _ = chat.state.enter(connection, "::1")
    assert chat.state.audience.pending == {connection: PendingSubscriber(user, 0, chat.clock.monotonic())}
    chat.state.users.leave(user, connection, for_good=True)
    assert chat.state.audience.pending == {}
    assert not chat.state.presence.has_changed()
    assert chat.state.users.get(user.id) is None
