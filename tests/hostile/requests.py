"""Too many allowed requests, and requests that imitate or inject."""

from __future__ import annotations

import math
import time
from datetime import UTC

import orjson

from tcpchat.chat.throttle import LONGEST, NAME_GUESSES
from tcpchat.protocol import Error, Message, Reply, read_answer
from tcpchat.repl.view import render, render_replies
from tcpchat.repl.view.text import Look, plain
from tests.hostile.attack import attack
from tests.hostile.target import Line, Target, codes

LOUD = b"send " + b"x" * 3000 + b"\n"


@attack(short=1, full=20)
def a_flood_of_one_client(target: Target, seconds: int) -> str:
    """As fast as the server reads: 200 requests a second after the first 1,000."""
    until, answers = time.monotonic() + seconds, 0
    with target.attacker() as attacker:
        while time.monotonic() < until:
            answers += attacker.pump(b"send hello everybody\n" * 100, 1)
    assert answers < 1200 + 200 * 1.5 * seconds
    return f"{answers} answers, all but some rate-limited"


@attack(short=2, full=200, memory=40.0)
def a_flood_of_many_clients(target: Target, connections: int) -> str:
    """As many requests as each may send at once, half of them logins."""
    crowd = target.attackers(connections)
    for attacker in crowd:
        attacker.send(b"resume no-such-token\n" * 500)
        if connections > 100:
            attacker.send(b'{"type":"login","name":"bob","password":"wrong horse"}\n' * 25)
    answers = [attacker.next("error") for attacker in crowd for _ in range(500)]
    for attacker in crowd:
        attacker.close()
    return codes(answers)


@attack(short=10, full=400, memory=40.0)
def history_in_a_loop(target: Target, times: int) -> str:
    for _ in range(2 if times < 100 else 14):
        with target.attacker() as speaker:
            speaker.send(LOUD * 40)
            for _ in range(40):
                speaker.next("sent")
    with target.attacker() as attacker:
        attacker.send(b"history -n 500\n" * times)
        pages = [attacker.next("history") for _ in range(times)]
    assert all(page["messages"] for page in pages)
    return f"{times} pages of {len(pages[-1]['messages'])} messages, slower and slower"


@attack(short=40, full=2000, memory=24.0)
def users_unread_and_conversations_in_a_loop(target: Target, times: int) -> str:
    crowd = target.attackers(20 if times < 100 else 2000)
    with target.attacker() as attacker:
        attacker.send(b"users\nunread\nconversations\nsessions\nstatus\n" * (times // 5))
        answers = [
            attacker.next("users", "unread", "conversations", "sessions", "status") for _ in range(times)
        ]
    for one in crowd:
        one.close()
    return codes(answers)


@attack(short=30, full=2000, memory=140.0)
def guesses_of_passwords(target: Target, times: int) -> str:
    with target.attacker("guessed") as owner, target.attacker() as attacker:
        reply = owner.ask({"type": "register", "password": "correct horse"})
        assert reply["type"] in {"registered", "error"}, reply
        began = time.monotonic()
        attacker.send(b'{"type":"login","name":"guessed","password":"wrong horse"}\n' * times)
        answers = [attacker.next("error") for _ in range(min(times, 100))]
        took = time.monotonic() - began
    assert {line["code"] for line in answers} <= {"wrong-login", "rate-limited"}
    allowed = NAME_GUESSES + 1 + math.log2(took + 1) + took / LONGEST  # the waits double from a second on
    assert sum(line["code"] == "wrong-login" for line in answers) <= allowed
    return codes(answers)


@attack(short=200, full=3_000)
def guesses_of_tokens(target: Target, times: int) -> str:
    with target.attacker() as attacker:
        attacker.send(b"".join(b"resume guess%030d\n" % number for number in range(times)))
        answers = [attacker.next("error") for _ in range(times)]
    assert {line["code"] for line in answers} == {"bad-token"}
    return codes(answers)


@attack(short=1, full=100)
def names_that_imitate(target: Target, times: int) -> str:
    """Case, another script, zero width, bidi, look-alikes, blanks, emoji."""
    fakes = [
        "alice", "ALICE", "ａｌｉｃｅ", "аlice", "al\u200bice", "alice\u202e", "\u2066alice", "al\u00adice",
        "a1ice", "alice ", "alice\ufe0f", "alice\U000e0041", "al\u0131ce", "ali\u0441e",
    ]  # fmt: skip
    with target.attacker("alice"), target.attacker() as attacker:
        answers = [attacker.ask({"type": "rename", "name": fake}) for _ in range(times) for fake in fakes]
    taken = [line["new"] for line in answers if line["type"] == "renamed"]
    assert not taken, taken
    return codes(answers)


ESCAPES = "\x1b[2J\x1b]0;owned\x07\x9b31m\r\b\x00\u202e\u2066"


@attack(short=1, full=100)
def terminal_escapes_in_every_field(target: Target, times: int) -> str:
    """Accepted text is escaped on the wire, and cleaned by the client before it is shown."""
    with target.attacker() as listener, target.attacker() as attacker:
        requests = [
            {"type": "send", "text": ESCAPES},
            {"type": "send", "text": "x", "key": ESCAPES},
            {"type": "send", "text": "x", "username": ESCAPES},
            {"type": "rename", "name": f"bob{ESCAPES}"},
            {"type": "away", "text": ESCAPES},
            {"type": "help", "command": ESCAPES},
            {"type": "login", "name": ESCAPES, "password": ESCAPES, "device": ESCAPES},
            {"type": "resume", "token": ESCAPES},
            {"type": "whois", "username": ESCAPES},
            {"type": ESCAPES},
            {ESCAPES: ESCAPES, "type": "ping"},
        ]
        answers = [attacker.ask(request) for _ in range(times) for request in requests]
        listener.send(b"history -n 5\nping\n")
        received = [listener.next("message"), listener.next("history"), listener.next("pong")]
    for line in (*answers, *received):
        assert _shown(line).isprintable(), line
    return codes(answers)


def _shown(line: Line) -> str:
    """Return the text that the terminal client shows for a line."""
    read, look = read_answer(orjson.dumps(line)), Look(width=80, me="me", zone=UTC)
    if isinstance(read, Message):
        return plain(render.message(read, look)).replace("\n", "")
    if isinstance(read, Error):
        return plain(render.refusal(read, look)).replace("\n", "")
    assert isinstance(read, Reply)
    return plain(render_replies.reply(read, look)).replace("\n", "")
