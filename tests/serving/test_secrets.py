"""Secrets that a plain line leaves to the next one. The handlers are fakes that give the secret back."""

from __future__ import annotations

import attrs
import pytest
import trio
import trio.testing

from tcpchat.handlers import HANDLERS, PRECHECKS, Caller
from tcpchat.protocol import BY_NAME, ChangePassword, Login, Register, Registered
from tcpchat.settings import Limits, Settings
from tests.running import Line, Peer, RunningServer, run_server

LINE = 65_536  # bytes; the longest


async def tell(caller: Caller, request: Register | Login | ChangePassword) -> Registered:
    """Answer with what was asked, which `repr` does not show."""
    return Registered(user=repr([value for value in attrs.astuple(request) if value is not None]))


@pytest.fixture(autouse=True)
def _fakes(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("register", "login", "password"):
        kind = BY_NAME[name].request
        monkeypatch.setitem(HANDLERS, kind, tell)
        monkeypatch.delitem(PRECHECKS, kind, raising=False)


async def answers(peer: Peer, *lines: str | bytes) -> list[Line]:
    """Send lines; return everything up to the answer to a ping, which must be a line of its own."""
    await peer.send(*lines)
    return await peer.quiet()


def kinds(lines: list[Line]) -> list[str]:
    return [line.get("code") or line["type"] for line in lines]


async def test_a_secret_left_out_is_asked_for_and_the_next_line_is_it(running: RunningServer) -> None:
    peer = await running.peer()
    await peer.send("register --device phone")
    assert await peer.line() == {
        "type": "prompt",
        "field": "password",
        "message": "the next line is the password that you choose; an empty line cancels",
    }
    await peer.send("correct horse")
    assert (await peer.line())["user"] == "['correct horse', 'phone']"
    assert await peer.quiet() == []


async def test_a_secret_given_at_once_is_not_asked_for(running: RunningServer) -> None:
    peer = await running.peer()
    assert kinds(await answers(peer, "register --password x")) == ["registered"]
    assert kinds(await answers(peer, '{"type":"register","password":"x"}')) == ["registered"]


@pytest.mark.parametrize(
    "secret",
    [
        "  two  spaces\t", " ", "\\", "/exit", "exit", "send hi", "register", '{"type":"exit"}', '{"a":',
        "{", "--", "\x00\x1b[2J", "пароль 🐎", "GET me", "x" * LINE,
    ],
    ids=lambda secret: repr(secret[:20]),
)  # fmt: skip
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["lf", "crlf"])
async def test_the_secret_is_taken_as_typed_and_never_as_a_request(
    running: RunningServer, secret: str, end: str
) -> None:
    peer = await running.peer()
    lines = await answers(peer, b"login alice\n", f"{secret}{end}".encode())
    assert kinds(lines) == ["prompt", "registered"]
    assert lines[1]["user"] == repr(["alice", secret])


async def test_a_command_may_want_two_secrets_one_after_the_other(running: RunningServer) -> None:
    peer = await running.peer()
    lines = await answers(peer, "password", "old one", "new one")
    assert [line.get("field") for line in lines] == ["password", "new", None]
    assert lines[2]["user"] == "['old one', 'new one']"


@pytest.mark.parametrize("lines", [["password", ""], ["password", "old one", ""]], ids=["first", "second"])
async def test_an_empty_line_gives_the_command_up(running: RunningServer, lines: list[str]) -> None:
    peer = await running.peer()
    *prompts, error = await answers(peer, *lines)
    assert kinds(prompts) == ["prompt"] * len(prompts)
    assert (error["code"], error["field"]) == ("bad-usage", prompts[-1]["field"])
    assert error["message"].startswith("password was cancelled, since the line for ")
    assert kinds(await answers(peer, "old one")) == ["unknown-command"]


@pytest.mark.parametrize(
    ("line", "code"),
    [(b"x" * (LINE + 1), "line-too-long"), (b"\xff" * 9, "bad-encoding")],
    ids=["too long", "no UTF-8"],
)
async def test_a_line_that_cannot_be_the_secret_gives_the_command_up(
    running: RunningServer, line: bytes, code: str
) -> None:
    peer = await running.peer()
    assert kinds(await answers(peer, b"register\n", line + b"\n")) == ["prompt", code]
    assert kinds(await answers(peer, "correct horse")) == ["unknown-command"]


async def test_http_is_refused_as_a_secret_too(running: RunningServer) -> None:
    peer = await running.peer()
    await peer.send("register", "GET / HTTP/1.1", "Host: 127.0.0.1", "")
    assert kinds(await peer.rest()) == ["prompt", "http-refused"]


async def test_the_prompt_comes_after_what_was_asked_before_is_answered(running: RunningServer) -> None:
    peer = await running.peer()
    lines = await answers(peer, *["send x"] * 20, "register", "correct horse", "send y")
    replies = [line for line in lines if line["type"] != "message"]
    assert kinds(replies) == [*["sent"] * 20, "prompt", "registered", "sent"]


async def test_the_secret_may_take_its_time(
    running: RunningServer, mock_clock: trio.testing.MockClock
) -> None:
    alice, bob = await running.peers("alice", "bob")
    await alice.send("login alice")
    await alice.next("prompt")
    mock_clock.jump(3600)
    await bob.ask("send are you there?")
    assert (await alice.next("message"))["text"] == "are you there?"
    assert kinds(await answers(alice, "correct horse")) == ["registered"]


async def test_who_leaves_a_secret_out_and_goes_is_gone(running: RunningServer) -> None:
    alice, bob = await running.peers("alice", "bob")
    await alice.send(b"login alice\ncorrect ho")
    await alice.next("prompt")
    await alice.stream.send_eof()
    (error,) = await alice.rest()
    assert error["code"] == "unfinished-line"
    assert "correct" not in str(error)
    assert (await bob.ask("send hi"))["type"] == "sent"


async def test_a_prompt_costs_as_much_as_any_request(mock_clock: trio.testing.MockClock) -> None:
    limits = Limits(requests_per_second=1, request_burst=2)
    async with run_server(Settings(limits=limits)) as running:
        peer = await running.peer()
        await peer.send("password", "old", "new", "ping")
        assert kinds([await peer.line() for _ in range(3)]) == ["prompt", "prompt", "registered"]
        with trio.move_on_after(0.9) as early:
            await trio.testing.wait_all_tasks_blocked()
            mock_clock.jump(0.9)
            await peer.line()
        assert early.cancelled_caught
        mock_clock.jump(0.2)
        assert (await peer.line())["type"] == "pong"


async def test_no_secret_is_in_the_log(running: RunningServer) -> None:
    peer = await running.peer()
    secret = "correct horse"
    await answers(peer, "register", secret)
    await answers(peer, "password", secret, "")
    await answers(peer, b"register\n\xff", secret)
    results = [(line["type"], line["result"]) for line in running.log.named("request")]
    assert {("register", "ok"), ("line", "bad-usage"), ("line", "bad-encoding")} <= set(results)
    assert secret not in str(running.log.lines)


async def test_a_bug_in_the_handler_does_not_log_the_secret(
    running: RunningServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(caller: Caller, request: Register) -> Registered:
        raise RuntimeError(f"cannot do {request}")

    monkeypatch.setitem(HANDLERS, Register, fail)
    peer = await running.peer()
    assert kinds(await answers(peer, "register", "correct horse")) == ["prompt", "internal"]
    (bug,) = running.log.named("bug")
    assert "cannot do Register(" in str(bug)
    assert "correct horse" not in str(bug)
