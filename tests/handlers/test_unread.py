"""`unread`, `read`, `history --unread`, `conversations`: what is new for a user, on whichever device."""

from __future__ import annotations

from pathlib import Path

import pytest

from tcpchat.chat.limits import TokenBucket
from tcpchat.handlers import rooms
from tcpchat.settings import Limits, Settings
from tests.running import Line, RunningServer, run_server
from tests.sessions import Clock, SessionPeer, guest, log_in, lose, pass_time, resume, user

FAST = Settings(limits=Limits(messages_per_second=0, requests_per_second=0))


async def say(person: SessionPeer, *texts: str, to: str | None = None) -> None:
    for text in texts:
        reply = await person.do("send", text=text, **({} if to is None else {"username": to}))
        assert reply["type"] == "sent", reply


async def unread(person: SessionPeer) -> dict[str, tuple[int, bool, int, int]]:
    """Return by whom (or lobby) how many, whether mentioned, what is read, and the last number."""
    return shown(await person.do("unread"))


def shown(line: Line) -> dict[str, tuple[int, bool, int, int]]:
    assert line["type"] == "unread"
    return {
        info.get("username", info["room"]): (info["count"], info["mentioned"], info["read"], info["seq"])
        for info in line["rooms"]
    }


# unread


async def test_what_others_said_is_unread_and_what_one_said_is_not(running: RunningServer) -> None:
    alice, bob = await user(running, "alice"), await guest(running, "bob")
    assert await unread(alice) == {}
    await say(bob, "one", "two")
    await say(alice, "three")
    await say(bob, "psst", to="alice")
    await say(alice, "what?", to="bob")
    assert await unread(alice) == {"lobby": (2, False, 0, 3), "bob": (1, False, 0, 2)}
    assert await unread(bob) == {"lobby": (1, False, 0, 3), "alice": (1, False, 1, 2)}


async def test_who_comes_has_read_what_was_said_before(running: RunningServer) -> None:
    bob = await guest(running, "bob")
    await say(bob, "one", "two")
    alice = await user(running, "alice")
    assert await unread(alice) == {}
    await say(bob, "three")
    assert await unread(alice) == {"lobby": (1, False, 2, 3)}


async def test_the_lobby_is_first_and_each_conversation_has_its_id(running: RunningServer) -> None:
    alice = await user(running, "alice")
    for name in ("zoe", "bob"):
        await say(await guest(running, name), "hi", to="alice")
    bob = await guest(running, "b2")
    await say(bob, "x")
    infos = (await alice.do("unread"))["rooms"]
    assert infos[0] == {
        "room": "lobby",
        "count": 1,
        "mentioned": False,
        "read": 0,
        "seq": 1,
    }
    assert {info["username"] for info in infos[1:]} == {"zoe", "bob"}
    for info in infos[1:]:
        history = await alice.do("history", room=info["room"])
        assert history["username"] == info["username"]


@pytest.mark.parametrize(
    ("text", "mentioned"),
    [
        ("@alice look", True), ("hey @ALICE!", True), ("(@alice)", True), ("@alice, @bob", True),
        ("@alice?!", True), ("alice", False), ("@alicia", False), ("mail@alice", False), ("@a1ice", False),
        ("@ alice", False), ("@alicex", False),
    ],
)  # fmt: skip
async def test_a_mention_is_an_at_and_the_name(running: RunningServer, text: str, mentioned: bool) -> None:
    alice, bob = await user(running, "alice"), await guest(running, "bob")
    await say(bob, "first", text, "last")
    assert await unread(alice) == {"lobby": (3, mentioned, 0, 3)}
    await alice.do("read", seq=2)
    assert await unread(alice) == {"lobby": (1, False, 2, 3)}, "that one is read"


async def test_a_mention_of_a_name_that_ends_with_punctuation(running: RunningServer) -> None:
    alice, bob = await user(running, "wow-"), await guest(running, "bob")
    await say(bob, "@wow- look")
    assert await unread(alice) == {"lobby": (1, True, 0, 1)}


async def test_only_a_mention_by_others_that_is_heard_and_not_read_counts(running: RunningServer) -> None:
    alice, bob, carol = [await user(running, name) for name in ("alice", "bob", "carol")]
    await say(alice, "I am @alice")
    await say(bob, "x")
    assert await unread(alice) == {"lobby": (1, False, 0, 2)}, "one's own"
    await alice.do("ignore", name="carol")
    await say(carol, "hey @alice")
    assert await unread(alice) == {"lobby": (1, False, 0, 3)}, "of somebody ignored"
    await say(bob, "hey @alice")
    assert await unread(alice) == {"lobby": (2, True, 0, 4)}


async def test_of_those_whom_one_ignores_nothing_is_unread(running: RunningServer) -> None:
    alice, bob, carol = [await user(running, name) for name in ("alice", "bob", "carol")]
    await say(bob, "one", "two")
    await say(carol, "three")
    await say(bob, "psst", to="alice")
    await alice.do("ignore", name="bob")
    assert await unread(alice) == {"lobby": (1, False, 0, 3)}
    history = await alice.do("history", unread=True)
    assert [line["text"] for line in history["messages"]] == ["three"]
    await alice.do("unignore", name="bob")
    assert await unread(alice) == {"lobby": (3, False, 0, 3), "bob": (1, False, 0, 1)}


async def test_unread_comes_as_an_event_after_resuming_and_logging_in_and_over_a_restart(
    tmp_path: Path, mock_clock: Clock
) -> None:
    async with run_server(folder=tmp_path) as running:
        alice, bob = await user(running, "alice"), await guest(running, "bob")
        await say(bob, "one", "two @alice", "three")
        await say(bob, "psst", "again", to="alice")
        await alice.do("read", seq=1)
        await alice.do("read", username="bob", seq=1)
        await lose(alice)
        await say(bob, "four")
        expected = {"lobby": (3, True, 1, 4), "bob": (1, False, 1, 2)}
        back = await resume(running, alice.token)
        assert shown(await back.next("unread")) == expected
        assert await back.heard("message") == [], "nothing private is pushed"
        await pass_time(running, mock_clock, 1)
    async with run_server(folder=tmp_path) as running:
        for person in (await resume(running, alice.token), await log_in(running, "alice")):
            assert shown(await person.next("unread")) == expected
            assert await unread(person) == expected


# read


async def test_read_never_goes_back_and_is_the_last_one_without_a_number(running: RunningServer) -> None:
    alice, bob = await user(running, "alice"), await guest(running, "bob")
    await say(bob, "one", "two", "three")
    await say(bob, "psst", "again", to="alice")
    marks = []
    for seq in (2, 1, 0, None, 2):
        reply = await alice.do("read", **({} if seq is None else {"seq": seq}))
        marks.append((reply["room"], reply["seq"]))
    assert marks == [("lobby", seq) for seq in (2, 2, 2, 3, 3)]
    reply = await alice.do("read", username="bob")
    assert (reply["username"], reply["seq"]) == ("bob", 2)
    again = await alice.do("read", room=reply["room"], seq=1)
    assert again | {"re": 0} == reply | {"re": 0}
    assert await unread(alice) == {}
    assert (await alice.ask("read --room lobby 3"))["seq"] == 3


async def test_one_cannot_have_read_what_was_not_said(running: RunningServer) -> None:
    alice, bob = await user(running, "alice"), await guest(running, "bob")
    await say(bob, "one")
    await say(bob, "psst", to="alice")
    for fields in ({"seq": 2}, {"seq": -1}, {"username": "bob", "seq": 2}):
        error = await alice.do("read", **fields)
        assert (error["code"], error["field"], error["limit"]) == ("bad-value", "seq", 1)
    assert (await alice.do("read", room="kitchen"))["code"] == "no-such-room"
    assert (await alice.do("read", room="lobby", username="bob"))["code"] == "bad-usage"
    assert (await alice.do("read", username="nobody"))["code"] == "no-such-user"
    assert (await alice.do("read", username="@0123456789abcdef"))["code"] == "bad-usage"
    assert (await alice.do("read", room="@0123456789abcdef"))["code"] == "no-such-room"
    await guest(running, "carol")
    error = await alice.do("read", username="carol", seq=1)
    assert (error["limit"], error["message"]) == (0, "seq must be 0: there is no event yet")
    assert len(await unread(alice)) == 2


async def test_where_nothing_was_sent_everything_is_read(running: RunningServer) -> None:
    alice = await user(running, "alice")
    await guest(running, "carol")
    reply = await alice.ask("read -u carol")
    assert (reply["type"], reply["username"], reply["seq"]) == ("read", "carol", 0)
    assert await alice.do("conversations") | {"re": 0} == {
        "type": "conversations", "conversations": [], "more": False, "re": 0,
    }  # fmt: skip


async def test_reading_reaches_the_users_other_devices_once(running: RunningServer) -> None:
    alice, bob = await user(running, "alice"), await guest(running, "bob")
    phone = await log_in(running, "alice")
    await say(bob, "one", "two")
    await say(bob, "psst", to="alice")
    for person in (alice, phone, bob):
        await person.heard()
    replies = [await alice.do("read", seq=1), await alice.do("read", username="bob")]
    await alice.do("read", seq=1)
    await alice.do("read", seq=0)
    assert await alice.heard("read") == []
    events = await phone.heard("read")
    assert events == [{key: line[key] for key in line if key != "re"} for line in replies]
    assert await bob.heard("read") == [], "nobody else hears it"
    assert await unread(phone) == {"lobby": (1, False, 1, 2)}


async def test_what_is_read_stays_read_after_a_restart(tmp_path: Path) -> None:
    async with run_server(folder=tmp_path) as running:
        alice, bob = await user(running, "alice"), await user(running, "bob")
        await say(bob, "one", "two")
        await say(bob, "psst", "again", to="alice")
        await alice.do("read", seq=1)
        await alice.do("read", username="bob", seq=1)
    async with run_server(folder=tmp_path) as running:
        alice = await log_in(running, "alice")
        assert await unread(alice) == {"lobby": (1, False, 1, 2), "bob": (1, False, 1, 2)}
        assert (await alice.do("read", seq=0))["seq"] == 1
        assert (await alice.do("read", username="bob", seq=0))["seq"] == 1


async def test_a_guest_of_whom_nothing_is_kept_may_read_too(tmp_path: Path) -> None:
    async with run_server(folder=tmp_path) as running:
        carol, bob = await guest(running, "carol"), await guest(running, "bob")
        await say(bob, "one", "two", "three")
        assert (await carol.do("read", seq=2))["seq"] == 2
        assert await unread(carol) == {"lobby": (1, False, 2, 3)}
        await lose(carol)
        carol = await resume(running, carol.token)
        assert await unread(carol) == {"lobby": (1, False, 2, 3)}
        await say(carol, "now I am kept")
    async with run_server(folder=tmp_path) as running:
        assert await unread(await resume(running, carol.token)) == {"lobby": (1, False, 2, 4)}


# history --unread


async def test_unread_messages_come_in_the_order_they_were_said_page_by_page() -> None:
    async with run_server(FAST) as running:
        alice, bob, carol = [await user(running, name) for name in ("alice", "bob", "carol")]
        expected = []
        for number in range(25):
            author = (bob, carol)[number % 2]
            to = "alice" if number % 3 else None
            await say(author, f"text {number}", to=to)
            await say(author, "to others", to="carol" if author is bob else "bob")
            expected.append((f"text {number}", "lobby" if to is None else author.name))
        await say(alice, "my own")
        await say(alice, "my own", to="bob")
        for count in (1, 7, 24, 25, 500):
            found: list[Line] = []
            request: Line = {"type": "history", "unread": True, "count": count}
            while True:
                page = await alice.ask(request)
                assert len(page["messages"]) <= count
                assert page["more"] == ("cursor" in page)
                found += page["messages"]
                if not page["more"]:
                    break
                request["cursor"] = page["cursor"]
            assert [
                (line["text"], line["from"] if "to" in line else line["room"]) for line in found
            ] == expected
            assert {key for line in found for key in line} <= {
                "type", "room", "to", "seq", "at", "from", "text",
            }  # fmt: skip
        private = await alice.do("history", unread=True, username="bob", count=3)
        bobs = [text for text, where in expected if where == "bob"]
        assert [line["text"] for line in private["messages"]] == bobs[:3]
        assert private["username"] == "bob"
        rest = await alice.do("history", unread=True, username="bob", cursor=private["cursor"])
        assert [line["text"] for line in rest["messages"]] == bobs[3:]
        assert (rest["more"], "cursor" in rest) == (False, False)


async def test_reading_between_two_pages_loses_nothing(running: RunningServer) -> None:
    alice, bob = await user(running, "alice"), await guest(running, "bob")
    await say(bob, "1", "2", "3")
    await say(bob, "4", "5", to="alice")
    page = await alice.do("history", unread=True, count=2)
    await alice.do("read", seq=2)
    await say(bob, "6")
    rest = await alice.do("history", unread=True, cursor=page["cursor"])
    assert [line["text"] for line in page["messages"] + rest["messages"]] == list("123456")
    assert (await alice.ask("history --unread -u bob -n 1"))["messages"][0]["text"] == "4"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"cursor": 1}, "cursor"), ({"unread": True, "before": 1}, "before"),
        ({"unread": True, "after": 1}, "after"), ({"unread": True, "cursor": -1}, "cursor"),
        ({"unread": True, "count": 501}, "count"), ({"after": -1}, "after"),
    ],
)  # fmt: skip
async def test_what_does_not_go_together(running: RunningServer, fields: Line, field: str) -> None:
    alice = await user(running, "alice")
    error = await alice.do("history", **fields)
    assert (error["code"], error["field"]) == ("bad-value", field)


async def test_asking_does_not_mark_anything_read(running: RunningServer) -> None:
    alice, bob = await user(running, "alice"), await guest(running, "bob")
    await say(bob, "one")
    await say(bob, "psst", to="alice")
    before = await unread(alice)
    await alice.do("history", unread=True)
    await alice.do("history", username="bob")
    await alice.do("history")
    assert await unread(alice) == before


@pytest.mark.parametrize(
    ("line", "counted"), [({"type": "unread"}, 2), ({"type": "history", "unread": True}, 2)]
)
async def test_what_is_unread_in_many_rooms_counts_as_several_requests(
    monkeypatch: pytest.MonkeyPatch, mock_clock: Clock, line: Line, counted: int
) -> None:
    """Else a user whom many have written to keeps the readers busy for everybody."""
    monkeypatch.setattr(rooms, "ROOMS_COUNTED", 2)
    monkeypatch.setattr(rooms, "ROOMS_READ", 2)
    async with run_server(Settings(limits=Limits(requests_per_second=1, request_burst=1000))) as running:
        alice = await user(running, "alice")
        for name in "abcd":
            await say(await guest(running, name), "hi", to="alice")
        (requests,) = [one for one in running.server._requests if one.caller.user.name == "alice"]
        taken: list[int] = []
        take = TokenBucket.take

        def count(bucket: TokenBucket, now: float, cost: int = 1) -> float:
            if bucket is requests.bucket:
                taken.append(cost)
            return take(bucket, now, cost)

        monkeypatch.setattr(TokenBucket, "take", count)
        assert (await alice.ask(line))["type"] == line["type"]
        await alice.do("ping")
        assert taken == [1 + counted, 1]
