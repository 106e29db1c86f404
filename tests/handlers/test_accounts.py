"""`register`, `login`, `logout`, `password`: a name that is yours for good, and who may be you."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import trio

from tcpchat.chat.throttle import ADDRESS_GUESSES, ANYWHERE_GUESSES, NAME_GUESSES, REGISTRATIONS
from tests.running import Line, RunningServer, run_server
from tests.sessions import (
    PASSWORD,
    Clock,
    SessionPeer,
    connect,
    dead,
    end_of,
    guest,
    log_in,
    log_in_on,
    lose,
    pass_time,
    resume,
    user,
)

WRONG: Line = {"type": "login", "name": "alice", "password": "wrong horse"}


async def guess(person: SessionPeer, **fields: Any) -> Line:
    return await person.ask(WRONG | fields)


# Registering


async def test_a_guest_becomes_a_user_under_the_same_name_and_token(running: RunningServer) -> None:
    alice = await guest(running, "alice")
    assert await alice.do("register", password=PASSWORD) == {"type": "registered", "user": "alice", "re": 2}
    (shown,) = (await alice.do("users"))["users"]
    assert shown["registered"] is True
    again = await connect(running)
    reply = await again.do("resume", token=alice.token)
    assert (reply["user"], reply["registered"], reply["session"]) == ("alice", True, 1)


async def test_a_guests_own_name_is_not_for_keeps(running: RunningServer) -> None:
    person = await connect(running)
    error = await person.do("register", password=PASSWORD)
    assert error["code"] == "bad-name"
    assert "rename" in error["message"]
    assert (await person.do("rename", name="alice"))["type"] == "renamed"
    assert (await person.do("register", password=PASSWORD))["type"] == "registered"


async def test_nobody_registers_twice(running: RunningServer) -> None:
    alice = await user(running, "alice")
    assert (await alice.do("register", password="another horse"))["code"] == "already-registered"
    assert (await guess(await connect(running), password="another horse"))["code"] == "wrong-login"
    await log_in(running, "alice")


@pytest.mark.parametrize("password", ["", "sésame", "x" * 257, "tab\tinside it", "lone \ud800 half"])
async def test_what_is_no_password_leaves_a_guest_a_guest(running: RunningServer, password: str) -> None:
    alice = await guest(running, "alice")
    if "\ud800" in password:
        await alice.send(b'{"type":"register","password":"lone \\ud800 half"}\n')
        error = await alice.next("error")
    else:
        error = await alice.do("register", password=password)
        assert error["code"] == "bad-password"
    assert not password or password not in error["message"]
    assert "registered" not in (await alice.do("users"))["users"][0]


async def test_a_device_name_has_an_end(running: RunningServer) -> None:
    alice = await guest(running, "alice")
    assert (await alice.do("register", password=PASSWORD, device="x" * 65))["field"] == "device"
    assert (await alice.do("register", password=PASSWORD, device="x" * 64))["type"] == "registered"
    error = await (await connect(running)).do("login", name="alice", password=PASSWORD, device="x" * 65)
    assert (error["code"], error["limit"]) == ("bad-value", 64)


async def test_who_registers_over_and_over_from_one_address_waits(
    running: RunningServer, mock_clock: Clock
) -> None:
    for number in range(REGISTRATIONS + 1):
        await user(running, f"sock{number}")
    person = await guest(running, "one.more")
    error = await person.do("register", password=PASSWORD)
    assert error["code"] == "rate-limited"
    mock_clock.jump(error["retry_after"])
    assert (await person.do("register", password=PASSWORD))["type"] == "registered"


async def test_the_plain_form_takes_the_password_as_an_option(running: RunningServer) -> None:
    alice = await guest(running, "alice")
    assert (await alice.ask("register --password correcthorse"))["type"] == "registered"
    other = await connect(running)
    await other.send("login alice --password correcthorse --device phone")
    reply = await other.next("logged-in")
    assert (reply["user"], reply["session"]) == ("alice", 2)


# Whose the name is


async def test_the_name_is_the_users_after_exit_the_grace_time_and_restarts(
    tmp_path: Path, mock_clock: Clock
) -> None:
    async with run_server(folder=tmp_path) as running:
        alice = await user(running, "alice")
        await alice.leave()
        assert (await (await connect(running)).do("rename", name="alice"))["code"] == "name-taken"
        await pass_time(running, mock_clock, 5, 600, 600)
        assert running.state.users.get(alice.name) is None
        for name in ("alice", "ALICE", "a1ice"):
            error = await (await connect(running)).do("rename", name=name)
            assert (error["code"], "login" in error["message"]) == ("name-taken", True)
        assert not await dead(running, alice.token)
    for _ in range(2):
        async with run_server(folder=tmp_path) as running:
            await pass_time(running, mock_clock, 100_000)
            error = await (await connect(running)).do("rename", name="alice")
            assert error["code"] == "name-taken"
            assert (await log_in(running, "alice")).name == "alice"
            assert (await resume(running, alice.token)).name == "alice"


async def test_a_guests_name_is_free_when_the_grace_time_is_over_and_not_before(
    tmp_path: Path, mock_clock: Clock
) -> None:
    async with run_server(folder=tmp_path) as running:
        bob = await guest(running, "bob")
        await bob.do("send", text="so that I am kept")
        await lose(bob)
        await pass_time(running, mock_clock, 5, 94)
    async with run_server(folder=tmp_path) as running:  # 99 s later
        await pass_time(running, mock_clock, 500)
        thief = await connect(running)
        assert (await thief.do("rename", name="bob"))["code"] == "name-taken"
        await pass_time(running, mock_clock, 2)
        assert (await thief.do("rename", name="bob"))["type"] == "renamed"
        assert await dead(running, bob.token)


async def test_what_others_write_to_a_guest_who_is_absent_does_not_prolong_the_grace_time(
    tmp_path: Path, mock_clock: Clock
) -> None:
    async with run_server(folder=tmp_path) as running:
        bob, zoe = await guest(running, "bob"), await guest(running, "zoe")
        for person in (zoe, bob):
            await person.do("send", text="so that I am kept")
            await lose(person)
            await pass_time(running, mock_clock, 10, 90)
    async with run_server(folder=tmp_path) as running:  # zoe left 200 s ago, bob 100 s
        alice, other = await guest(running, "alice"), await guest(running, "other")
        await pass_time(running, mock_clock, 300)
        await lose(other)
        for name in ("bob", "zoe"):
            assert (await alice.do("send", text="are you there?", username=name))["type"] == "sent"
        for seconds, known in ((99, {"bob", "zoe"}), (2, {"bob"}), (98, {"bob"}), (2, set())):
            await pass_time(running, mock_clock, seconds)
            found = {name for name in ("bob", "zoe") if "code" not in await alice.do("whois", name=name)}
            assert found == known
        assert (await alice.do("whois", name=other.name))["here"] is False
        assert (await alice.do("rename", name="bob"))["type"] == "renamed"


async def test_a_registration_goes_with_a_rename(tmp_path: Path) -> None:
    async with run_server(folder=tmp_path) as running:
        alice = await user(running, "alice")
        assert (await alice.do("rename", name="alicia"))["type"] == "renamed"
        assert (await guess(await connect(running), password=PASSWORD))["code"] == "wrong-login"
        await user(running, "alice")
        assert (await log_in(running, "alicia")).name == "alicia"
    async with run_server(folder=tmp_path) as running:
        assert (await resume(running, alice.token)).name == "alicia"
        assert (await log_in(running, "alicia")).name == "alicia"
        assert (await log_in(running, "alice")).name == "alice"


async def test_a_rename_to_a_look_alike_of_ones_own_name(tmp_path: Path) -> None:
    async with run_server(folder=tmp_path) as running:
        alice = await user(running, "paul")
        assert (await alice.do("rename", name="pau1"))["type"] == "renamed"
    async with run_server(folder=tmp_path) as running:
        await log_in(running, "pau1")
        assert (await guess(await connect(running), name="paul", password=PASSWORD))["code"] == "wrong-login"


# Logging in


async def test_who_logs_in_is_the_user_and_the_guest_before_is_gone(running: RunningServer) -> None:
    alice = await user(running, "alice")
    other = await guest(running, "other")
    await other.do("send", text="as a guest")
    old = other.token
    await log_in_on(other, "Alice", device="phone")
    assert (other.name, other.session) == ("alice", 2)
    assert other.token not in {old, alice.token}
    assert await alice.names() == ["alice"]
    assert await dead(running, old)
    assert (await other.do("send", text="x"))["seq"] == 2
    (said,) = [line for line in await alice.heard("message") if line["text"] == "x"]
    assert said["from"] == "alice"


async def test_unread_follows_the_reply_also_if_there_is_nothing(running: RunningServer) -> None:
    await user(running, "alice")
    person = await connect(running)
    await person.send({"type": "login", "name": "alice", "password": PASSWORD, "id": 7})
    reply, event = await person.line(), await person.line()
    assert (reply["type"], reply["re"], reply["seq"]) == ("logged-in", 7, 0)
    assert event == {"type": "unread", "rooms": []}


async def test_a_wrong_password_and_a_name_that_nobody_registered_look_the_same(
    running: RunningServer,
) -> None:
    await user(running, "alice")
    await guest(running, "bob")
    answers = []
    for name in ("alice", "bob", "nobody.ever", "guest-1", "@", "", "x" * 5000, "alice x"):
        person = await connect(running)
        error = await person.do("login", name=name, password="wrong horse")
        answers.append({key: value for key, value in error.items() if key != "re"})
        assert person.name in await person.names(), "who fails stays who one is"
    assert answers == [answers[0]] * len(answers)
    assert answers[0]["code"] == "wrong-login"


async def test_a_registered_name_in_any_case_and_width_but_no_look_alike(running: RunningServer) -> None:
    await user(running, "alice")
    assert (await log_in(running, "ＡLICE")).name == "alice"
    assert (await guess(await connect(running), name="a1ice", password=PASSWORD))["code"] == "wrong-login"


async def test_guesses_at_a_name_cost_more_and_more_on_whichever_connection(
    running: RunningServer, mock_clock: Clock
) -> None:
    await user(running, "alice")
    for _ in range(NAME_GUESSES):
        assert (await guess(await connect(running)))["code"] == "wrong-login"
    waits = []
    for _ in range(4):
        person = await connect(running)
        assert (await guess(person))["code"] == "wrong-login"
        error = await guess(person, password=PASSWORD)
        assert error["code"] == "rate-limited", "the right one has to wait too"
        waits.append(error["retry_after"])
        mock_clock.jump(error["retry_after"])
    assert waits == pytest.approx([1, 2, 4, 8])
    await log_in(running, "alice")


async def test_guesses_on_many_connections_at_once_count_before_they_are_answered(
    running: RunningServer, mock_clock: trio.testing.MockClock
) -> None:
    await user(running, "alice")
    people = [await connect(running) for _ in range(30)]
    answers: list[str] = []

    async def try_one(person: SessionPeer) -> None:
        answers.append((await guess(person))["code"])

    async with trio.open_nursery() as nursery:
        for person in people:
            nursery.start_soon(try_one, person)
    assert answers.count("wrong-login") == NAME_GUESSES + 1
    assert answers.count("rate-limited") == 29 - NAME_GUESSES


async def test_guesses_at_many_names_from_one_address_wait_and_other_addresses_do_not(
    monkeypatch: pytest.MonkeyPatch, running: RunningServer
) -> None:
    await user(running, "alice")
    for number in range(ADDRESS_GUESSES + 1):
        error = await guess(await connect(running), name=f"name{number}")
        assert error["code"] == "wrong-login"
    assert (await guess(await connect(running), name="fresh"))["code"] == "rate-limited"
    running.address = "192.0.2.7"
    await log_in(running, "alice")
    assert (await guess(await connect(running), name="fresh"))["code"] == "wrong-login"


async def test_guesses_at_one_name_from_many_addresses_wait_too(
    monkeypatch: pytest.MonkeyPatch, running: RunningServer
) -> None:
    await user(running, "alice")
    answers = []
    for number in range(ANYWHERE_GUESSES + 2):
        running.address = f"192.0.2.{number}"
        answers.append((await guess(await connect(running)))["code"])
    assert answers == ["wrong-login"] * (ANYWHERE_GUESSES + 1) + ["rate-limited"]


async def test_the_right_password_lets_guesses_of_that_name_begin_anew(running: RunningServer) -> None:
    await user(running, "alice")
    for _ in range(3):
        for _ in range(NAME_GUESSES):
            assert (await guess(await connect(running)))["code"] == "wrong-login"
        await log_in(running, "alice")


async def test_the_right_password_of_ones_own_does_not_pay_for_guesses_at_others(
    running: RunningServer,
) -> None:
    await user(running, "mallory")
    codes = set()
    for number in range(ADDRESS_GUESSES + 1):
        person = await connect(running)
        codes.add((await guess(person, name=f"name{number}"))["code"])
        reply = await person.do("login", name="mallory", password=PASSWORD)
    assert codes == {"wrong-login"}
    assert reply["code"] == "rate-limited"


async def test_who_is_logged_in_may_become_another_user(running: RunningServer) -> None:
    await user(running, "alice")
    await user(running, "bob")
    person = await log_in(running, "alice")
    first = person.token
    await log_in_on(person, "bob")
    assert (await person.do("send", text="x", username="alice"))["type"] == "sent"
    assert (await person.do("sessions"))["sessions"][1]["here"] is True
    back = await resume(running, first)
    assert back.name == "alice"
    assert [session["here"] for session in (await back.do("sessions"))["sessions"]] == [True, True]


async def test_no_password_is_told_or_logged(running: RunningServer) -> None:
    alice = await guest(running, "alice")
    requests: list[Line] = [
        {"type": "register", "password": "sesame open", "device": "x" * 99},
        {"type": "register", "password": "sesame open"},
        {"type": "register", "password": "sesame open"},
        {"type": "login", "name": "alice", "password": "sesame nope"},
        {"type": "login", "name": "alice", "password": ["sesame"]},
        {"type": "login", "name": "alice", "password": "sesame open", "nosuch": "sesame"},
        {"type": "login", "name": "alice", "password": "sesame open"},
        {"type": "password", "password": "sesame nope", "new": "sesame two"},
        {"type": "password", "password": "sesame open", "new": "sesame"},
        {"type": "password", "password": "sesame open", "new": "sesame two"},
    ]
    lines = [await alice.ask(request) for request in requests]
    await alice.send("login alice --password sesame2 sesame3", "password --password sesame4 sesame5")
    lines += [await alice.next("error") for _ in range(2)]
    kinds = [line.get("code", line["type"]) for line in lines]
    assert kinds == [
        "bad-value", "registered", "already-registered", "wrong-login", "wrong-type", "unknown-field",
        "logged-in", "wrong-login", "bad-password", "password-changed", "bad-usage", "bad-usage",
    ]  # fmt: skip
    assert "sesame" not in str(lines[:-2]) + str(running.log.lines)


# Logging out


async def test_logout_makes_a_new_guest_and_the_token_worthless(tmp_path: Path) -> None:
    async with run_server(folder=tmp_path) as running:
        alice = await user(running, "alice")
        phone = await log_in(running, "alice")
        bob = await guest(running, "bob")
        reply = await phone.do("logout")
        assert reply["type"] == "logged-out"
        assert reply["user"].startswith("guest-")
        assert await dead(running, phone.token)
        assert await bob.names() == ["alice", "bob", reply["user"]]
        await bob.do("send", text="psst", username="alice")
        await bob.do("send", text="all")
        assert await alice.texts() == ["psst", "all"]
        assert await phone.texts() == ["all"]
        assert (await phone.do("rename", name="zoe"))["type"] == "renamed"
        assert (await (await resume(running, reply["token"])).names()) == ["alice", "bob", "zoe"]
        assert await end_of(phone) == "replaced"
    async with run_server(folder=tmp_path) as running:
        assert await dead(running, phone.token)
        assert not await dead(running, alice.token)


async def test_a_guest_who_logs_out_is_gone(running: RunningServer) -> None:
    for text in ("", "so that I am kept"):
        bob = await guest(running, "bob")
        if text:
            await bob.do("send", text=text)
        assert (await bob.do("logout"))["user"] != "bob"
        assert await dead(running, bob.token)
        assert (await bob.do("rename", name="bob"))["type"] == "renamed", "the name is free"
        await bob.leave()


async def test_exit_of_a_user_leaves_the_token_good(tmp_path: Path) -> None:
    async with run_server(folder=tmp_path) as running:
        alice = await user(running, "alice")
        await alice.send("exit")
        assert await end_of(alice) == "exit"
        again = await resume(running, alice.token)
        await again.leave()
    async with run_server(folder=tmp_path) as running:
        assert (await resume(running, alice.token)).name == "alice"


# Another password


async def test_another_password_ends_all_other_sessions(tmp_path: Path) -> None:
    async with run_server(folder=tmp_path) as running:
        alice = await user(running, "alice")
        phone, tablet = await log_in(running, "alice"), await log_in(running, "alice")
        await lose(tablet)
        reply = await alice.do("password", password=PASSWORD, new="battery staple")
        assert (reply["type"], reply["revoked"]) == ("password-changed", 2)
        assert await end_of(phone) == "revoked"
        for token in (phone.token, tablet.token):
            assert await dead(running, token)
        assert (await guess(await connect(running), password=PASSWORD))["code"] == "wrong-login"
        assert (await alice.do("send", text="still me"))["type"] == "sent"
    async with run_server(folder=tmp_path) as running:
        for token in (phone.token, tablet.token):
            assert await dead(running, token)
        assert (await guess(await connect(running), password=PASSWORD))["code"] == "wrong-login"
        await log_in(running, "alice", password="battery staple")
        await resume(running, alice.token)


async def test_another_password_takes_the_old_one_and_a_good_one(running: RunningServer) -> None:
    alice = await user(running, "alice")
    phone = await log_in(running, "alice")
    for old, new, code in (
        ("wrong horse", "battery staple", "wrong-login"),
        (PASSWORD, "short", "bad-password"),
    ):
        assert (await alice.do("password", password=old, new=new))["code"] == code
    assert (await phone.do("ping"))["type"] == "pong"
    await log_in(running, "alice")


async def test_guesses_at_a_password_from_inside_count_too(running: RunningServer) -> None:
    alice = await user(running, "alice")
    codes = [(await alice.do("password", password="wrong horse", new="x" * 8))["code"] for _ in range(7)]
    assert codes == ["wrong-login"] * (NAME_GUESSES + 1) + ["rate-limited"]


async def test_a_guest_has_no_password(running: RunningServer) -> None:
    bob = await guest(running, "bob")
    assert (await bob.do("password", password="x" * 8, new="y" * 8))["code"] == "not-registered"
    assert (await bob.ask("password"))["code"] == "not-registered", "before either password is asked for"
