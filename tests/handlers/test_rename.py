"""`rename`: the new name, and the notice of it to everybody."""

from __future__ import annotations

import pytest

from tests.running import RunningServer


@pytest.mark.parametrize("line", ["rename alice", {"type": "rename", "name": "alice"}])
async def test_everyone_sees_the_new_name_and_the_renamed_user_once(
    running: RunningServer, line: str
) -> None:
    guest, bob = await running.peer(), await running.peer("bob")
    await guest.quiet()
    running.announce_presence()
    await bob.quiet()
    reply = await guest.ask(line)
    assert (reply["type"], reply["old"], reply["new"]) == ("renamed", "guest-1", "alice")
    assert await bob.next("renamed") == {"type": "renamed", "old": "guest-1", "new": "alice"}
    assert not [line for line in guest.events + await guest.quiet() if line["type"] == "renamed"]
    await guest.ask("send hi")
    assert (await bob.next("message"))["from"] == "alice"


@pytest.mark.parametrize("name", ["alice", "ALICE", "Ａlice", "a1ice", "аlісе"])
async def test_a_taken_name_is_taken_in_any_case_and_by_look_alikes(
    running: RunningServer, name: str
) -> None:
    _, bob = await running.peers("alice", "bob")
    error = await bob.ask({"type": "rename", "name": name})
    expected = "bad-name" if name == "аlісе" else "name-taken"
    assert error["code"] == expected
    assert [user["name"] for user in (await bob.ask("users"))["users"]] == ["alice", "bob"]


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("", "at least one character"),
        ("a" * 33, "at most 32 characters"),
        ("two words", "no spaces"),
        ("-u", "begins an option"),
        ("x@y", "'@', which begins a mention; use letters"),
        ("a\x07b", "no control"),
        ("a\u202eb", "no control"),
        ("аlice", "one script"),
        ("☃", "begins with"),
        ("a☃", "letters, digits"),
    ],
)
async def test_a_bad_name_is_refused_with_the_rule(running: RunningServer, name: str, rule: str) -> None:
    (alice,) = await running.peers("alice")
    error = await alice.ask({"type": "rename", "name": name})
    assert error["code"] == "bad-name"
    assert rule in error["message"]


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("rename", "bad-usage"),
        ("rename two words", "bad-usage"),
        ({"type": "rename"}, "missing-field"),
        ({"type": "rename", "name": None}, "wrong-type"),
    ],
)
async def test_bad_requests(running: RunningServer, line: str, code: str) -> None:
    (alice,) = await running.peers("alice")
    assert (await alice.ask(line))["code"] == code


async def test_a_refusal_for_a_reserved_character_says_which_and_why_and_what_would_be_right(
    running: RunningServer,
) -> None:
    (alice,) = await running.peers("alice")
    error = await alice.ask("rename nick!user@host")
    assert error["message"] == (
        "'nick!user@host' cannot be a name: names do not contain '!', which separates a name from a host"
        " in other chat protocols; use letters, digits, '_', '-' and '.', for example nick-user-host"
    )


async def test_the_old_name_is_free_again(running: RunningServer) -> None:
    alice, bob = await running.peers("alice", "bob")
    await alice.ask("send so that a name is kept")
    await alice.ask("rename carol")
    rename = {"type": "rename", "name": "alice"}
    assert (await bob.ask(rename))["new"] == "alice"
    assert (await alice.ask(rename))["code"] == "name-taken"


async def test_a_rename_to_ones_own_name_tells_nobody(running: RunningServer) -> None:
    alice, bob = await running.peers("alice", "bob")
    assert (await alice.ask("rename alice"))["new"] == "alice"
    assert (await alice.ask("rename a1ice"))["new"] == "a1ice", "a look-alike of oneself is free"
    running.announce_presence()
    assert [(line["old"], line["new"]) for line in await bob.quiet()] == [("alice", "a1ice")]
