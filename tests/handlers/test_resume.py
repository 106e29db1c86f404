"""`resume`: the same user on another connection, also after a restart, and nobody else's."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import trio
import trio.testing

from tcpchat.chat.sent_keys import KEYS_REMEMBERED, KEYS_TRIMMED
from tcpchat.chat.sessions import hash_token
from tcpchat.chat.user import LINES_QUEUED
from tcpchat.errors import ChatError
from tcpchat.settings import Limits, Rules, Settings
from tcpchat.store import StorageError
from tcpchat.store.changes import Change, EndSession
from tcpchat.store.sqlite import SqliteStore
from tests.chat.harness import NullSubscriber
from tests.running import Line, Peer, RunningServer, run_server
from tests.serving.test_delivery import GatedStore

Clock = trio.testing.MockClock
KEYED: Line = {"type": "send", "text": "once", "key": "k"}


async def enter(running: RunningServer, name: str | None = None) -> tuple[Peer, str]:
    """Connect somebody; return the peer and the token."""
    peer = Peer(await running.connect())
    token = (await peer.next("welcome"))["token"]
    if name is not None:
        assert (await peer.ask({"type": "rename", "name": name}))["type"] == "renamed"
    return peer, token


async def back(running: RunningServer, token: str) -> Peer:
    """Resume on a new connection."""
    peer = Peer(await running.connect())
    await peer.next("welcome")
    reply = await resume(peer, token)
    assert reply["type"] == "resumed", reply
    peer.name = reply["user"]
    return peer


async def resume(peer: Peer, token: str) -> Line:
    return await peer.ask({"type": "resume", "token": token})


async def lose(*peers: Peer) -> None:
    """Break the connections, and let the server notice."""
    for peer in peers:
        await peer.stream.aclose()
    await trio.testing.wait_all_tasks_blocked()


async def pass_time(running: RunningServer, clock: Clock, *seconds: float) -> None:
    for span in (*seconds, 0):
        await trio.testing.wait_all_tasks_blocked()
        await running.node.pipeline.wait_idle()
        await trio.testing.wait_all_tasks_blocked()
        clock.jump(span)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what needs no time but a thread."""
    while not condition():
        await trio.testing.wait_all_tasks_blocked()


async def names(peer: Peer) -> list[str]:
    return [user["name"] for user in (await peer.ask({"type": "users"}))["users"]]


async def presence(running: RunningServer, peer: Peer) -> list[tuple[str, Any]]:
    running.announce_presence()
    lines = [*peer.events, *await peer.quiet()]
    peer.events.clear()
    told = [line for line in lines if line["type"] in {"joined", "left", "renamed"}]
    return [(line["type"], line.get("users") or line["new"]) for line in told]


# The welcome


async def test_the_welcome_tells_what_will_not_come_as_an_event(running: RunningServer) -> None:
    alice, token = await enter(running)
    await alice.ask("send one")
    second = Peer(await running.connect())
    welcome = await second.next("welcome")
    assert welcome["seq"] == 1
    assert welcome["token"] != token
    await alice.ask("send two")
    assert [line["seq"] for line in await second.quiet()] == [2]


async def test_a_message_in_the_commit_comes_after_the_welcome_and_is_not_in_its_number() -> None:
    disk = GatedStore()
    async with run_server(store=disk) as running:
        alice, token = await enter(running)
        disk.open.clear()
        await alice.send("send under way")
        await trio.testing.wait_all_tasks_blocked()
        second = Peer(await running.connect())
        assert (await second.next("welcome"))["seq"] == 0
        disk.open.set()
        await alice.next("sent")
        assert (await resume(second, token))["seq"] == 1
        assert [line["seq"] for line in second.events] == [1]


async def test_the_journal_is_that_of_the_data(tmp_path: Path) -> None:
    journals = []
    for folder in (tmp_path, tmp_path, None, None):
        async with run_server(folder=folder) as running:
            journals.append((await Peer(await running.connect()).next("welcome"))["journal"])
    assert journals[0] == journals[1]
    assert len(set(journals)) == 3


# Who resumes is the same user


async def test_a_repeat_on_another_connection_is_answered_as_the_first(running: RunningServer) -> None:
    alice, token = await enter(running, "alice")
    first = await alice.ask(KEYED)
    await lose(alice)
    again = await back(running, token)
    assert again.name == "alice"
    assert await again.ask(KEYED) == first | {"re": again._ids}
    assert len((await again.ask({"type": "history"}))["messages"]) == 1
    assert (await again.ask({"type": "send", "text": "two", "key": "k2"}))["seq"] == 2


async def test_the_plain_form_and_ones_own_token(running: RunningServer) -> None:
    alice, token = await enter(running, "alice")
    for _ in range(2):
        reply = await alice.ask(f"resume {token}  ")
        assert (reply["type"], reply["user"]) == ("resumed", "alice")
    assert (await alice.ask("send hi"))["type"] == "sent"


async def test_the_old_connection_is_closed_and_the_new_one_hears_and_speaks(running: RunningServer) -> None:
    old, token = await enter(running, "alice")
    bob, _ = await enter(running, "bob")
    new = await back(running, token)
    lines = await old.rest()
    assert (lines[-1]["type"], lines[-1]["code"]) == ("bye", "replaced")
    await bob.ask("send -u alice psst")
    assert (await new.next("message"))["text"] == "psst"
    await new.ask("send here")
    assert [(await bob.next("message"))["from"] for _ in range(2)] == ["bob", "alice"]
    assert await names(bob) == ["alice", "bob"]
    await new.ask({"type": "rename", "name": "al"})
    assert (await new.ask({"type": "send", "text": "x", "username": "bob"}))["seq"] == 2


async def test_what_the_old_connection_was_about_to_ask_is_not_done(running: RunningServer) -> None:
    old, token = await enter(running, "alice")
    new = await back(running, token)
    with suppress(trio.BrokenResourceError):
        await old.send("send too late")
    assert (await new.ask({"type": "history"}))["messages"] == []


@pytest.mark.parametrize("token", ["x", "é" * 50, "", "guest-1", "alice"])
async def test_a_wrong_token_is_refused_and_one_stays_who_one_is(running: RunningServer, token: str) -> None:
    peer, _ = await enter(running, "alice")
    error = await resume(peer, token)
    assert (error["type"], error["code"]) == ("error", "bad-token")
    assert token not in error["message"] or len(token) < 2
    assert await names(peer) == ["alice"]


@pytest.mark.parametrize(
    "line", ["resume {} now", "resume resume {}", "resume {} {}", '{{"type":"resume","token":["{}"]}}']
)
async def test_no_error_and_no_log_line_says_a_token(running: RunningServer, line: str) -> None:
    peer, token = await enter(running, "alice")
    for _ in range(2):
        await peer.send(line.format(token, token))
        error = await peer.next("error")
        assert token not in str(error)
    await resume(peer, token)
    assert token not in str(running.log.lines)


async def test_the_token_of_the_guest_that_one_was_is_good_for_nothing(running: RunningServer) -> None:
    _, token = await enter(running, "alice")
    guest, old_token = await enter(running)
    await guest.ask("send as a guest")
    await resume(guest, token)
    other, _ = await enter(running)
    assert (await resume(other, old_token))["code"] == "bad-token"
    assert await names(other) == ["alice", "guest-3"]


async def test_a_token_is_of_no_use_for_another_users_conversations(running: RunningServer) -> None:
    alice, _ = await enter(running, "alice")
    await enter(running, "bob")
    _, token = await enter(running, "carol")
    await alice.ask("send -u bob psst")
    again = await back(running, token)
    for name in ("alice", "bob"):
        assert (await again.ask({"type": "history", "username": name}))["messages"] == []


# Presence


async def test_who_is_back_soon_was_never_away(running: RunningServer, mock_clock: Clock) -> None:
    alice, token = await enter(running, "alice")
    bob, _ = await enter(running, "bob")
    await presence(running, bob)
    await lose(alice)
    await pass_time(running, mock_clock, 4.9)
    assert await names(bob) == ["alice", "bob"]
    guest = Peer(await running.connect())
    await guest.next("welcome")
    await resume(guest, token)
    await pass_time(running, mock_clock, 10)
    told = await presence(running, bob)
    assert ("left", ["alice"]) not in told
    assert not [users for type, users in told if type == "joined" and "alice" in users]


async def test_who_stays_away_has_left_keeps_the_name_and_comes_back(
    running: RunningServer, mock_clock: Clock
) -> None:
    alice, token = await enter(running, "alice")
    bob, _ = await enter(running, "bob")
    await presence(running, bob)
    await lose(alice)
    await pass_time(running, mock_clock, 5)
    assert await presence(running, bob) == [("left", ["alice"])]
    assert await names(bob) == ["bob"]
    assert (await bob.ask("send -u alice hi"))["type"] == "sent"
    assert (await bob.next("absent"))["here"] is False
    for name in ("alice", "a1ice"):
        error = await bob.ask({"type": "rename", "name": name})
        assert error["code"] == "name-taken"
    assert "away" in error["message"]
    await pass_time(running, mock_clock, 594)
    again = await back(running, token)
    assert again.name == "alice"
    assert ("joined", ["alice"]) in await presence(running, bob)


async def test_after_the_grace_time_the_name_is_free_and_the_token_dead(
    running: RunningServer, mock_clock: Clock
) -> None:
    alice, token = await enter(running, "alice")
    bob, _ = await enter(running, "bob")
    await alice.ask(KEYED)
    await lose(alice)
    await pass_time(running, mock_clock, 5, 595)
    assert (await resume(bob, token))["code"] == "bad-token"
    assert (await bob.ask({"type": "rename", "name": "alice"}))["type"] == "renamed"
    assert not running.state.sessions._absent


async def test_exit_is_the_end_of_a_token_at_once(running: RunningServer) -> None:
    for line in ("ping", KEYED):
        alice, token = await enter(running, "alice")
        await alice.ask(line)
        await alice.leave()
        bob, _ = await enter(running, "alice")
        assert (await resume(bob, token))["code"] == "bad-token"
        await bob.leave()


async def test_with_a_grace_of_zero_one_can_come_back_until_the_others_are_told(mock_clock: Clock) -> None:
    async with run_server(Settings(rules=Rules(grace_seconds=0, presence_seconds=2))) as running:
        alice, token = await enter(running, "alice")
        running.announce_presence()
        await lose(alice)
        await pass_time(running, mock_clock, 1)
        alice = await back(running, token)
        await lose(alice)
        await pass_time(running, mock_clock, 2)
        bob, _ = await enter(running, "alice")
        assert (await resume(bob, token))["code"] == "bad-token"


async def test_who_left_and_is_back_before_that_is_told_was_never_away(mock_clock: Clock) -> None:
    async with run_server(Settings(rules=Rules(presence_seconds=0))) as running:
        alice, token = await enter(running, "alice")
        bob, _ = await enter(running, "bob")
        running.announce_presence()
        await presence(running, bob)
        await lose(alice)
        assert await names(bob) == ["bob"]
        await back(running, token)
        told = [line for line in await presence(running, bob) if "alice" in line[1]]
        assert told == []


async def test_who_came_and_went_unseen_is_not_told_of_and_can_come_back(
    running: RunningServer, mock_clock: Clock
) -> None:
    bob, _ = await enter(running, "bob")
    await presence(running, bob)
    guest, token = await enter(running)
    await lose(guest)
    assert await names(bob) == ["bob"]
    await pass_time(running, mock_clock, 1, 10)
    assert await presence(running, bob) == []
    assert (await back(running, token)).name == "guest-2"


async def test_nobody_comes_back_late_because_the_server_is_busy(
    running: RunningServer, mock_clock: Clock
) -> None:
    alice, token = await enter(running, "alice")
    await lose(alice)
    mock_clock.jump(600)
    with pytest.raises(ChatError, match="not valid any more"):
        running.state.users.find_session(hash_token(token), None)


async def test_who_is_known_but_not_to_the_disk_any_more_is_not_taken_without_the_keys(
    mock_clock: Clock,
) -> None:
    disk = GatedStore()
    async with run_server(store=disk) as running:
        alice, token = await enter(running, "alice")
        await alice.ask(KEYED)
        await lose(alice)
        await pass_time(running, mock_clock, 5, 1)
        disk.commit([EndSession(hash_token(token))])
        peer, _ = await enter(running)
        assert (await resume(peer, token))["code"] == "bad-token"


async def test_of_too_many_who_are_away_the_first_is_forgotten(mock_clock: Clock) -> None:
    async with run_server(Settings(limits=Limits(absent_users=2))) as running:
        comers = [await enter(running, name) for name in ("a1", "b2", "c3")]
        await lose(*(peer for peer, _ in comers))
        peer, _ = await enter(running)
        assert (await resume(peer, comers[0][1]))["code"] == "bad-token"
        assert (await resume(peer, comers[1][1]))["user"] == "b2"
        assert len(running.state.directory._by_id) == 2
        assert len(running.state.sessions._by_token) == 2


async def test_a_forgotten_user_for_whom_anything_is_kept_comes_back_from_disk(mock_clock: Clock) -> None:
    async with run_server(Settings(limits=Limits(absent_users=1))) as running:
        await enter(running, "bob")
        alice, token = await enter(running, "alice")
        await alice.ask(KEYED)
        await alice.ask("send -u bob psst")
        other, _ = await enter(running)
        await lose(alice, other)
        assert running.state.users.get(running.user("bob").id)
        again = await back(running, token)
        assert again.name == "alice"
        assert (await again.ask(KEYED))["seq"] == 1
        assert (await again.ask("send -u bob more"))["seq"] == 2


class Deaf(NullSubscriber):
    """Keeps nothing of what it is given: ten thousand who keep ten thousand names take gigabytes."""

    def write_nowait(self, data: bytes) -> None:
        pass


async def test_ten_thousand_who_leave_at_once_cost_little(running: RunningServer, mock_clock: Clock) -> None:
    state = running.state
    subscribers = [Deaf() for _ in range(10_000)]
    users = [state.enter(ear, "")[0] for ear in subscribers]
    state.audience.subscribe_all_pending()
    running.announce_presence()
    for user, ear in zip(users, subscribers, strict=True):
        state.users.leave(user, ear, for_good=False)
    assert len(state.presence) == 10_000
    await pass_time(running, mock_clock, 5)
    assert len(state.presence) == 0
    await pass_time(running, mock_clock, 595)
    assert not state.directory._by_id
    assert not state.directory._by_key
    assert not state.sessions._by_token


async def test_what_is_said_privately_in_between_is_unread_and_not_pushed(running: RunningServer) -> None:
    alice, token = await enter(running, "alice")
    bob, _ = await enter(running, "bob")
    running.announce_presence()
    await lose(alice)
    for text in ("one", "two"):
        assert (await bob.ask(f"send -u alice {text}"))["type"] == "sent"
    for _ in range(2):
        alice = await back(running, token)
        (unread,) = (await alice.next("unread"))["rooms"]
        assert [unread[key] for key in ("username", "count", "read", "seq")] == ["bob", 2, 0, 2]
        assert not [line for line in alice.events + await alice.quiet() if line["type"] == "message"]
        await lose(alice)
    alice = await back(running, token)
    history = await alice.ask({"type": "history", "room": unread["room"]})
    assert [line["text"] for line in history["messages"]] == ["one", "two"]


async def test_what_only_oneself_is_told_comes_before_the_reply(
    running: RunningServer, mock_clock: Clock
) -> None:
    alice, token = await enter(running, "alice")
    bob, _ = await enter(running, "bob")
    await alice.ask("send -t 1 -u bob later")
    running.announce_presence()
    await bob.leave()
    await lose(alice)
    await pass_time(running, mock_clock, 1)
    alice = await back(running, token)
    assert [(line["text"], line["code"]) for line in alice.events if line["type"] == "unsent"] == [
        ("later", "no-such-user")
    ]
    await lose(alice)
    alice = await back(running, token)
    assert not [line for line in alice.events if line["type"] == "unsent"], "it is told once"


async def test_of_very_many_such_lines_the_last_ones_come(running: RunningServer) -> None:
    alice, token = await enter(running, "alice")
    user = running.user("alice")
    await lose(alice)
    for number in range(LINES_QUEUED + 5):
        user.queue_offline(b'{"type":"message","text":"%d"}\n' % number)
    alice = await back(running, token)
    texts = [line["text"] for line in alice.events if line["type"] == "message"]
    assert texts == [str(number) for number in range(5, LINES_QUEUED + 5)]


# Restarts


async def test_after_a_restart_one_is_the_same_user(tmp_path: Path, mock_clock: Clock) -> None:
    async with run_server(folder=tmp_path) as running:
        alice, token = await enter(running, "alice")
        bob, bobs = await enter(running, "bob")
        first = await alice.ask(KEYED)
        due = await alice.ask({"type": "send", "text": "tea", "time": 300, "key": "t"})
        gone = await alice.ask({"type": "send", "text": "no", "time": 300, "key": "c"})
        private = await alice.ask({"type": "send", "text": "psst", "username": "bob", "key": "p"})
        await alice.ask("cancel")
    async with run_server(folder=tmp_path) as running:
        alice = await back(running, token)
        assert alice.name == "alice"
        assert (await alice.ask(KEYED)) == first | {"re": alice._ids}
        for repeat, reply in (
            ({"type": "send", "text": "tea", "time": 300, "key": "t"}, due),
            ({"type": "send", "text": "no", "time": 300, "key": "c"}, gone),
            ({"type": "send", "text": "psst", "username": "bob", "key": "p"}, private),
        ):
            assert (await alice.ask(repeat)) == reply | {"re": alice._ids}
        assert [line["text"] for line in (await alice.ask("scheduled"))["messages"]] == ["tea"]
        bob = await back(running, bobs)
        assert (await bob.ask("send -u alice back"))["seq"] == 2, "the conversation goes on"
        history = await alice.ask({"type": "history", "username": "bob"})
        assert [line["text"] for line in history["messages"]] == ["psst", "back"]
        assert (await alice.ask("send -t 5 x"))["number"] == 3, "numbers are not used again"
        assert (await alice.ask("cancel 1"))["text"] == "tea"
        assert (await alice.ask({"type": "send", "text": "tea", "time": 300, "key": "t"}))["number"] == 1


async def test_a_scheduled_private_message_goes_to_its_recipient_whoever_has_the_name(
    tmp_path: Path, mock_clock: Clock
) -> None:
    async with run_server(folder=tmp_path) as running:
        alice, token = await enter(running, "alice")
        bob, bobs = await enter(running, "bob")
        await alice.ask("send -u bob one")
        await alice.ask("send -u bob -t 60 for your eyes only")
    async with run_server(folder=tmp_path) as running:
        bob = await back(running, bobs)
        await bob.ask("rename rob")
        thief, _ = await enter(running, "bob")
        await pass_time(running, mock_clock, 60)
        heard = await bob.next("message")
        assert (heard["text"], heard["seq"]) == ("for your eyes only", 2)
        assert not [line for line in await thief.quiet() if line["type"] == "message"]
        alice = await back(running, token)
        assert alice.name == "alice"


async def test_a_scheduled_private_message_for_who_is_not_back_yet_waits_unread(
    tmp_path: Path, mock_clock: Clock
) -> None:
    async with run_server(folder=tmp_path) as running:
        alice, _ = await enter(running, "alice")
        _, bobs = await enter(running, "bob")
        await alice.ask("send -u bob -t 60 for your eyes only")
    async with run_server(folder=tmp_path) as running:
        mock_clock.jump(60)
        await until(lambda: bool(running.log.named("kept")))
        bob = await back(running, bobs)
        (unread,) = (await bob.next("unread"))["rooms"]
        assert (unread["username"], unread["count"]) == ("alice", 1)


async def test_who_resumed_and_left_has_no_heir_by_name(tmp_path: Path, mock_clock: Clock) -> None:
    async with run_server(folder=tmp_path) as running:
        alice, _ = await enter(running, "alice")
        bob, bobs = await enter(running, "bob")
        await alice.ask("send -u bob -t 60 for your eyes only")
    async with run_server(folder=tmp_path) as running:
        bob = await back(running, bobs)
        await bob.leave()
        thief, _ = await enter(running, "bob")
        mock_clock.jump(60)
        await until(lambda: not len(running.state.schedule))
        await running.node.pipeline.wait_idle()
        assert not [line for line in await thief.quiet() if line["type"] == "message"]


@pytest.mark.parametrize("name", ["alice", "a1ice"])
async def test_the_name_is_kept_over_a_restart_for_as_long_as_one_may_come_back(
    tmp_path: Path, mock_clock: Clock, name: str
) -> None:
    async with run_server(folder=tmp_path) as running:
        alice, token = await enter(running, "alice")
        await alice.ask(KEYED)
    async with run_server(folder=tmp_path) as running:
        thief, _ = await enter(running)
        error = await thief.ask({"type": "rename", "name": name})
        assert error["code"] == "name-taken"
        assert (await back(running, token)).name == "alice"
    async with run_server(folder=tmp_path) as running:
        await pass_time(running, mock_clock, 601)
        thief, _ = await enter(running, name)
        assert (await resume(thief, token))["code"] == "bad-token"


async def test_who_never_said_anything_is_not_on_disk(tmp_path: Path) -> None:
    async with run_server(folder=tmp_path) as running:
        _, token = await enter(running, "alice")
    async with run_server(folder=tmp_path) as running:
        peer, _ = await enter(running)
        assert (await resume(peer, token))["code"] == "bad-token"


@pytest.mark.parametrize(
    ("before", "after", "code"),
    [(400, 199, None), (400, 201, "bad-token"), (0, 599, None), (0, 601, "bad-token")],
)
async def test_the_grace_time_goes_on_over_a_restart(
    tmp_path: Path, mock_clock: Clock, before: int, after: int, code: str | None
) -> None:
    """It counts from when the user left, or from the start for who was there at the end."""
    async with run_server(folder=tmp_path) as running:
        alice, token = await enter(running, "alice")
        await alice.ask(KEYED)
        if before:
            await lose(alice)
            await pass_time(running, mock_clock, 5, before - 5)
    async with run_server(folder=tmp_path) as running:
        await pass_time(running, mock_clock, after)
        peer, _ = await enter(running)
        assert (await resume(peer, token)).get("code") == code


async def test_who_exits_cannot_come_back_after_a_restart(tmp_path: Path, mock_clock: Clock) -> None:
    async with run_server(folder=tmp_path) as running:
        alice, token = await enter(running, "alice")
        await alice.ask(KEYED)
        await alice.leave()
        await pass_time(running, mock_clock, 1)
    async with run_server(folder=tmp_path) as running:
        peer, _ = await enter(running)
        assert (await resume(peer, token))["code"] == "bad-token"


async def test_who_came_back_is_there_again_for_the_disk_too(tmp_path: Path, mock_clock: Clock) -> None:
    async with run_server(folder=tmp_path) as running:
        alice, token = await enter(running, "alice")
        await alice.ask(KEYED)
        await lose(alice)
        await pass_time(running, mock_clock, 500)
        await back(running, token)
        await pass_time(running, mock_clock, 500)
    async with run_server(folder=tmp_path) as running:
        assert (await back(running, token)).name == "alice"


async def test_a_key_holds_for_its_time_and_no_longer(tmp_path: Path, mock_clock: Clock) -> None:
    settings = Settings(rules=Rules(key_seconds=100))
    async with run_server(settings, folder=tmp_path) as running:
        alice, token = await enter(running, "alice")
        await alice.ask(KEYED)
        mock_clock.jump(99)
        assert (await alice.ask(KEYED))["seq"] == 1
    async with run_server(settings, folder=tmp_path) as running:
        alice = await back(running, token)
        assert (await alice.ask(KEYED))["seq"] == 1
        mock_clock.jump(2)
        assert (await alice.ask(KEYED))["seq"] == 2
        await pass_time(running, mock_clock, 61, 61, 61)
        assert running.store._writer.execute("SELECT count(*) FROM sent_key").fetchone() == (0,)


async def test_of_a_user_as_many_keys_are_kept_as_are_remembered(tmp_path: Path) -> None:
    settings = Settings(limits=Limits(messages_per_second=0, requests_per_second=0))
    async with run_server(settings, folder=tmp_path) as running:
        alice, token = await enter(running, "alice")
        for start in range(0, 1600, 100):
            await alice.send(*[KEYED | {"key": str(start + n)} for n in range(100)])
            for _ in range(100):
                await alice.next("sent")
        count = running.store._writer.execute("SELECT count(*) FROM sent_key").fetchone()[0]
        assert count <= KEYS_REMEMBERED + KEYS_TRIMMED + 100, "and what came with the last of too many"
    async with run_server(settings, folder=tmp_path) as running:
        alice = await back(running, token)
        assert (await alice.ask(KEYED | {"key": "600"}))["seq"] == 601
        assert (await alice.ask(KEYED | {"key": "599"}))["seq"] == 1601


# When two things meet


async def test_what_the_old_connection_sent_last_is_in_the_commit(tmp_path: Path) -> None:
    disk = GatedStore()
    async with run_server(store=disk) as running:
        old, token = await enter(running, "alice")
        disk.open.clear()
        await old.send(KEYED | {"id": 1})
        await trio.testing.wait_all_tasks_blocked()
        new = Peer(await running.connect())
        await new.next("welcome")
        await new.send({"type": "resume", "token": token, "id": 1}, KEYED | {"id": 2})
        await trio.testing.wait_all_tasks_blocked()
        assert [user.name for user in running.state.audience.subscribed.values()] == ["alice"]
        disk.open.set()
        assert (await new.next("resumed"))["seq"] == 1
        assert (await new.next("sent"))["seq"] == 1
        lines = await old.rest()
        assert [line["type"] for line in lines] == ["sent", "bye"], "it gets what it is owed"
        assert len((await new.ask({"type": "history"}))["messages"]) == 1


async def test_a_send_that_fails_while_one_resumes_can_be_repeated() -> None:
    disk = GatedStore()
    async with run_server(store=disk) as running:
        old, token = await enter(running, "alice")
        disk.open.clear()
        disk.full = True
        await old.send(KEYED)
        await trio.testing.wait_all_tasks_blocked()
        new = Peer(await running.connect())
        await new.next("welcome")
        await new.send({"type": "resume", "token": token, "id": 1})
        await trio.testing.wait_all_tasks_blocked()
        disk.open.set()
        assert (await new.next("resumed"))["user"] == "alice"
        disk.full = False
        assert (await new.ask(KEYED))["seq"] == 1
        assert next(line["type"] for line in await old.rest()) == "error"


async def test_keys_of_who_is_away_are_read_after_what_is_under_way(mock_clock: Clock) -> None:
    """The old connection is replaced and the new one lost, while the old one's send is in the commit."""
    disk = GatedStore()
    async with run_server(store=disk) as running:
        old, token = await enter(running, "alice")
        await old.ask("send so that there is something on disk")
        await old.ask(KEYED | {"key": "other"})
        disk.open.clear()
        await old.send(KEYED)
        await trio.testing.wait_all_tasks_blocked()
        middle = Peer(await running.connect())
        await middle.send({"type": "resume", "token": token})
        await trio.testing.wait_all_tasks_blocked()
        user = running.user("alice")
        running.state.users.leave(user, user.connections[0], for_good=False)
        running.state.users._announce_left(user)
        assert user.sent.on_disk
        new = Peer(await running.connect())
        await new.send({"type": "resume", "token": token}, KEYED)
        await trio.testing.wait_all_tasks_blocked()
        await trio.to_thread.run_sync(time.sleep, 0.1)  # a read would be done by now
        disk.open.set()
        assert (await new.next("sent"))["seq"] == 3


async def test_of_two_who_resume_the_same_token_the_later_one_stays(running: RunningServer) -> None:
    alice, token = await enter(running, "alice")
    await lose(alice)
    first, second = Peer(await running.connect()), Peer(await running.connect())
    for peer in (first, second):
        await peer.send({"type": "resume", "token": token, "id": 1})
    results = [first, second]
    await trio.testing.wait_all_tasks_blocked()
    (winner,) = [user.connections for user in running.state.presence.users() if user.name == "alice"]
    assert len(winner) == 1
    assert len(running.state.audience.subscribed) == 1
    ends = []
    for peer in results:
        with trio.move_on_after(0.2):
            ends.append([line.get("code") for line in await peer.rest()][-1])
    assert ends == ["replaced"]


async def test_a_send_that_failed_leaves_no_keys_to_look_for(mock_clock: Clock) -> None:
    disk = GatedStore()
    async with run_server(store=disk) as running:
        old, token = await enter(running, "alice")
        disk.open.clear()
        disk.full = True
        await old.send(KEYED)
        await trio.testing.wait_all_tasks_blocked()
        user = running.user("alice")
        running.state.users.leave(user, user.connections[0], for_good=False)
        running.state.users._announce_left(user)
        disk.open.set()
        await running.node.pipeline.wait_idle()
        disk.full = False
        again = await back(running, token)
        assert (await again.ask(KEYED))["seq"] == 1


async def test_who_is_replaced_while_resuming_takes_nobody_elses_place(running: RunningServer) -> None:
    """The read from disk may end after another connection resumed the guest that this one is."""
    alice, token = await enter(running, "alice")
    guest, guests = await enter(running)
    await alice.ask(KEYED)
    user, read = running.user("alice"), running.node.reader.ask
    user.sent.on_disk = True  # so that something is read
    asked, others_came = trio.Event(), trio.Event()

    async def slow(query: Any, *arguments: Any) -> Any:
        running.node.reader.ask = read  # type: ignore[method-assign]
        found = await read(query, *arguments)
        asked.set()
        with trio.CancelScope(shield=True):  # as a thread that reads
            await others_came.wait()
        return found

    running.node.reader.ask = slow  # type: ignore[method-assign, assignment]
    await guest.send({"type": "resume", "token": token})
    await asked.wait()
    others = [await back(running, guests), await back(running, token)]
    others_came.set()
    assert [line["code"] for line in await guest.rest() if line["type"] == "bye"] == ["replaced"]
    assert [await names(other) for other in others] == [["alice", "guest-2"]] * 2


async def test_resuming_works_on_a_full_disk_and_is_written_later(mock_clock: Clock) -> None:
    disk = GatedStore()
    async with run_server(store=disk) as running:
        alice, token = await enter(running, "alice")
        await alice.ask(KEYED)
        disk.full = True
        await lose(alice)
        await pass_time(running, mock_clock, 5, 1)
        assert running.log.named("storage failed")
        alice = await back(running, token)
        assert (await alice.ask(KEYED))["seq"] == 1
        assert (await alice.ask("send x"))["code"] == "storage-failed"
        disk.full = False
        await pass_time(running, mock_clock, 1, 1, 1)
        assert not running.state.sessions.dirty
        assert disk._writer.execute("SELECT left FROM user").fetchall() == [(None,)]


async def test_a_disk_that_does_not_give_the_user_is_told(tmp_path: Path) -> None:
    async with run_server(folder=tmp_path) as running:
        alice, token = await enter(running, "alice")
        await alice.ask(KEYED)
    async with run_server(folder=tmp_path) as running:
        running.store._writer.execute("ALTER TABLE sent_key RENAME TO lost")
        peer, _ = await enter(running)
        assert (await resume(peer, token))["code"] == "storage-failed"
        running.store._writer.execute("ALTER TABLE lost RENAME TO sent_key")
        assert (await resume(peer, token))["user"] == "alice"


async def test_who_resumes_while_the_server_stops_is_answered() -> None:
    disk = GatedStore()
    async with run_server(store=disk) as running:
        old, token = await enter(running, "alice")
        disk.open.clear()
        await old.send(KEYED)
        await trio.testing.wait_all_tasks_blocked()
        new = Peer(await running.connect())
        await new.send({"type": "resume", "token": token, "id": 1})
        await trio.testing.wait_all_tasks_blocked()
        running.node.stop()
        await trio.testing.wait_all_tasks_blocked()
        disk.open.set()
        lines = await new.rest()
        assert [line["user"] for line in lines if line.get("re") == 1] == ["alice"]
        assert (lines[-1]["type"], lines[-1]["code"]) == ("bye", "server-stopping")
        assert [line["type"] for line in await old.rest()][-2:] == ["sent", "bye"]


async def test_an_exit_that_the_disk_does_not_know_of_holds(mock_clock: Clock) -> None:
    disk = GatedStore()
    async with run_server(store=disk) as running:
        alice, token = await enter(running, "alice")
        await alice.ask(KEYED)
        disk.full = True
        await alice.leave()
        await pass_time(running, mock_clock, 1)
        peer, _ = await enter(running)
        assert (await resume(peer, token))["code"] == "bad-token"


async def test_a_server_starts_on_a_full_disk_and_lets_users_come_back(tmp_path: Path) -> None:
    async with run_server(folder=tmp_path) as running:
        alice, token = await enter(running, "alice")
        await alice.ask(KEYED)

    class Full(SqliteStore):
        def commit(self, changes: Iterable[Change]) -> None:
            raise StorageError("database or disk is full")

    async with run_server(store=Full(tmp_path, "off")) as running:
        assert running.log.named("storage failed")
        assert (await back(running, token)).name == "alice"


async def test_a_rename_under_way_when_the_connection_is_replaced_counts(tmp_path: Path) -> None:
    disk = GatedStore()
    async with run_server(store=disk) as running:
        old, token = await enter(running, "alice")
        await old.ask(KEYED)
        disk.open.clear()
        await old.send("rename al")
        await trio.testing.wait_all_tasks_blocked()
        new = Peer(await running.connect())
        await new.send({"type": "resume", "token": token})
        await trio.testing.wait_all_tasks_blocked()
        disk.open.set()
        assert (await new.next("resumed"))["user"] == "al"
        assert [line["type"] for line in await old.rest()][-2:] == ["renamed", "bye"]
