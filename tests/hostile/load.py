"""Very many connections, users or messages."""

from __future__ import annotations

import time

from tests.hostile.attack import attack
from tests.hostile.target import Attacker, Target, codes

SOURCES = 200  # loopback addresses, each with its own ports


def _source(number: int) -> str:
    return f"127.0.{number % SOURCES // 100}.{2 + number % 100}"


@attack(short=96, full=100_000, options=("--connections", "100"))
def connections_beyond_the_limit(target: Target, connections: int) -> str:
    """Each is refused with an error and closed, while the present ones stay open."""
    held = target.attackers(98)
    answers: list[str] = []
    waiting: list[Attacker] = []
    for number in range(connections):
        waiting.append(Attacker(target.port, _source(number)))
        if len(waiting) == 16:
            answers += [codes(attacker.rest()) for attacker in waiting]
            for attacker in waiting:
                attacker.close()
            waiting.clear()
    for attacker in (*waiting, *held):
        attacker.close()
    assert set(answers) == {"1 server-full"}, set(answers)
    target.wait_files(40)
    return f"{len(answers)} × server-full and closed"


@attack(short=300, full=100_000, options=("--connections", "100"))
def a_storm_of_connections_beyond_the_limit(target: Target, connections: int) -> str:
    """So many at once that not all get an error: some are just closed."""
    held = target.attackers(98)
    answers: dict[str, int] = {}
    for first in range(0, connections, 300):
        crowd = [Attacker(target.port, _source(first + number)) for number in range(300)]
        for attacker in crowd:
            what = codes(attacker.rest())
            answers[what] = answers.get(what, 0) + 1
            attacker.close()
    for attacker in held:
        attacker.close()
    assert set(answers) <= {"1 server-full", "nothing"}, answers
    target.wait_files(40)
    return ", ".join(f"{count} × {what}" for what, count in sorted(answers.items(), key=lambda one: -one[1]))


@attack(short=200, full=20_000, memory=24.0)
def a_storm_of_connections_that_vanish(target: Target, connections: int) -> str:
    before = target.files()
    for number in range(connections):
        attacker = Attacker(target.port, _source(number))
        if number % 3 == 0:
            attacker.send(b"send half a li")
        if number % 2:
            attacker.vanish()
        else:
            attacker.close()
    target.wait_files(before)
    return "nothing is left of them"


@attack(short=20, full=1000, memory=160.0)
def a_schedule_bomb(target: Target, users: int) -> str:
    """Each user schedules a hundred messages for the same second; each is delivered once.

    Messages that a user scheduled together are delivered together, in order.
    """
    listener, crowd = target.attacker(), target.attackers(users)
    due = time.monotonic() + (1.0 if users < 100 else 60.0)
    each = 0
    for count in (40,) if users < 100 else (40, 40, 20):
        for attacker in crowd:
            left = max(0.0, due - time.monotonic())
            lines = (f"send -t {left:.3f} bomb {each + number}\n" for number in range(count))
            attacker.send("".join(lines).encode())
        for attacker in crowd:
            for _ in range(count):
                assert attacker.next("scheduled", "error")["type"] == "scheduled"
        each += count
        time.sleep(0 if users < 100 else 4.1)
    for attacker in crowd:  # else each of them would receive everything too
        attacker.close()
    received: dict[str, list[int]] = {}
    for _ in range(each * users):
        while not (line := listener.next("message"))["text"].startswith("bomb "):
            pass
        received.setdefault(line["from"], []).append(int(line["text"][5:]))
    listener.close()
    for numbers in received.values():
        assert sorted(numbers) == list(range(each))
        for first, last in ((0, 40), (40, 80), (80, 100)):
            together = [number for number in numbers if first <= number < last]
            assert together == sorted(together)
    return f"{each * users} delivered, each once and in order"


@attack(short=20, full=200)
def a_brigade_of_reports(target: Target, connections: int) -> str:
    """From an address that is not loopback they count as one: see tests/handlers/test_moderation.py."""
    with target.attacker("brigaded") as victim:
        crowd = target.attackers(connections)
        replies = [attacker.ask({"type": "report", "username": "brigaded"}) for attacker in crowd]
        assert all(reply["type"] == "reported" for reply in replies)
        assert victim.ask({"type": "send", "text": "hello?"})["code"] == "muted", "on loopback each counts"
        for attacker in crowd:
            attacker.close()
    return f"muted for ten minutes by {replies[-1]['reports']} reports from loopback; from elsewhere by none"
