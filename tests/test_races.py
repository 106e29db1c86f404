"""Races that were bugs: failing disks, users who leave meanwhile, loads."""

from __future__ import annotations

from pathlib import Path

import pytest
import trio
import trio.testing

from tcpchat.chat.room import direct_name
from tcpchat.settings import Limits, Rules, Settings
from tcpchat.store.changes import NewMessage, NewUser
from tcpchat.store.queries.snapshot import load_snapshot
from tests.running import Line, Peer, run_server
from tests.serving.test_delivery import GatedStore
from tests.sessions import log_in, user


async def reply_to(peer: Peer, id: int) -> Line:
    """Return the reply to the request of this id."""
    while (line := await peer.line()).get("re") != id:
        pass
    return line


async def test_a_private_message_that_comes_due_after_its_author_left_goes_on_with_the_numbers(
    mock_clock: trio.testing.MockClock,
) -> None:
    async with run_server() as running:
        alice, bob, carol = await running.peers("alice", "bob", "carol")
        await alice.ask("send -u bob hi")
        await alice.ask("send -u bob -t 5 later")
        await alice.leave()
        mock_clock.jump(5)
        heard = [await bob.next("message") for _ in range(2)]
        assert [(line["seq"], line["text"]) for line in heard] == [(1, "hi"), (2, "later")]
        assert (await carol.ask("send on we go"))["type"] == "sent"
        assert not running.log.named("storage failed")


async def test_one_bad_entry_refuses_nobody_else() -> None:
    """A row that the database does not take is a bug of its entry, not a full disk for its whole batch."""
    disk = GatedStore()
    async with run_server(store=disk) as running:
        alice, bob, carol = await running.peers("alice", "bob", "carol")
        lobby = running.state.rooms.lobby.name
        one, other = running.user("alice"), running.user("bob")
        room = direct_name(one.id, other.id)
        in_the_way = NewMessage(room, 1, 0, "x", "x", None, None, "in the way")
        disk.commit([NewUser("x", 0), in_the_way])
        disk.open.clear()
        await carol.send("send first")
        await trio.testing.wait_all_tasks_blocked()
        await carol.send("send one")
        await alice.send("send -u bob bad", "send two")
        await trio.testing.wait_all_tasks_blocked()
        disk.open.set()
        assert (await alice.next("error"))["code"] == "internal"
        assert [(await carol.next("sent"))["seq"] for _ in range(2)] == [1, 2]
        assert (await alice.next("sent"))["seq"] == 3
        heard = [(await bob.next("message")) for _ in range(3)]
        assert [(line["room"], line["seq"]) for line in heard] == [(lobby, 1), (lobby, 2), (lobby, 3)]


async def test_a_message_by_an_author_who_was_never_stored_hurts_nobody_else() -> None:
    disk = GatedStore()
    async with run_server(store=disk) as running:
        alice, bob = await running.peers("alice", "bob")
        running.user("alice").has_row = True  # a bug: the disk does not know her
        disk.open.clear()
        await bob.send("send first")
        await trio.testing.wait_all_tasks_blocked()
        await alice.send("send bad")
        await bob.send("send second")
        await trio.testing.wait_all_tasks_blocked()
        disk.open.set()
        assert (await alice.next("error"))["code"] == "internal"
        assert [(await bob.next("sent"))["seq"] for _ in range(2)] == [1, 2]
        assert [one.text for one in disk.ask(load_snapshot, 20, 0).recent] == ["first", "second"]
        assert running.log.named("bug")


async def test_a_message_that_is_not_on_disk_yet_does_not_come_due(
    mock_clock: trio.testing.MockClock,
) -> None:
    disk = GatedStore()
    async with run_server(store=disk) as running:
        alice, bob = await running.peers("alice", "bob")
        disk.open.clear()
        disk.full = True
        await alice.send("send -t 1 never")
        await trio.testing.wait_all_tasks_blocked()
        mock_clock.jump(5)
        await trio.testing.wait_all_tasks_blocked()
        disk.open.set()
        assert (await alice.next("error"))["code"] == "storage-failed"
        disk.full = False
        mock_clock.jump(5)
        assert (await alice.ask("send on we go"))["type"] == "sent"
        assert (await bob.next("message"))["text"] == "on we go"
        assert await bob.quiet() == []


async def test_messages_on_their_way_into_the_schedule_count() -> None:
    disk = GatedStore()
    async with run_server(Settings(limits=Limits(scheduled_per_user=2)), store=disk) as running:
        (alice,) = await running.peers("alice")
        await alice.send(*["send -t 60 x"] * 4)
        kinds = [(await alice.line())["type"] for _ in range(4)]
        assert kinds == ["scheduled", "scheduled", "error", "error"]


async def test_a_rename_while_a_report_is_committed_takes_the_mute_along(
    tmp_path: Path, mock_clock: trio.testing.MockClock
) -> None:
    settings = Settings(rules=Rules(reports_to_mute=1, grace_seconds=0, presence_seconds=0))

    class Gated(GatedStore):
        def __init__(self) -> None:
            super().__init__()
            self.close()
            super(GatedStore, self).__init__(tmp_path, "off")

    disk = Gated()
    async with run_server(settings, store=disk) as running:
        bad, alice = await running.peers("bad", "alice")
        disk.open.clear()
        await alice.send("report bad")
        await trio.testing.wait_all_tasks_blocked()
        await bad.send("rename angel")
        await trio.testing.wait_all_tasks_blocked()
        disk.open.set()
        assert (await bad.next("renamed"))["new"] == "angel"
    async with run_server(settings, folder=tmp_path) as running:
        await trio.testing.wait_all_tasks_blocked()
        mock_clock.jump(0.01)
        await trio.testing.wait_all_tasks_blocked()
        angel, innocent = await running.peers("angel", "bad")
        assert (await angel.ask("send x"))["code"] == "muted"
        assert (await innocent.ask("send x"))["type"] == "sent"


async def test_a_report_that_failed_does_not_spoil_the_next_one() -> None:
    disk = GatedStore()
    async with run_server(Settings(rules=Rules(reports_to_mute=1)), store=disk) as running:
        bob, first, second = await running.peers("bob", "first", "second")
        disk.open.clear()
        disk.full = True
        await first.send("report bob")
        await trio.testing.wait_all_tasks_blocked()
        await second.send("report bob")
        await trio.testing.wait_all_tasks_blocked()
        disk.open.set()
        assert (await first.next("error"))["code"] == "storage-failed"
        disk.full = False
        if (await second.line())["type"] == "error":
            assert (await second.ask("report bob"))["reports"] == 1
        assert (await bob.ask("send x"))["code"] == "muted"


@pytest.mark.parametrize("before", [1, 2], ids=["muted after it", "muted before it"])
async def test_a_mute_holds_for_what_was_scheduled_before_the_name_changed_hands(
    mock_clock: trio.testing.MockClock, before: int
) -> None:
    async with run_server(Settings(rules=Rules(reports_to_mute=2))) as running:
        spammer, alice, *others = await running.peers("spammer", "alice", "b")
        await spammer.ask("send -t 5 buy now")
        for reporter in (alice, *others)[:before]:
            await reporter.ask("report spammer")
        await spammer.leave()
        again = await running.peer("spammer")
        for reporter in (alice, *others)[before:]:
            await reporter.ask("report spammer")
        assert (await again.ask("send x"))["code"] == "muted"
        mock_clock.jump(5)
        while len(running.state.schedule):
            await trio.testing.wait_all_tasks_blocked()
        await running.node.pipeline.wait_idle()
        assert not [line for line in await alice.quiet() if line["type"] == "message"]


@pytest.mark.timeout(30)
async def test_what_comes_due_is_sent_under_load_too() -> None:
    async with run_server(Settings(limits=Limits(messages_per_second=0))) as running:
        alice, bob, *senders = await running.peers("alice", "bob", "s1", "s2", "s3", "s4")
        heard = trio.Event()

        async def flood(sender: Peer) -> None:
            """Have more under way than settles in one batch, always, so that the queue is never empty."""
            await sender.send(*["send x"] * 1000)
            while not heard.is_set():
                await sender.send(*["send x"] * 100)
                for _ in range(100):
                    await sender.next("sent")
                sender.events.clear()

        async def listen() -> None:
            while (await bob.next("message"))["text"] != "now":
                pass
            heard.set()

        async with trio.open_nursery() as nursery:
            for sender in senders:
                nursery.start_soon(flood, sender)
            nursery.start_soon(listen)
            await alice.ask({"type": "send", "text": "now", "time": 0.1})


async def test_a_key_remembers_the_reply_and_not_the_text() -> None:
    async with run_server() as running:
        (alice,) = await running.peers("alice")
        send = {"type": "send", "text": "x" * 4000, "key": "k"}
        first = await alice.ask(send)
        kept = running.user("alice").sent.find("k", 0)
        assert kept is not None
        assert "x" not in str(kept)
        assert (await alice.ask(send))["seq"] == first["seq"]


async def test_a_name_that_nobody_can_have_is_not_looked_up() -> None:
    """Comparing 32,000 combining marks takes a second, in which nobody else is served."""
    async with run_server() as running:
        (alice,) = await running.peers("alice")
        name = "a" + "\u0301\u0323" * 15_000
        for line in (f"send -u {name} x", f"report {name}", f"history -u {name}"):
            await alice.send(line)
            assert (await alice.next("error"))["code"] == "no-such-user"
        assert (await alice.ask({"type": "rename", "name": name}))["code"] == "bad-name"


async def test_a_web_page_cannot_post_behind_a_path_that_is_longer_than_a_line() -> None:
    async with run_server() as running:
        browser, bob = await running.peers("mallory", "bob")
        path = b"/" + b"A" * 70_000
        await browser.send(b"POST " + path + b" HTTP/1.1\r\nHost: x\r\n\r\nsend posted\n")
        assert [line["code"] for line in await browser.rest()] == ["http-refused"]
        assert not [line for line in await bob.quiet() if line["type"] == "message"]


async def test_a_person_may_say_http() -> None:
    async with run_server() as running:
        (alice,) = await running.peers("alice")
        for line in ("SEND hi HTTP/2 is nice", "SEND GET / HTTP/1.1"):
            assert (await alice.ask(line))["type"] == "sent"


async def test_a_name_that_changes_hands_is_given_up_before_it_is_taken() -> None:
    async with run_server() as running:
        first, second, observer = await running.peers("aa", "zz", "observer")
        for peer, name in ((second, "ww"), (first, "yy"), (second, "aa"), (first, "ww")):
            await peer.ask({"type": "rename", "name": name})
        running.node.state.presence.settle()
        running.node.pipeline.announce()
        names = {"aa", "zz", "observer"}
        for line in await observer.quiet():
            assert line["old"] in names
            assert line["new"] not in names
            names = names - {line["old"]} | {line["new"]}
        assert names == {"aa", "ww", "observer"}


async def test_repeats_under_a_key_count_as_requests(mock_clock: trio.testing.MockClock) -> None:
    limits = Limits(requests_per_second=1, request_burst=2)
    async with run_server(Settings(limits=limits)) as running:
        peer = await running.peer()
        await peer.send(*[{"type": "send", "text": "x", "key": "k", "id": number} for number in range(9)])
        for number in range(4):  # the send, two repeats, and one that has to wait afterwards
            assert (await peer.next("sent"))["re"] == number
        await trio.testing.wait_all_tasks_blocked()
        mock_clock.jump(1.1)
        assert (await peer.next("sent"))["re"] == 4


async def test_a_refusal_that_waits_for_its_turn_is_given_when_the_server_stops() -> None:
    disk = GatedStore()
    async with run_server(store=disk) as running:
        (alice,) = await running.peers("alice")
        disk.open.clear()
        await alice.send({"type": "send", "text": "x", "id": 1}, {"type": "send", "text": "", "id": 2})
        await trio.testing.wait_all_tasks_blocked()
        running.node.stop()
        await trio.testing.wait_all_tasks_blocked()
        disk.open.set()
        lines = await alice.rest()
        assert [line["re"] for line in lines if "re" in line] == [1, 2]
        assert lines[-1]["type"] == "bye"


async def test_a_guest_who_becomes_another_user_during_a_commit_is_no_ghost() -> None:
    """The first row of a guest is under way, and by then the guest is gone."""
    disk = GatedStore()
    async with run_server(store=disk) as running:
        alice, carol = await running.peers("alice", "carol")
        other = Peer(await running.connect())
        token = (await other.next("welcome"))["token"]
        bob = Peer(await running.connect())
        ghost = (await bob.next("welcome"))["token"]
        await bob.ask({"type": "rename", "name": "bob"})
        disk.open.clear()
        await alice.send("send -u bob psst")
        await trio.testing.wait_all_tasks_blocked()
        await bob.send({"type": "resume", "token": token})
        await trio.testing.wait_all_tasks_blocked()
        disk.open.set()
        assert (await alice.next("sent"))["seq"] == 1
        await bob.next("resumed")
        assert (await carol.ask({"type": "resume", "token": ghost}))["code"] == "bad-token"
        assert (await carol.ask({"type": "rename", "name": "bob"}))["type"] == "renamed"


async def test_a_guest_who_comes_back_during_a_commit_keeps_the_session() -> None:
    disk = GatedStore()
    async with run_server(store=disk) as running:
        alice, carol = await running.peers("alice", "carol")
        bob = Peer(await running.connect())
        token = (await bob.next("welcome"))["token"]
        await bob.ask({"type": "rename", "name": "bob"})
        await trio.aclose_forcefully(bob.stream)
        await trio.testing.wait_all_tasks_blocked()
        disk.open.clear()
        await alice.send("send -u bob psst")
        await trio.testing.wait_all_tasks_blocked()
        await carol.send({"type": "resume", "token": token})
        await trio.testing.wait_all_tasks_blocked()
        disk.open.set()
        await carol.next("resumed")
        left = "SELECT left FROM user JOIN name ON name.user = user.id WHERE name = 'bob'"
        while disk.ask(lambda db: db.execute(left).fetchone()) != (None,):
            await trio.lowlevel.checkpoint()  # the server writes who is here a moment later


@pytest.mark.parametrize(
    "line",
    [
        {"type": "send", "text": "again"},
        {"type": "send", "text": "later", "time": 60},
        {"type": "edit", "seq": 1, "text": "two"},
    ],
    ids=["send", "send later", "edit"],
)
async def test_a_repeat_of_what_is_under_way_meets_no_limit_that_the_first_met(line: Line) -> None:
    """As from a device that is back before the first was answered, on another connection."""
    disk = GatedStore()
    limits = Limits(messages_per_second=0.001, message_burst=2, scheduled_per_user=1)
    async with run_server(Settings(limits=limits), store=disk) as running:
        phone = await user(running, "alice")
        pc = await log_in(running, "alice")
        await phone.do("send", text="one")
        disk.open.clear()
        for peer in (phone, pc):
            await peer.send(line | {"key": "k", "id": 7})
            await trio.testing.wait_all_tasks_blocked()
        disk.open.set()
        first, again = [await reply_to(peer, 7) for peer in (phone, pc)]
        assert again == first
        assert first["type"] != "error"
