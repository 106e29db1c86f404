"""Clients that read or write as slowly as possible, or not at all."""

from __future__ import annotations

import time

from tests.hostile.attack import attack
from tests.hostile.target import Target, codes

SCHEMA = b'{"type":"schema"}\n'


@attack(short=50, full=2000, memory=16.0)
def slowloris(target: Target, connections: int) -> str:
    """Many connections send one byte after another, and never a whole line."""
    crowd = target.attackers(connections)
    for byte in (b"s", b"e", b"n", b"d", b" ", b"x"):
        for attacker in crowd:
            attacker.send(byte)
        time.sleep(0.02 if connections < 100 else 1.0)
    crowd[0].send(b"\n")
    assert crowd[0].next("sent", "error")["type"] == "sent"
    for attacker in crowd:
        attacker.close()
    return "kept open, since they are cheap; keep-alive finds dead ones"


@attack(short=3, full=50, memory=40.0, options=("--backlog-bytes", "1000000"))
def never_reading(target: Target, connections: int) -> str:
    """They are in a busy room, and read nothing of it."""
    crowd = [target.attacker(receive_buffer=4096) for _ in range(connections)]
    for _ in range(1 if connections < 10 else 20):
        with target.attacker() as speaker:
            speaker.send(b"".join(b"send " + b"x" * 4000 + b"\n" for _ in range(40)))
            for _ in range(40):
                speaker.next("sent")
    answers = [attacker.rest()[-1] for attacker in crowd] if connections >= 10 else []
    for attacker in crowd:
        attacker.close()
    assert all(line.get("code") == "slow-consumer" for line in answers), codes(answers)
    return codes(answers) if answers else "not yet above the limit"


@attack(short=3, full=100, memory=16.0)
def reading_one_byte_a_second(target: Target, connections: int) -> str:
    crowd = [target.attacker(receive_buffer=4096) for _ in range(connections)]
    for attacker in crowd:
        attacker.send(SCHEMA * 20)
    for _ in range(2 if connections < 10 else 10):
        for attacker in crowd:
            assert len(attacker.socket.recv(1)) == 1
        time.sleep(0.1 if connections < 10 else 1.0)
    for attacker in crowd:
        attacker.vanish()
    return "each delays only itself"


@attack(short=2, full=20, memory=16.0)
def sending_without_reading_replies(target: Target, connections: int) -> str:
    """The server stops reading from a client that does not read, and queues only a few replies."""
    crowd = [target.attacker(receive_buffer=4096) for _ in range(connections)]
    sent = 0
    for attacker in crowd:
        attacker.socket.settimeout(0.2)
        try:
            while True:
                sent += attacker.socket.send(SCHEMA * 1000)
        except TimeoutError:
            pass
    for attacker in crowd:
        attacker.vanish()
    return f"not read on after {sent / connections / 1024:.0f} KiB each"
