"""Named rooms over a real server: create, find, talk in, and come back to them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tcpchat.settings import Limits, Settings
from tests.running import RunningServer, run_server
from tests.serving.test_rollback import RefusingStore
from tests.sessions import Clock, SessionPeer, guest, log_in, lose, pass_time, user


async def done(person: SessionPeer, type: str, **fields: Any) -> dict[str, Any]:
    reply = await person.do(type, **fields)
    assert reply["type"] != "error", reply
    return reply


async def refusal(person: SessionPeer, type: str, **fields: Any) -> str:
    reply = await person.do(type, **fields)
    assert reply["type"] == "error", reply
    return str(reply["code"])


async def test_only_registered_users_create_rooms_under_free_names(running: RunningServer) -> None:
    alice, bob = await user(running, "alice"), await guest(running, "bob")
    assert await refusal(bob, "create", name="ops") == "not-registered"
    assert (await done(alice, "create", name="#Ops", topic="news"))["room"] == "ops"
    for taken in ("OPS", "#ops", "0ps", "\uff4f\uff50\uff53"):
        assert await refusal(alice, "create", name=taken) == "room-taken", taken
    for wrong in ("lobby", "Lobby", "##ops", "@ops", "#", "", "a b", "-x"):
        assert await refusal(alice, "create", name=wrong) == "bad-name", wrong
    assert await refusal(alice, "create", name="long", topic="x" * 251) == "text-too-long"


async def test_a_user_owns_so_many_rooms(tmp_path: Path) -> None:
    settings = Settings(limits=Limits(rooms_per_user=2))
    async with run_server(settings) as running:
        alice = await user(running, "alice")
        await alice.send(*({"type": "create", "name": f"room{n}", "id": n} for n in range(1, 4)))
        assert [(await alice.next("room"))["room"] for _ in range(2)] == ["room1", "room2"]
        assert (await alice.next("error"))["code"] == "too-many-rooms"
        await done(alice, "close", room="room1")
        await done(alice, "create", name="room4")


async def test_what_is_said_in_a_room_reaches_its_members_once_in_order(running: RunningServer) -> None:
    alice, bob, eve = await user(running, "alice"), await guest(running, "bob"), await guest(running, "eve")
    phone = await log_in(running, "alice")
    await done(alice, "create", name="ops", private=True)
    await done(alice, "invite", username="bob", room="ops")
    assert [line["room"] for line in await bob.heard("invited")] == ["ops"]
    await done(bob, "join", name="ops")
    await done(bob, "send", text="hi @alice", room="ops")
    await done(bob, "edit", seq=4, text="hello @alice", room="ops")
    await done(alice, "topic", room="ops", text="news")
    for person in (alice, phone):
        lines = [line for line in await person.heard() if line.get("room") == "ops" and "seq" in line]
        assert [line["seq"] for line in lines] == [1, 2, 3, 4, 5, 6]
    assert [line["seq"] for line in await bob.heard() if line.get("room") == "ops" and "seq" in line] == [
        3,
        4,
        5,
        6,
    ]
    assert [line for line in await eve.heard() if line.get("room") == "ops"] == []
    (unread,) = (await done(phone, "unread"))["rooms"]
    assert (unread["room"], unread["count"], unread["mentioned"]) == ("ops", 1, True)
    await done(phone, "read", room="ops")
    assert (await done(alice, "unread"))["rooms"] == []
    history = await done(bob, "history", room="#OPS")
    assert [line["text"] for line in history["messages"]] == ["hello @alice"]
    log = await done(bob, "log", room="ops", after=0)
    assert [line["type"] for line in log["events"]] == ["member"] * 3 + ["message", "edited", "topic"]


async def test_everything_of_a_room_is_there_after_a_restart(tmp_path: Path) -> None:
    async with run_server(folder=tmp_path) as running:
        alice, bob, carol = [await user(running, name) for name in ("alice", "bob", "carol")]
        await done(alice, "create", name="ops", private=True, topic="news")
        for person in (bob, carol):
            await done(alice, "invite", username=person.name, room="ops")
        await done(bob, "join", name="ops")
        await done(alice, "role", username="bob", role="moderator", room="ops")
        await lose(bob)
        await done(alice, "send", text="while you were away", room="ops")
    async with run_server(folder=tmp_path) as running:
        bob, carol = await log_in(running, "bob"), await log_in(running, "carol")
        (info,) = (await done(bob, "rooms"))["rooms"]
        assert (info["room"], info["role"], info["topic"], info["unread"]) == ("ops", "moderator", "news", 1)
        assert [one["room"] for one in (await done(carol, "invites"))["invites"]] == ["ops"]
        await done(carol, "join", name="ops")
        members = (await done(carol, "members", room="ops"))["members"]
        assert [(one["name"], one["role"]) for one in members] == [
            ("alice", "owner"), ("bob", "moderator"), ("carol", "member")
        ]  # fmt: skip


@pytest.mark.parametrize("why", ["left", "closed", None])
async def test_a_scheduled_message_is_said_only_where_its_author_may_speak(
    running: RunningServer, mock_clock: Clock, why: str | None
) -> None:
    alice, bob = await user(running, "alice"), await user(running, "bob")
    await done(alice, "create", name="ops")
    await done(bob, "join", name="ops")
    await done(bob, "send", text="later", room="ops", time=60)
    if why == "left":
        await done(bob, "leave", name="ops")
    elif why == "closed":
        await done(alice, "close", room="ops")
    await pass_time(running, mock_clock, 61)
    texts = [line["text"] for line in await alice.heard("message")]
    assert texts == ([] if why else ["later"])
    unsent = [line["code"] for line in await bob.heard("unsent")]
    assert unsent == {"left": ["no-such-room"], "closed": ["room-closed"], None: []}[why]


async def test_what_the_disk_refuses_changes_no_room(tmp_path: Path) -> None:
    disk = RefusingStore(tmp_path)
    async with run_server(store=disk) as running:
        alice, bob = await user(running, "alice"), await user(running, "bob")
        await done(alice, "create", name="ops")
        before = await done(alice, "rooms", all=True)
        disk.full = True
        assert await refusal(bob, "create", name="den") == "storage-failed"
        assert await refusal(bob, "join", name="ops") == "storage-failed"
        assert await refusal(alice, "close", room="ops") == "storage-failed"
        disk.full = False
        assert (await done(alice, "rooms", all=True))["rooms"] == before["rooms"]
        assert await refusal(bob, "send", text="x", room="ops") == "not-a-member"
        assert (await done(bob, "join", name="ops"))["seq"] == 2


COMMANDS: dict[str, dict[str, Any]] = {
    "send": {"text": "x"}, "history": {}, "log": {}, "read": {}, "edit": {"seq": 1, "text": "x"}, "topic": {},
    "close": {}, "members": {}, "invite": {"username": "alice"}, "remove": {"username": "alice"},
    "role": {"username": "alice", "role": "member"}, "join": {}, "leave": {}, "decline": {},
}  # fmt: skip
BY_NAME = {"join", "leave", "decline"}


@pytest.mark.parametrize("standing", ["removed", "outsider"])
async def test_a_private_room_is_for_others_as_one_that_does_not_exist(
    running: RunningServer, standing: str
) -> None:
    alice, eve = await user(running, "alice"), await user(running, "eve")
    await done(alice, "create", name="board", private=True)
    if standing == "removed":
        await done(alice, "invite", username="eve", room="board")
        await done(eve, "join", name="board")
        await done(alice, "remove", username="eve", room="board")
    await eve.heard()
    for command, fields in COMMANDS.items():
        field = "name" if command in BY_NAME else "room"
        real, none = [await eve.do(command, **fields, **{field: name}) for name in ("board", "nowhere")]
        assert real["type"] == "error", (command, real)
        shown = {key: value for key, value in real.items() if key != "re"}
        wanted = {key: value for key, value in none.items() if key != "re"}
        assert shown | {"message": shown["message"].replace("board", "nowhere")} == wanted, command
    assert (await done(eve, "rooms", all=True))["rooms"] == []


ROLES = ("owner", "moderator", "member", "guest", "invited", "removed", "outsider")
MAY = {  # who gets which answer, in the order of ROLES; "" is yes
    ("send", "open"): ("", "", "", "", "not-a-member", "not-a-member", "not-a-member"),
    ("send", "private"): ("", "", "", "", "not-a-member", "no-such-room", "no-such-room"),
    ("send", "closed"): (*["room-closed"] * 4, *["not-a-member"] * 3),
    ("history", "open"): ("", "", "", "", "not-a-member", "not-a-member", "not-a-member"),
    ("history", "private"): ("", "", "", "", "not-a-member", "no-such-room", "no-such-room"),
    ("history", "closed"): ("", "", "", "", "not-a-member", "not-a-member", "not-a-member"),
    ("members", "private"): ("", "", "", "", "not-a-member", "no-such-room", "no-such-room"),
    ("join", "open"): ("", "", "", "", "", "removed", ""),
    ("join", "private"): ("", "", "", "", "", "no-such-room", "no-such-room"),
    ("join", "closed"): ("", "", "", "", "room-closed", "removed", "room-closed"),
    ("retopic", "open"): ("", "", "not-allowed", "not-allowed", *["not-a-member"] * 3),
    ("retopic", "closed"): (*["room-closed"] * 2, *["not-allowed"] * 2, *["not-a-member"] * 3),
    ("invite", "open"): ("", "", "", "", *["not-a-member"] * 3),
    ("invite", "private"): ("", "", "not-allowed", "not-allowed", "not-a-member", *["no-such-room"] * 2),
    ("invite", "closed"): (*["room-closed"] * 4, *["not-a-member"] * 3),
    ("remove", "open"): ("", "", "not-allowed", "not-allowed", *["not-a-member"] * 3),
    ("role", "open"): ("", "not-allowed", "not-allowed", "not-allowed", *["not-a-member"] * 3),
    ("close", "open"): ("", "not-allowed", "not-allowed", "not-allowed", *["not-a-member"] * 3),
    ("leave", "open"): ("last-owner", "", "", "", *["not-a-member"] * 3),
    ("leave", "private"): ("last-owner", "", "", "", "not-a-member", *["no-such-room"] * 2),
    ("leave", "closed"): ("", "", "", "", *["not-a-member"] * 3),
    ("decline", "open"): (*["no-such-invite"] * 4, "", *["no-such-invite"] * 2),
}  # fmt: skip
REQUESTS: dict[str, dict[str, Any]] = {
    "send": {"type": "send", "text": "x"}, "retopic": {"type": "topic", "text": "x"},
    "invite": {"type": "invite", "username": "newcomer"}, "remove": {"type": "remove", "username": "victim"},
    "role": {"type": "role", "username": "victim", "role": "moderator"},
}  # fmt: skip
FREE = Settings(limits=Limits(requests_per_second=0))


@pytest.mark.parametrize(("command", "kind"), MAY)
async def test_who_may_do_what(command: str, kind: str) -> None:
    for role, expected in zip(ROLES, MAY[command, kind], strict=True):
        async with run_server(FREE) as running:
            owner, victim = await user(running, "anna"), await guest(running, "victim")
            await guest(running, "newcomer")
            person = owner if role == "owner" else await (guest if role == "guest" else user)(running, "paul")
            await done(owner, "create", name="den", private=kind == "private")
            for one in [victim] + [person] * (role not in {"owner", "outsider"}):
                await done(owner, "invite", username=one.name, room="den")
                if one is victim or role != "invited":
                    await done(one, "join", name="den")
            if role == "moderator":
                await done(owner, "role", username="paul", role="moderator", room="den")
            if role == "removed":
                await done(owner, "remove", username="paul", room="den")
            if kind == "closed":
                await done(owner, "close", room="den")
            request = REQUESTS.get(command, {"type": command})
            field = "name" if command in BY_NAME else "room"
            reply = await person.do(**request, **{field: "den"})
            assert reply.get("code", "") == expected, (role, reply)
