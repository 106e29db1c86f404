"""The cost of completion and drawing: microseconds for some lines, the best of several runs."""

from __future__ import annotations

import timeit
from collections.abc import Callable
from datetime import UTC

from tcpchat.protocol import Message
from tcpchat.repl.input.choices import CompletionContext
from tcpchat.repl.input.completion import complete
from tcpchat.repl.view.render import message
from tcpchat.repl.view.text import Look

USERS = [f"guest-{number}" for number in range(2500)] + [f"user_{number}" for number in range(2500)]
LIVE = CompletionContext(users=USERS, me="guest-1")
INPUTS = ("@", "@u", "/send -u 99", "/send -u s9", "@zzz", "hello @gu")
TEXTS = ("hi all, how are you today?", "Привет всем", "日本語のとても長い文" * 10, "word " * 200)
LOOK = Look(width=80, me="alice", zone=UTC)


def cost(what: str, work: Callable[[], object]) -> None:
    best = min(timeit.repeat(work, number=10, repeat=10)) / 10
    print(f"{what:40} {best * 1e6:10.1f} µs")


for typed in INPUTS:
    cost(f"complete {typed!r} of {len(USERS)} users", lambda typed=typed: complete(typed, LIVE))  # type: ignore[misc]
for text in TEXTS:
    event = Message(room="lobby", seq=1, at="2026-11-21T09:00:00.123Z", sender="bob", text=text)
    cost(f"draw {text[:20]!r} of {len(text)} characters", lambda event=event: message(event, LOOK))  # type: ignore[misc]
