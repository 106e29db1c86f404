"""Messages and edits: their numbers, who gets them, what is stored with them, and repeats."""

from __future__ import annotations

from typing import TypeVar

import pytest

from tcpchat.chat.apply import apply
from tcpchat.chat.draft import Draft
from tcpchat.chat.fanout import Fanout
from tcpchat.chat.operations.messages import ADDED_CHARACTERS, MOST_MESSAGES, EditText, Repeat, SendMessages
from tcpchat.chat.operations.users import Delete, Rename
from tcpchat.chat.room import direct_name, public_id
from tcpchat.chat.sent_keys import KEYS_REMEMBERED, KEYS_TRIMMED
from tcpchat.chat.user import User
from tcpchat.protocol import Error
from tcpchat.settings import Rules, Settings
from tcpchat.store.changes import (
    Change,
    EditMessage,
    NewKey,
    NewMention,
    NewMessage,
    NewRoom,
    NewUser,
    SetAway,
    SetIgnored,
    SetMember,
    TrimKeys,
)
from tcpchat.store.rows import MemberRow, NameRow
from tests.chat.harness import LOBBY, Harness, Line, NullSubscriber, posted, replies, sent_to
from tests.chat.parts import lines, row_of


@pytest.fixture
def chat() -> Harness:
    return Harness()


C = TypeVar("C")


def of_kind(changes: list[Change], kind: type[C]) -> list[C]:
    return [change for change in changes if isinstance(change, kind)]


def member(user: User, other: User) -> tuple[int, int]:
    """Return how far the user has read the direct room with another, and was given it."""
    found = user.members[direct_name(user.id, other.id)]
    return found.read, found.delivered


def second_connection(user: User) -> NullSubscriber:
    connection = NullSubscriber()
    user.connections.append(connection)
    return connection


# Numbers


def test_numbers_begin_at_1_have_no_gaps_and_each_room_has_its_own(chat: Harness) -> None:
    alice, bob = chat.join("alice", "bob")
    batch = [chat.send(alice, "1"), chat.send(bob, "2"), chat.send(alice, "1", bob), chat.send(bob, "3")]
    chat.take(*batch)
    chat.take(after := chat.send(bob, "2", alice), last := chat.send(bob, "4"))
    assert [str(send.seq) for send in (*batch, after, last)] == [
        send.texts[0] for send in (*batch, after, last)
    ]
    assert [reply["seq"] for reply in replies(*batch)] == [1, 2, 1, 3]


def test_numbers_of_a_batch_that_the_disk_refused_go_to_the_next_one(chat: Harness) -> None:
    alice, bob = chat.join("alice", "bob")
    draft = Draft(chat.state, 0)
    chat.decide(draft, [chat.send(alice, "a"), chat.send(alice, "b", bob), chat.send(alice, "c")])
    draft.rollback(0)
    assert chat.state.rooms.lobby.seq == 0
    chat.take(*(again := [chat.send(bob, "d"), chat.send(bob, "e", alice)]))
    assert [send.seq for send in again] == [1, 1]


def test_many_keys_are_trimmed_on_disk_once_also_after_the_disk_refused_it(
    chat: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tcpchat.chat.sent_keys.KEYS_REMEMBERED", 1)
    monkeypatch.setattr("tcpchat.chat.sent_keys.KEYS_TRIMMED", 2)
    (alice,) = chat.join("alice")
    chat.take(*(chat.send(alice, "x", key=key) for key in "abc"))
    with chat.refuse(chat.send(alice, "x", key="d")):
        pass
    assert of_kind(chat.written, TrimKeys) == []
    chat.take(chat.send(alice, "x", key="d"), chat.send(alice, "x", key="e"))
    assert len(of_kind(chat.written, TrimKeys)) == 1
    chat.take(chat.send(alice, "x", key="f"))
    assert len(of_kind(chat.written, TrimKeys)) == 1


# To the lobby


def test_a_message_goes_to_everybody_and_its_author_gets_the_number(chat: Harness) -> None:
    (alice,) = chat.join("alice")
    fanout = chat.take(send := chat.send(alice, "hi"))
    (event,) = posted(fanout)
    assert (event["type"], event["room"], event["seq"], event["from"], event["text"]) == (
        "message", LOBBY, 1, "alice", "hi"
    )  # fmt: skip
    (reply,) = replies(send)
    assert reply == {"type": "sent", "room": LOBBY, "seq": 1, "at": event["at"]}
    assert (fanout.direct, fanout.messages) == ({}, 1)
    assert chat.written[-1] == NewMessage(LOBBY, 1, chat.clock.now(), alice.id, "alice", None, None, "hi")


def test_the_first_message_stores_its_author_and_the_second_does_not(chat: Harness) -> None:
    (alice,) = chat.join("alice")
    chat.take(chat.send(alice, "a"), chat.send(alice, "b"))
    chat.take(chat.send(alice, "c"))
    assert [change for change in chat.written if isinstance(change, NewUser)] == [
        NewUser(alice.id, chat.clock.now())
    ]
    assert alice.has_row


def test_a_message_bears_the_name_that_its_author_had_when_it_was_sent(chat: Harness) -> None:
    (alice,) = chat.join("alice")
    send = chat.send(alice, "hi")
    chat.state.directory.claim(alice.id, "carol", "carol")
    fanout = chat.take(Rename(user=alice.id, name="carol", key="carol"), send)
    assert [event["from"] for event in posted(fanout)] == ["alice"]


def test_a_mention_is_stored_with_the_message_for_each_user(chat: Harness) -> None:
    alice, bob = chat.join("alice", "bob")
    send = chat.send(alice, "@bob and @zoe")
    chat.state.directory.register(NameRow("z", "zoe", "zoe", 1, None))
    send.mentions = [(0, bob.id), (0, "z"), (0, "nobody")]
    chat.take(send)
    assert of_kind(chat.written, NewMention) == [NewMention(bob.id, LOBBY, 1), NewMention("z", LOBBY, 1)]
    assert bob.has_row, "rows refer to the user"
    assert replies(send)[0]["type"] == "sent", "a user who is gone need not know"


def test_a_deleted_user_is_not_mentioned(chat: Harness) -> None:
    alice, bob = chat.join("alice", "bob")
    send = chat.send(alice, "@bob")
    send.mentions = [(0, bob.id)]
    chat.take(Delete(user=bob.id), send)
    assert of_kind(chat.written, NewMention) == []
    assert send.seq == 1


def test_a_recipient_who_was_unloaded_meanwhile_is_in_the_room_all_the_same(chat: Harness) -> None:
    (alice,) = chat.join("alice")
    chat.state.directory.register(NameRow("z", "zoe", "zoe", 1, None))
    room = direct_name(alice.id, "z")
    send = SendMessages(author=alice.id, name="alice", room=room, texts=["hi"], to="zoe", mentions=[])
    chat.take(send)
    assert replies(send)[0]["type"] == "sent"
    assert SetMember("z", room, 0, 0) in chat.written, "else zoe would never learn of it"


# Messages that follow each other


def test_messages_that_follow_each_other_are_one_operation(chat: Harness) -> None:
    alice, bob = chat.join("alice", "bob")
    run = chat.send(alice, "1")
    run.ids = ["a", "b", None]
    run.add("@bob 2", [bob.id])
    run.add("3", [])
    assert (run.size, run.characters) == (3, 8)
    fanout = chat.take(chat.send(bob, "0"), run, last := chat.send(bob, "4"))
    assert [(event["seq"], event["text"]) for event in posted(fanout)] == [
        (1, "0"), (2, "1"), (3, "@bob 2"), (4, "3"), (5, "4"),
    ]  # fmt: skip
    assert [(reply["type"], reply.get("re"), reply["seq"]) for reply in replies(run, last)] == [
        ("sent", "a", 2), ("sent", "b", 3), ("sent", None, 4), ("sent", None, 5),
    ]  # fmt: skip
    assert of_kind(chat.written, NewMention) == [NewMention(bob.id, LOBBY, 3)]
    assert fanout.messages == 5


def test_direct_messages_that_follow_each_other_are_read_and_delivered_up_to_the_last(chat: Harness) -> None:
    alice, bob = chat.join("alice", "bob")
    run = chat.send(alice, "1", bob)
    run.add("2", [])
    fanout = chat.take(run)
    assert [event["seq"] for user in (alice, bob) for event in sent_to(fanout, user)] == [1, 2, 1, 2]
    assert (member(alice, bob)[0], member(bob, alice)[0]) == (2, 0)
    assert chat.state.receipts.delivered(bob, chat.state.rooms.open(run.room)) == 2


def test_messages_that_follow_each_other_are_refused_together(chat: Harness) -> None:
    alice, bob = chat.join("alice", "bob")
    run = chat.send(alice, "1", bob)
    run.ids = [1, 2]
    run.add("2", [])
    chat.take(Delete(user=bob.id), run)
    assert [(reply["code"], reply["re"]) for reply in replies(run)] == [
        ("no-such-user", 1), ("no-such-user", 2),
    ]  # fmt: skip


def test_what_differs_by_more_than_the_text_is_an_operation_of_its_own(chat: Harness) -> None:
    alice, bob = chat.join("alice", "bob")
    phone, laptop = alice.connections[0], second_connection(alice)
    direct = direct_name(alice.id, bob.id)
    run, keyed = chat.send(alice, "1"), chat.send(alice, "1", key="k")
    run.requester = keyed.requester = phone
    longest = "x" * ADDED_CHARACTERS
    assert run.can_add(phone, alice, LOBBY, None, longest)
    assert not run.can_add(phone, alice, LOBBY, None, longest + "x")
    assert not run.can_add(phone, alice, LOBBY, None, "waves", action=True)
    assert not run.can_add(laptop, alice, LOBBY, None, "2"), "each connection gets its own replies"
    assert not run.can_add(phone, bob, LOBBY, None, "2")
    assert not run.can_add(phone, alice, direct, "bob", "2")
    assert not keyed.can_add(phone, alice, LOBBY, None, "2"), "a repeat of it would repeat what was added"
    to_bob = chat.send(alice, "1", bob)
    to_bob.requester, to_bob.to = phone, "bob"
    assert to_bob.can_add(phone, alice, direct, "bob", "2")
    assert not to_bob.can_add(phone, alice, direct, "carol", "2")
    chat.rename(alice, "carol")
    assert not run.can_add(phone, alice, LOBBY, None, "2"), "each message has the name of its time"


def test_an_operation_takes_in_no_more_than_its_bound(chat: Harness) -> None:
    (alice,) = chat.join("alice")
    run = chat.send(alice, "0")
    run.requester = phone = alice.connections[0]
    while run.can_add(phone, alice, LOBBY, None, "x"):
        run.add("x", [])
    assert run.size == MOST_MESSAGES


# To one user


def test_a_direct_message_goes_to_all_connections_of_both_and_nobody_else(chat: Harness) -> None:
    alice, bob, carol = chat.join("alice", "bob", "carol")
    phone = second_connection(alice)
    fanout = chat.take(send := chat.send(alice, "psst", bob))
    room = public_id(direct_name(alice.id, bob.id))
    (event,) = sent_to(fanout, bob)
    assert (event["type"], event["room"], event["to"], event["from"], event["seq"]) == (
        "message", room, "bob", "alice", 1
    )  # fmt: skip
    assert sent_to(fanout, alice) == lines(fanout.direct[phone]) == [event]
    assert sent_to(fanout, carol) == []
    assert (fanout.posts, fanout.messages) == ({}, 1)
    (reply,) = replies(send)
    assert reply == {"type": "sent", "room": room, "username": "bob", "seq": 1, "at": event["at"]}


def test_the_first_direct_message_stores_the_room_both_users_and_both_members(chat: Harness) -> None:
    alice, bob = chat.join("alice", "bob")
    chat.take(chat.send(alice, "a", bob))
    chat.take(chat.send(bob, "b", alice))
    room = direct_name(alice.id, bob.id)
    assert of_kind(chat.written, NewRoom) == [NewRoom(room, "direct")]
    members = [change for change in of_kind(chat.written, SetMember) if change.room == room]
    assert members == [
        SetMember(bob.id, room, 0, 0), SetMember(alice.id, room, 1, 1)
    ]  # fmt: skip
    assert alice.has_row
    assert bob.has_row


def test_an_author_who_has_read_everything_has_read_the_message_too(chat: Harness) -> None:
    alice, bob = chat.join("alice", "bob")
    chat.take(chat.send(alice, "a", bob), chat.send(alice, "b", bob))
    assert (member(alice, bob), member(bob, alice)) == ((2, 2), (0, 0))
    chat.take(chat.send(bob, "c", alice))
    assert member(bob, alice) == (0, 0), "bob has not read the first two"
    chat.take(chat.send(alice, "d", bob))
    assert member(alice, bob) == (2, 2), "alice has not read the third"


def test_two_users_share_one_room_whoever_begins_and_whoever_is_here(chat: Harness) -> None:
    alice, bob = chat.join("alice", "bob")
    sends = [chat.send(alice, "a", bob), chat.send(bob, "b", alice)]
    chat.take(*sends)
    chat.state.users.leave(alice, alice.connections[0], for_good=False)
    chat.take(third := chat.send(bob, "c", alice))
    assert [send.seq for send in (*sends, third)] == [1, 2, 3]
    name = direct_name(alice.id, bob.id)
    assert alice.members[name].room is bob.members[name].room is chat.state.rooms.get(name)


def test_users_can_write_to_themselves_and_have_read_it(chat: Harness) -> None:
    (alice,) = chat.join("alice")
    fanout = chat.take(chat.send(alice, "milk", alice), chat.send(alice, "bread", alice))
    assert [event["text"] for event in sent_to(fanout, alice)] == ["milk", "bread"], "each once"
    assert member(alice, alice) == (2, 2)
    assert not chat.state.receipts
    chat.state.users.leave(alice, alice.connections[0], for_good=True)
    assert chat.state.directory.users() == []


def test_the_recipient_bears_the_name_of_now(chat: Harness) -> None:
    alice, bob = chat.join("alice", "bob")
    send = chat.send(alice, "hi", bob)
    chat.state.directory.claim(bob.id, "rob", "rob")
    fanout = chat.take(Rename(user=bob.id, name="rob", key="rob"), send)
    assert [event["to"] for event in sent_to(fanout, alice) if event["type"] == "message"] == ["rob"]
    assert replies(send)[0]["username"] == "rob"


def test_a_direct_message_to_a_user_who_was_deleted_is_rejected(chat: Harness) -> None:
    alice, bob = chat.join("alice", "bob")
    chat.take(Delete(user=bob.id), late := chat.send(alice, "too late", bob))
    chat.take(later := chat.send(alice, "much too late", bob))
    for reply in replies(late, later):
        assert reply["code"] == "no-such-user"
    assert of_kind(chat.written, NewMessage) == []


def test_a_direct_room_whose_last_number_is_not_in_memory_gets_no_message(chat: Harness) -> None:
    """Nobody knows which number would be the next."""
    for name in ("alice", "bob"):
        chat.state.directory.register(NameRow(f"id of {name}", name, name, 1, None))
    room = direct_name("id of alice", "id of bob")
    send = SendMessages(author="id of alice", name="alice", room=room, texts=["hi"], mentions=[])
    chat.take(send)
    assert replies(send)[0]["code"] == "storage-failed"


def test_a_direct_message_goes_on_after_the_last_number_of_a_loaded_room(chat: Harness) -> None:
    room = direct_name("id of alice", "id of bob")
    alice = chat.state.users.load(row_of("alice", members=[MemberRow(room, 7, 7, 7)]))
    bob = chat.state.users.load(row_of("bob"))
    chat.take(send := chat.send(alice, "hi", bob))
    assert send.seq == 8
    assert of_kind(chat.written, NewRoom) == []
    assert (member(alice, bob), member(bob, alice)) == ((8, 8), (0, 0))


# Delivered, ignored, absent


def test_a_message_is_delivered_to_a_user_with_a_connection_and_not_over_a_gap(chat: Harness) -> None:
    alice, bob = chat.join("alice", "bob")
    room = direct_name(alice.id, bob.id)
    chat.take(chat.send(alice, "a", bob), chat.send(alice, "b", bob))
    assert [(moved.user, moved.delivered) for moved in chat.state.receipts.take()] == [(bob.id, 2)]
    (connection,) = bob.connections
    chat.state.users.leave(bob, connection, for_good=False)
    chat.take(chat.send(alice, "c", bob))
    assert not chat.state.receipts, "nobody was given it"
    bob.connections.append(connection)
    chat.take(chat.send(alice, "d", bob))
    assert chat.state.receipts.delivered(bob, chat.state.rooms.open(room)) == 2, "c was not given to bob"


def test_an_ignored_author_is_not_given_to_the_recipient_and_learns_nothing(chat: Harness) -> None:
    alice, bob = chat.join("alice", "bob")
    apply(chat.state, SetIgnored(bob.id, alice.id))
    fanout = chat.take(chat.send(alice, "hi", bob))
    assert sent_to(fanout, bob) == []
    assert [event["type"] for event in sent_to(fanout, alice)] == ["message"]
    assert not chat.state.receipts
    assert member(bob, alice) == (0, 0)


def absent(line: Line) -> Line:
    return {name: value for name, value in line.items() if name != "since"}


def notices(fanout: Fanout, user: User) -> list[Line]:
    return [absent(line) for line in sent_to(fanout, user) if line["type"] == "absent"]


def test_an_author_is_notified_once_that_nobody_is_there(chat: Harness) -> None:
    alice, bob, carol = chat.join("alice", "bob", "carol")
    assert notices(chat.take(chat.send(alice, "a", bob)), alice) == []
    chat.state.users.leave(bob, bob.connections[0], for_good=False)
    fanout = chat.take(chat.send(alice, "b", bob), chat.send(alice, "c", bob), chat.send(carol, "d", bob))
    assert notices(fanout, alice) == notices(fanout, carol) == [
        {"type": "absent", "username": "bob", "here": False}
    ]  # fmt: skip
    apply(chat.state, SetAway(bob.id, "tea", 5))
    fanout = chat.take(chat.send(alice, "e", bob))
    assert notices(fanout, alice) == [{"type": "absent", "username": "bob", "here": False, "text": "tea"}]


def test_an_author_is_notified_of_a_user_who_is_here_and_away(chat: Harness) -> None:
    alice, bob = chat.join("alice", "bob")
    apply(chat.state, SetAway(bob.id, "tea", 0))
    fanout = chat.take(chat.send(alice, "a", bob))
    notice = sent_to(fanout, alice)[-1]
    assert notice == {
        "type": "absent", "username": "bob", "here": True, "text": "tea", "since": "1970-01-01T00:00:00.000Z"
    }  # fmt: skip
    apply(chat.state, SetAway(bob.id, None, None))
    assert notices(chat.take(chat.send(alice, "b", bob)), alice) == []


def test_nobody_is_notified_of_being_away_oneself(chat: Harness) -> None:
    (alice,) = chat.join("alice")
    apply(chat.state, SetAway(alice.id, "tea", 0))
    assert notices(chat.take(chat.send(alice, "milk", alice)), alice) == []


def test_an_ignored_author_is_notified_as_others_are(chat: Harness) -> None:
    """Else the author would learn of being ignored."""
    alice, bob = chat.join("alice", "bob")
    apply(chat.state, SetIgnored(bob.id, alice.id))
    apply(chat.state, SetAway(bob.id, "tea", 0))
    assert len(notices(chat.take(chat.send(alice, "hi", bob)), alice)) == 1


# Keys


def test_a_repeat_under_a_key_is_sent_once_and_gets_the_same_reply(chat: Harness) -> None:
    alice, bob = chat.join("alice", "bob")
    sends = [chat.send(alice, "hi", key="k"), chat.send(alice, "hi", key="k"), chat.send(bob, "hi", key="k")]
    fanout = chat.take(*sends)
    chat.clock.seconds += 60
    again = chat.take(*(late := [chat.send(alice, "hi", key="k"), chat.send(alice, "hi", bob, key="k")]))
    first, second, others, *later = replies(*sends, *late)
    assert first == second == later[0] == later[1]
    assert (first["seq"], others["seq"]) == (1, 2), "keys are each user's own"
    assert [event["seq"] for event in posted(fanout)] == [1, 2]
    assert (fanout.messages, again.messages, posted(again), again.direct) == (2, 0, [], {})
    assert len(of_kind(chat.written, NewKey)) == 2


def test_a_repeat_of_a_direct_message_gets_the_name_that_the_other_user_had(chat: Harness) -> None:
    alice, bob = chat.join("alice", "bob")
    chat.take(send := chat.send(alice, "hi", bob, key="k"))
    chat.rename(bob, "rob")
    chat.take(again := chat.send(alice, "hi", bob, key="k"))
    assert replies(again) == replies(send)
    assert replies(again)[0]["username"] == "bob"
    (key,) = alice.sent
    assert key.room == direct_name(alice.id, bob.id)


def test_a_repeat_alone_gets_the_same_reply_and_counts_as_a_request(chat: Harness) -> None:
    (alice,) = chat.join("alice")
    chat.take(send := chat.send(alice, "hi", key="k"))
    (key,) = alice.sent
    repeat = Repeat(first=key)
    assert repeat.costs_request
    written = len(chat.written)
    fanout = chat.take(repeat)
    assert replies(repeat) == replies(send)
    assert (len(chat.written), fanout.messages, fanout.direct) == (written, 0, {})
    repeat.reject(Error(code="storage-failed", message=""))
    assert replies(repeat)[0]["code"] == "storage-failed"


def test_a_key_that_was_rejected_can_be_used_again(chat: Harness) -> None:
    alice, bob, carol = chat.join("alice", "bob", "carol")
    chat.take(Delete(user=bob.id), first := chat.send(alice, "hi", bob, key="k"))
    assert isinstance(first.reply, Error)
    assert not alice.sent.is_in_flight("k")
    chat.take(again := chat.send(alice, "hi", carol, key="k"))
    assert again.seq == 1


def test_a_key_can_be_used_again_after_its_time() -> None:
    chat = Harness(Settings(rules=Rules(key_seconds=60)))
    (alice,) = chat.join("alice")
    chat.take(chat.send(alice, "hi", key="k"))
    chat.clock.seconds += 60
    chat.take(repeat := chat.send(alice, "hi", key="k"))
    chat.clock.seconds += 0.001
    chat.take(new := chat.send(alice, "hi", key="k"))
    assert [reply["seq"] for reply in replies(repeat, new)] == [1, 2]


def test_a_key_is_in_flight_until_its_send_is_on_disk(chat: Harness) -> None:
    (alice,) = chat.join("alice")
    send = chat.send(alice, "hi", key="k")
    assert alice.sent.is_in_flight("k")
    chat.take(send)
    assert not alice.sent.is_in_flight("k")


def test_old_keys_are_deleted_on_disk_many_at_a_time(chat: Harness) -> None:
    (alice,) = chat.join("alice")
    for number in range(KEYS_REMEMBERED + KEYS_TRIMMED):
        alice.sent.add(NewKey(alice.id, str(number), 0, LOBBY, None, 1, None, 0))
    chat.take(chat.send(alice, "a", key="x"), chat.send(alice, "b", key="y"))
    assert of_kind(chat.written, TrimKeys) == [TrimKeys(alice.id, KEYS_REMEMBERED)]


# Edits


def test_an_edit_is_the_next_event_and_the_message_has_its_text_from_then_on(chat: Harness) -> None:
    alice, _ = chat.join("alice", "bob")
    chat.take(chat.send(alice, "helo"), chat.send(alice, "again"))
    chat.clock.seconds += 1
    fanout = chat.take(edit := chat.edit(alice, 1, "hello"))
    (event,) = posted(fanout)
    shown = {name: event[name] for name in ("type", "room", "seq", "from", "target", "text")}
    assert shown == {
        "type": "edited", "room": LOBBY, "seq": 3, "from": "alice", "target": 1, "text": "hello"
    }  # fmt: skip
    assert replies(edit) == [{"type": "sent", "room": LOBBY, "seq": 3, "at": event["at"]}]
    assert fanout.messages == 0, "it is no message"
    messages = chat.state.rooms.lobby.messages(10, before=None, after=None)
    assert messages is not None
    texts = [
        (line["seq"], line["text"], line.get("edited")) for line in lines([one.line for one in messages])
    ]
    assert texts == [(1, "hello", event["at"]), (2, "again", None)]
    change = EditMessage(LOBBY, 3, chat.clock.now(), alice.id, "alice", None, None, 1, "hello")
    assert chat.written[-1] == change


def test_a_message_can_be_edited_in_the_batch_that_sends_it_and_again(chat: Harness) -> None:
    (alice,) = chat.join("alice")
    fanout = chat.take(chat.send(alice, "a"), chat.edit(alice, 1, "b"), chat.edit(alice, 1, "c"))
    assert [(event["seq"], event["text"]) for event in posted(fanout)] == [(1, "a"), (2, "b"), (3, "c")]
    found = chat.state.rooms.lobby.find(1)
    assert found is not None
    assert lines(found.line)[0]["text"] == "c"


def test_an_edit_in_a_direct_room_goes_to_both_users_and_is_delivered_and_read_like_a_message(
    chat: Harness,
) -> None:
    alice, bob, carol = chat.join("alice", "bob", "carol")
    chat.take(chat.send(alice, "a", bob))
    fanout = chat.take(edit := chat.edit(alice, 1, "b", bob))
    (event,) = sent_to(fanout, bob)
    room = public_id(direct_name(alice.id, bob.id))
    assert (event["type"], event["room"], event["to"], event["target"]) == ("edited", room, "bob", 1)
    assert sent_to(fanout, alice) == [event]
    assert sent_to(fanout, carol) == []
    assert replies(edit)[0]["username"] == "bob"
    assert member(alice, bob) == (2, 2)
    assert [moved.delivered for moved in chat.state.receipts.take()] == [2]


def test_an_edit_notifies_nobody_of_an_absent_user(chat: Harness) -> None:
    alice, bob = chat.join("alice", "bob")
    chat.take(chat.send(alice, "a", bob))
    chat.state.users.leave(bob, bob.connections[0], for_good=False)
    assert notices(chat.take(chat.edit(alice, 1, "b", bob)), alice) == []


def test_an_edit_of_an_ignored_author_is_not_given_to_the_recipient(chat: Harness) -> None:
    alice, bob = chat.join("alice", "bob")
    chat.take(chat.send(alice, "a", bob))
    apply(chat.state, SetIgnored(bob.id, alice.id))
    assert sent_to(chat.take(chat.edit(alice, 1, "b", bob)), bob) == []


def test_a_repeat_of_an_edit_under_its_key_changes_nothing(chat: Harness) -> None:
    (alice,) = chat.join("alice")
    chat.take(chat.send(alice, "a"))

    def edit(text: str) -> EditText:
        alice.sent.begin("k")
        operation = chat.edit(alice, 1, text)
        operation.key = "k"
        return operation

    first, again = edit("b"), edit("c")
    chat.take(first)
    fanout = chat.take(again)
    assert replies(first) == replies(again)
    assert posted(fanout) == []
    assert chat.state.rooms.lobby.seq == 2


def test_of_a_deleted_author_neither_messages_nor_edits_keep_a_text(chat: Harness) -> None:
    alice, bob = chat.join("alice", "bob")
    chat.take(chat.send(alice, "a"), chat.edit(alice, 1, "b"), chat.send(bob, "c"))
    chat.take(Delete(user=alice.id))
    events = chat.state.rooms.lobby.events(0, 10)
    assert events is not None
    shown = [(line["seq"], line["from"], line["text"]) for line in lines([one.line for one in events])]
    assert shown == [(1, "deleted", ""), (2, "deleted", ""), (3, "bob", "c")]
