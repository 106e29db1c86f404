"""Reloads by SIGHUP: each live setting applies at once, and an error changes nothing."""

from __future__ import annotations

import threading
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import attrs
import pytest
import trio
import trio.lowlevel
import trio.testing

from tcpchat.errors import StartError
from tcpchat.service.reload import Apply, Reloader, Step
from tcpchat.service.systemd import Notifier
from tcpchat.settings import Limits, Listening, Rules, Running, Settings, is_live
from tests.running import Line, Log, Peer, RunningServer

Story = Callable[[RunningServer, Peer], Awaitable[None]]

GROUPS = {group.name: attrs.fields(type(getattr(Settings(), group.name))) for group in attrs.fields(Settings)}
LIVE = {field.name: group for group, fields in GROUPS.items() for field in fields if is_live(field)}
STORIES: dict[str, tuple[Any, Story]] = {}


def story(value: Any, *names: str) -> Callable[[Story], Story]:
    """Tell what is so once a setting, called as the function or by `names`, has this value."""

    def told(function: Story) -> Story:
        for name in names or [function.__name__]:
            STORIES[name] = (value, function)
        return function

    return told


async def refused(peer: Peer, line: str | Line) -> str:
    reply = await peer.ask(line)
    assert reply["type"] == "error", reply
    return str(reply["code"])


@story(10)
async def line_bytes(running: RunningServer, peer: Peer) -> None:
    await peer.send("send " + "x" * 10)
    assert (await peer.next("error"))["code"] == "line-too-long"


@story(3)
async def text_characters(running: RunningServer, peer: Peer) -> None:
    assert await refused(peer, "send long") == "text-too-long"


@story(3)
async def name_characters(running: RunningServer, peer: Peer) -> None:
    assert await refused(peer, "rename long") == "bad-name"


@story(1, "message_burst")
async def messages_at_once(running: RunningServer, peer: Peer) -> None:
    assert (await peer.ask("send one"))["type"] == "sent"
    assert await refused(peer, "send two") == "rate-limited"


@story(0.5)
async def messages_per_second(running: RunningServer, peer: Peer) -> None:
    for _ in range(40):
        assert (await peer.ask("send fast"))["type"] == "sent"
    reply = await peer.ask("send faster")
    assert (reply["code"], reply["retry_after"]) == ("rate-limited", 2.0)


@story(1, "request_burst")
async def requests_at_once(running: RunningServer, peer: Peer) -> None:
    await peer.send(*[{"type": "ping", "id": number} for number in range(3)])
    assert (await peer.next("pong"))["re"] == 0
    (requests,) = running.server._requests
    assert requests.bucket.take(trio.current_time()) > 0


@story(0.5)
async def requests_per_second(running: RunningServer, peer: Peer) -> None:
    (requests,) = running.server._requests
    while (wait := requests.bucket.take(0)) == 0:
        pass
    assert wait == 2.0


@story(100)
async def backlog_bytes(running: RunningServer, peer: Peer) -> None:
    await peer.send("help", "help")  # through memory, where all that is written is backlog first
    assert (await peer.rest())[-1]["code"] == "slow-consumer"


@story(1, "connections", "connections_per_address")
async def places(running: RunningServer, peer: Peer) -> None:
    with pytest.raises(EOFError):
        await running.peer()


@story(1)
async def sessions_per_user(running: RunningServer, peer: Peer) -> None:
    await peer.ask({"type": "register", "password": "correct horse"})
    for _ in range(2):
        other = await running.peer()
        reply = await other.ask({"type": "login", "name": "alice", "password": "correct horse"})
        assert reply["type"] == "logged-in"
    assert len(running.user("alice").sessions) == 1


@story(1)
async def scheduled_per_user(running: RunningServer, peer: Peer) -> None:
    assert (await peer.ask("send -t 9 one"))["type"] == "scheduled"
    assert await refused(peer, "send -t 9 two") == "too-many-scheduled"


@story(1)
async def rooms_per_user(running: RunningServer, peer: Peer) -> None:
    await peer.ask({"type": "register", "password": "correct horse"})
    assert (await peer.ask("create one"))["type"] == "room"
    assert await refused(peer, "create two") == "too-many-rooms"


@story(5.0)
async def schedule_ahead_seconds(running: RunningServer, peer: Peer) -> None:
    assert await refused(peer, "send -t 9 late") == "too-far-ahead"


@story(6.0)
async def grace_seconds(running: RunningServer, peer: Peer) -> None:
    assert running.state.sessions.grace() == 6.0


@story(700.0)
async def presence_seconds(running: RunningServer, peer: Peer) -> None:
    assert running.state.sessions.grace() == 700.0, "who is here can come back"


@story(1)
async def absent_users(running: RunningServer, peer: Peer) -> None:
    others = [await running.peer(), await running.peer()]
    await trio.aclose_forcefully(others[0].stream)
    await trio.aclose_forcefully(others[1].stream)
    while len(running.server._requests) > 1:
        await trio.testing.wait_all_tasks_blocked()
    running.state.users.expire()
    assert len(running.state.directory.users()) == 2


@story(1)
async def history(running: RunningServer, peer: Peer) -> None:
    for text in ("one", "two"):
        await peer.ask(f"send {text}")
    assert [line["text"] for line in (await peer.ask("history"))["messages"]] == ["two"]


@story(1, "reports_to_mute")
async def reports(running: RunningServer, peer: Peer) -> None:
    other = await running.peer("bob")
    assert "muted_until" in await other.ask("report alice")


@story(0.0, "mute_seconds")
async def mutes(running: RunningServer, peer: Peer) -> None:
    for name in ("bob", "carol", "dave", "eve"):
        reply = await (await running.peer(name)).ask("report alice")
        assert "muted_until" not in reply


@story(value=True)
async def require_login(running: RunningServer, peer: Peer) -> None:
    assert (await peer.ask("send still here"))["type"] == "sent"
    stream = await running.connect()
    assert "user" not in await Peer(stream).next("welcome")


@story(0.001)
async def key_seconds(running: RunningServer, peer: Peer) -> None:
    assert running.state.keys_since() == running.state.clock.now() - 1


@story(9.0)
async def stop_seconds(running: RunningServer, peer: Peer) -> None:
    assert running.node.state.settings.running.stop_seconds == 9.0


@pytest.mark.parametrize("name", sorted(LIVE.keys() - {"log_level"}))
async def test_a_live_setting_applies_to_existing_users_and_connections(
    name: str, running: RunningServer, mock_clock: trio.testing.MockClock
) -> None:
    value, told = STORIES[name]
    peer = await running.peer("alice")
    group = attrs.evolve(getattr(Settings(), LIVE[name]), **{name: value})
    running.node.apply(attrs.evolve(Settings(), **{LIVE[name]: group}))
    await told(running, peer)


async def test_absent_users_expire_by_the_new_times(
    running: RunningServer, mock_clock: trio.testing.MockClock
) -> None:
    peer = await running.peer("alice")
    await peer.stream.aclose()
    user = running.user("alice")
    while user.connections:
        await trio.testing.wait_all_tasks_blocked()
    mock_clock.jump(30)
    await trio.testing.wait_all_tasks_blocked(0.001)
    assert running.state.users.get(user.id) is user
    running.node.apply(Settings(rules=Rules(grace_seconds=20)))
    await trio.testing.wait_all_tasks_blocked(0.001)
    assert running.state.users.get(user.id) is None, "without waiting for a timer of before"


async def test_a_new_rate_limit_begins_with_a_full_burst(running: RunningServer) -> None:
    running.node.apply(Settings(limits=Limits(messages_per_second=0, message_burst=0)))
    peer = await running.peer("alice")
    running.node.apply(Settings(limits=Limits(messages_per_second=0.001, message_burst=3)))
    for _ in range(3):
        assert (await peer.ask("send again"))["type"] == "sent"
    assert await refused(peer, "send again") == "rate-limited"


class Reads:
    """Gives these settings, or raises them."""

    def __init__(self, *settings: Settings | StartError) -> None:
        self._settings = list(settings)

    def __call__(self) -> Settings:
        found = self._settings.pop(0)
        if isinstance(found, StartError):
            raise found
        return found


def takes(taken: list[Settings]) -> Step:
    """Return a step that adds the settings that count to this list."""
    return lambda settings: partial(taken.append, settings)


@pytest.fixture
def null_log() -> Log:
    return Log()


def reloader(log: Any, reads: Reads, *steps: Step) -> Reloader:
    return Reloader(Settings(), reads, steps, log, Notifier({}), "listening")


async def test_a_wrong_file_changes_nothing(null_log: Any) -> None:
    taken: list[Settings] = []
    reads = Reads(StartError("chat.toml is not TOML"), Settings(limits=Limits(connections=7)))
    one = reloader(null_log, reads, takes(taken))
    await one.reload()
    assert taken == []
    assert one.settings == Settings()
    assert null_log.lines == [
        ("not reloaded; the current settings stay in effect", {"error": "chat.toml is not TOML"})
    ]
    await one.reload()
    assert taken == [Settings(limits=Limits(connections=7))], "the next one is as good as any"


async def test_one_line_says_what_changed_and_what_needs_a_restart(null_log: Log) -> None:
    wanted = Settings(listening=Listening(port=9), running=Running(log_level="debug", log_format="json"))
    taken: list[Settings] = []
    log: Any = null_log
    one = reloader(log, Reads(wanted, wanted), takes(taken))
    await one.reload()
    await one.reload()
    restart = "port: 8000 -> 9, log_format: text -> json"
    assert null_log.lines == [
        ("reloaded", {"changed": "log_level: info -> debug", "needs_restart": restart}),
        ("reloaded", {"changed": "nothing", "needs_restart": restart}),
    ]
    assert taken == [Settings(running=Running(log_level="debug"))] * 2


async def test_if_another_file_is_wrong_nothing_changes_either(null_log: Log) -> None:
    def fails(_: Settings) -> Apply:
        raise StartError("there is no such file")

    taken: list[Settings] = []
    log: Any = null_log
    one = reloader(log, Reads(Settings(limits=Limits(connections=7))), takes(taken), fails)
    await one.reload()
    assert taken == []
    assert one.settings == Settings()
    what = "not reloaded; the current settings stay in effect"
    assert null_log.lines == [(what, {"error": "there is no such file"})]


async def test_a_bug_in_one_step_does_not_prevent_the_others(null_log: Log) -> None:
    def breaks() -> None:
        raise ValueError

    taken: list[Settings] = []
    log: Any = null_log
    await reloader(log, Reads(Settings()), lambda _: breaks, takes(taken)).reload()
    assert taken == [Settings()]
    assert null_log.named("bug") == [{"at": "reload"}]


async def test_many_requests_during_a_reload_cause_one_more(null_log: Log) -> None:
    read, go_on = trio.Event(), threading.Event()
    token, taken = trio.lowlevel.current_trio_token(), list[Settings]()

    def slow() -> Settings:
        token.run_sync_soon(read.set)
        assert go_on.wait(20)
        return Settings()

    log: Any = null_log
    one = Reloader(Settings(), slow, [takes(taken)], log, Notifier({}), "listening")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(one.run)
        one.ask()
        await read.wait()
        for _ in range(5):
            one.ask()
        go_on.set()
        while len(taken) < 2:
            await trio.lowlevel.checkpoint()
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert len(taken) == 2


async def test_a_stop_does_not_wait_for_a_disk_that_hangs(null_log: Log) -> None:
    read, answer = trio.Event(), threading.Event()
    token = trio.lowlevel.current_trio_token()

    answers: list[bool] = []

    def hangs() -> Settings:
        token.run_sync_soon(read.set)
        answers.append(answer.wait(10))
        return Settings()

    log: Any = null_log
    one = Reloader(Settings(), hangs, [], log, Notifier({}), "listening")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(one.run)
        one.ask()
        await read.wait()
        nursery.cancel_scope.cancel()
    assert answers == [], "nothing was answered yet"
    answer.set()


async def test_a_bug_in_reading_does_not_end_the_server(null_log: Log) -> None:
    log: Any = null_log
    await reloader(log, Reads()).reload()
    assert null_log.lines == [("bug", {"at": "reload"})]
