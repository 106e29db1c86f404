"""`away`, `back`, `whois`, `ignore`, `unignore`: how users stand to each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from tcpchat.chat.operations import settings
from tcpchat.settings import Rules, Settings
from tests.handlers.test_unread import say, unread
from tests.running import Line, RunningServer, run_server
from tests.serving.test_delivery import GatedStore
from tests.sessions import Clock, SessionPeer, guest, log_in, lose, pass_time, resume, user

START = "2026-11-21T09:00:00.123Z"
MINUTE_LATER = "2026-11-21T09:01:00.123Z"


async def absent(person: SessionPeer) -> list[Line]:
    return [line for line in await person.heard() if line["type"] == "absent"]


# Away


async def test_who_is_away_is_shown_so_until_back(running: RunningServer, mock_clock: Clock) -> None:
    alice, bob = await user(running, "alice"), await guest(running, "bob")
    assert await alice.ask("away lunch, back at one") == {
        "type": "away", "text": "lunch, back at one", "since": START,
    }  # fmt: skip
    (shown, _) = (await bob.do("users"))["users"]
    assert shown["away"] == "lunch, back at one"
    assert (await alice.ask("away"))["text"] == ""
    assert (await bob.do("users"))["users"][0]["away"] == ""
    for _ in range(2):
        assert (await alice.ask("back"))["type"] == "back"
        assert "away" not in (await bob.do("users"))["users"][0]


async def test_the_text_has_an_end(running: RunningServer) -> None:
    alice = await user(running, "alice")
    error = await alice.do("away", text="x" * 201)
    assert (error["code"], error["limit"]) == ("text-too-long", 200)
    assert "away" not in (await alice.do("users"))["users"][0]
    assert (await alice.do("away", text="x" * 200))["type"] == "away"


async def test_away_is_the_users_and_lasts_over_a_restart(tmp_path: Path, mock_clock: Clock) -> None:
    async with run_server(folder=tmp_path) as running:
        alice = await user(running, "alice")
        await alice.do("away", text="holidays")
    async with run_server(folder=tmp_path) as running:
        mock_clock.jump(60)
        bob = await guest(running, "bob")
        assert (await bob.do("whois", name="alice"))["away"] == "holidays"
        phone = await log_in(running, "alice")
        (shown, _) = (await phone.do("users"))["users"]
        assert shown["away"] == "holidays"
        await phone.do("back")
    async with run_server(folder=tmp_path) as running:
        bob = await guest(running, "bob")
        assert "away" not in await bob.do("whois", name="alice")


async def test_who_writes_to_somebody_away_is_told_once_each_time(
    running: RunningServer, mock_clock: Clock
) -> None:
    alice, bob, carol = (
        await user(running, "alice"),
        await guest(running, "bob"),
        await guest(running, "carol"),
    )
    await alice.do("away", text="lunch")
    await say(bob, "one", "two", to="alice")
    told = {"type": "absent", "username": "alice", "here": True, "text": "lunch", "since": START}
    assert await absent(bob) == [told]
    await say(carol, "hi", to="alice")
    assert await absent(carol) == [told]
    assert await absent(alice) == [], "the recipient is not told"
    await alice.do("back")
    await say(bob, "three", to="alice")
    assert await absent(bob) == []
    await alice.do("away")
    await say(bob, "four", to="alice")
    assert await absent(bob) == [told | {"text": ""}]
    await say(bob, "to all")
    assert await absent(bob) == []
    await alice.do("away", text="tea")
    await say(bob, "five", to="alice")
    assert await absent(bob) == [told | {"text": "tea"}], "another text is news"


async def test_another_device_of_who_is_away_changes_nothing(running: RunningServer) -> None:
    alice, bob = await user(running, "alice"), await guest(running, "bob")
    await alice.do("away", text="lunch")
    await say(bob, "one", to="alice")
    assert len(await absent(bob)) == 1
    await log_in(running, "alice")
    await say(bob, "two", to="alice")
    assert await absent(bob) == []


async def test_who_writes_to_somebody_not_connected_is_told_once_until_that_one_was_back(
    running: RunningServer, mock_clock: Clock
) -> None:
    alice, bob = await user(running, "alice"), await guest(running, "bob")
    mock_clock.jump(60)
    await lose(alice)
    told = {"type": "absent", "username": "alice", "here": False, "since": MINUTE_LATER}
    await say(bob, "one", "two", to="alice")
    assert await absent(bob) == [told]
    back = await resume(running, alice.token)
    await say(bob, "three", to="alice")
    assert await absent(bob) == []
    await lose(back)
    await say(bob, "four", to="alice")
    assert await absent(bob) == [told]


async def test_all_devices_of_the_author_are_told(running: RunningServer) -> None:
    alice, bob = await user(running, "alice"), await user(running, "bob")
    phone = await log_in(running, "bob")
    await lose(alice)
    await say(bob, "one", to="alice")
    await say(phone, "two", to="alice")
    assert len(await absent(bob)) == len(await absent(phone)) == 1


async def test_who_writes_to_a_user_who_is_not_in_memory_is_told(tmp_path: Path, mock_clock: Clock) -> None:
    async with run_server(folder=tmp_path) as running:
        alice = await user(running, "alice")
        await alice.do("away", text="holidays")
        mock_clock.jump(60)
        await lose(alice)
        await pass_time(running, mock_clock, 1)
    async with run_server(folder=tmp_path) as running:
        bob = await guest(running, "bob")
        await say(bob, "one", "two", to="alice")
        (told,) = await absent(bob)
        assert (told["here"], told["text"], told["since"]) == (False, "holidays", START)


# Whois


async def test_whois_of_who_is_here(running: RunningServer, mock_clock: Clock) -> None:
    bob = await guest(running, "bob")
    mock_clock.jump(60)
    alice = await user(running, "alice")
    mock_clock.jump(60)
    expected = {"type": "whois", "name": "alice", "registered": True, "here": True, "since": MINUTE_LATER}
    assert await bob.ask("whois ALICE") == expected
    assert await alice.do("whois", name="alice") == expected | {"re": alice._ids}
    assert await alice.ask("whois bob") == {
        "type": "whois", "name": "bob", "registered": False, "here": True, "since": START,
    }  # fmt: skip
    assert (await bob.do("whois", name="nobody"))["code"] == "no-such-user"
    await bob.do("away", text="lunch")
    found = await alice.ask("whois bob")
    assert (found["away"], found["away_since"]) == ("lunch", "2026-11-21T09:02:00.123Z")


async def test_whois_of_users_and_guests_who_are_gone_and_not_in_memory(
    tmp_path: Path, mock_clock: Clock
) -> None:
    settings = Settings(rules=Rules(reports_to_mute=1, mute_seconds=10_000))
    async with run_server(settings, folder=tmp_path) as running:
        alice, carol, bob = (
            await user(running, "alice"),
            await guest(running, "carol"),
            await guest(running, "bob"),
        )
        await say(carol, "so that I am kept")
        await bob.do("report", username="alice")
        mock_clock.jump(60)
        await lose(alice, carol)
        known = {"type": "whois", "name": "alice", "registered": True, "here": False, "since": START}
        found = await bob.ask("whois alice")
        assert found == known | {"seen": MINUTE_LATER, "muted_until": "2026-11-21T11:46:40.123Z"}
        await pass_time(running, mock_clock, 10)
    async with run_server(settings, folder=tmp_path) as running:
        zoe = await guest(running, "zoe")
        assert running.state.directory._by_key.keys() == {"zoe"}
        mock_clock.jump(100)
        assert await zoe.ask("whois alice") == found
        seen = await zoe.ask("whois carol")
        assert (seen["registered"], seen["here"], seen["seen"]) == (False, False, MINUTE_LATER)


# Ignoring


async def test_of_who_is_ignored_comes_a_number_only_and_nothing_private(running: RunningServer) -> None:
    alice, bob, carol = [await user(running, name) for name in ("alice", "bob", "carol")]
    phone = await log_in(running, "alice")
    await say(bob, "first", to="alice")
    (private,) = await alice.heard("message")
    await phone.heard()
    assert await alice.ask("ignore BOB") == {"type": "ignoring", "users": ["bob"]}
    await say(bob, "one")
    await say(carol, "two")
    await say(bob, "psst", to="alice")
    await say(alice, "three", to="bob")
    for person in (alice, phone):
        placeholder, other, own = await person.heard("message")
        assert placeholder == {
            "type": "message", "room": "lobby", "seq": 1, "at": placeholder["at"], "from": "bob",
            "text": "", "ignored": True,
        }  # fmt: skip
        assert (other["text"], "ignored" in other) == ("two", False)
        assert (own["text"], own["seq"]) == ("three", 3), "the number of what did not come is left out"
    assert [line["text"] for line in await carol.heard("message")] == ["one", "two"]
    assert [line["text"] for line in await bob.heard("message") if "to" in line] == [
        "first", "psst", "three",
    ]  # fmt: skip
    history = (await alice.do("history", room=private["room"]))["messages"]
    assert [(line["text"], line.get("ignored", False)) for line in history] == [
        ("", True), ("", True), ("three", False),
    ]  # fmt: skip
    lobby = (await alice.do("history"))["messages"]
    assert [(line["text"], line.get("ignored", False)) for line in lobby] == [("", True), ("two", False)]
    assert "psst" not in str(await alice.do("history", unread=True))


async def test_who_is_not_ignored_any_more_is_heard_again_also_what_was_said_before(
    running: RunningServer,
) -> None:
    alice, bob = await user(running, "alice"), await user(running, "bob")
    await alice.do("ignore", name="bob")
    await say(bob, "one")
    await say(bob, "psst", to="alice")
    assert await alice.ask("unignore Bob") == {"type": "ignoring", "users": []}
    await say(bob, "two")
    await say(bob, "again", to="alice")
    assert [line["text"] for line in await alice.heard("message")] == ["", "two", "again"]
    assert [line["text"] for line in (await alice.do("history"))["messages"]] == ["one", "two"]
    private = await alice.do("history", username="bob")
    assert [line["text"] for line in private["messages"]] == ["psst", "again"]
    assert await unread(alice) == {"lobby": (2, False, 0, 2), "bob": (1, False, 1, 2)}


async def test_what_was_sent_privately_while_ignored_is_read_on_all_devices(running: RunningServer) -> None:
    alice, bob = await user(running, "alice"), await user(running, "bob")
    phone = await log_in(running, "alice")
    await say(bob, "one", to="alice")
    (one,) = await alice.heard("message")
    await alice.do("read", username="bob")
    await alice.do("ignore", name="bob")
    await say(bob, "two", to="alice")
    await phone.heard()
    await alice.do("unignore", name="bob")
    for person in (alice, phone):
        assert await person.heard("read") == [
            {"type": "read", "room": one["room"], "username": "bob", "seq": 2}
        ]
    assert await unread(alice) == {}


async def test_what_was_unread_before_the_user_was_ignored_stays_unread(running: RunningServer) -> None:
    alice, bob = await user(running, "alice"), await user(running, "bob")
    await say(bob, "one", to="alice")
    await alice.do("ignore", name="bob")
    await say(bob, "two", to="alice")
    await alice.do("unignore", name="bob")
    assert await unread(alice) == {"bob": (2, False, 0, 2)}
    assert await alice.heard("read") == []


async def test_ignoring_is_for_the_user_whatever_the_name_and_lasts(tmp_path: Path) -> None:
    async with run_server(folder=tmp_path) as running:
        alice, bob = await user(running, "alice"), await user(running, "bob")
        await alice.do("ignore", name="bob")
        await bob.do("rename", name="bobby")
        await user(running, "bob")
        assert (await alice.do("ignore"))["users"] == ["bobby"]
    async with run_server(folder=tmp_path) as running:
        alice = await resume(running, alice.token)
        other, bob = await log_in(running, "bob"), await log_in(running, "bobby")
        assert (await alice.do("ignore"))["users"] == ["bobby"]
        await say(other, "I am new")
        await say(bob, "noise")
        await say(bob, "psst", to="alice")
        assert await alice.texts() == ["I am new", ""]
        assert (await alice.do("unignore", name="bob"))["code"] == "no-such-user"
        assert (await alice.do("unignore", name="bobby"))["users"] == []
    async with run_server(folder=tmp_path) as running:
        assert (await (await log_in(running, "alice")).do("ignore"))["users"] == []


async def test_a_guest_who_is_gone_stays_in_the_list_under_the_last_name(
    tmp_path: Path, mock_clock: Clock
) -> None:
    async with run_server(folder=tmp_path) as running:
        alice, bob, mute = (
            await user(running, "alice"),
            await guest(running, "bob"),
            await guest(running, "mute"),
        )
        await say(bob, "noise")
        for name in ("bob", "mute"):
            await alice.do("ignore", name=name)
        await bob.leave()
        await mute.leave()
        await pass_time(running, mock_clock, 1)
        assert (await alice.do("ignore"))["users"] == ["bob", "mute"]
        await user(running, "bob")
    async with run_server(folder=tmp_path) as running:
        await pass_time(running, mock_clock, 100, 700)
        alice = await log_in(running, "alice")
        history = (await alice.do("history"))["messages"]
        assert [(line["from"], line["text"]) for line in history] == [("bob", "")]
        assert len((await alice.do("ignore"))["users"]) == 2
        await say(await log_in(running, "bob"), "another bob")
        assert await alice.texts() == ["another bob"]
        assert (await alice.do("unignore", name="bob"))["type"] == "ignoring"
        assert [line["text"] for line in (await alice.do("history"))["messages"]] == ["noise", "another bob"]


async def test_whom_one_cannot_ignore(monkeypatch: pytest.MonkeyPatch, running: RunningServer) -> None:
    monkeypatch.setattr(settings, "MOST_IGNORED", 2)
    alice = await user(running, "alice")
    for name in ("bob", "carol", "dave"):
        await guest(running, name)
    assert (await alice.do("ignore", name="alice"))["code"] == "ignore-self"
    assert (await alice.do("ignore", name="nobody"))["code"] == "no-such-user"
    assert (await alice.do("unignore", name="bob"))["code"] == "no-such-user"
    assert (await alice.do("ignore", name="bob"))["users"] == ["bob"]
    assert (await alice.do("ignore", name="bob"))["users"] == ["bob"]
    assert (await alice.do("ignore", name="carol"))["users"] == ["bob", "carol"]
    error = await alice.do("ignore", name="dave")
    assert (error["code"], error["limit"]) == ("too-many-ignored", 2)
    assert (await alice.do("ignore", name="carol"))["users"] == ["bob", "carol"]


async def test_ignoring_a_user_who_is_not_in_memory(tmp_path: Path) -> None:
    async with run_server(folder=tmp_path) as running:
        for name in ("alice", "bob"):
            await lose(await user(running, name))
    async with run_server(folder=tmp_path) as running:
        alice = await log_in(running, "alice")
        assert (await alice.do("ignore", name="bob"))["users"] == ["bob"]
        await say(await log_in(running, "bob"), "noise")
        assert await alice.texts() == [""]


async def test_who_is_ignored_does_not_notice(running: RunningServer, mock_clock: Clock) -> None:
    alice, bob = await user(running, "alice"), await user(running, "bob")
    await bob.heard()
    await alice.do("ignore", name="bob")
    await say(bob, "psst", to="alice")
    await pass_time(running, mock_clock, 1)
    assert {line["type"] for line in await bob.heard()} <= {"message", "joined"}
    assert (await bob.do("whois", name="alice"))["here"] is True


async def test_the_disk_may_refuse_a_setting() -> None:
    disk = GatedStore()
    async with run_server(store=disk) as running:
        alice, bob = await user(running, "alice"), await guest(running, "bob")
        disk.full = True
        for type, fields in (
            ("away", {"text": "x"}), ("ignore", {"name": "bob"}), ("receipts", {"on": False}),
        ):  # fmt: skip
            assert (await alice.do(type, **fields))["code"] == "storage-failed"
        disk.full = False
        assert "away" not in await bob.do("whois", name="alice")
        assert (await alice.do("ignore"))["users"] == []
        assert (await alice.do("receipts"))["on"] is True
        await say(bob, "heard")
        assert await alice.texts() == ["heard"]
