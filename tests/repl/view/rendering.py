"""Helpers for the tests of everything rendered."""

from __future__ import annotations

import re
from datetime import UTC
from unicodedata import category

import attrs
from hypothesis import strategies as st

from tcpchat.protocol import Message
from tcpchat.repl.view.clean import clean
from tcpchat.repl.view.text import Fragments, Look, plain
from tcpchat.repl.view.widths import columns

AT = "2026-11-21T09:00:00.123Z"
LOOK = Look(width=60, me="alice", zone=UTC)
ODD = "a bc,\n\t 日本、🇩🇪👨\u200d👩\U0001f3fb\ufe0f\u0301"
ODD += "\u0915\u094d\u093f\u1100\u1161\u0600\ufdfd\u3000\u00a0ж\x1b"
texts = st.text(max_size=60) | st.text(ODD, max_size=80)
names = st.text(max_size=12) | st.text(ODD, max_size=40) | st.just("x" * 128)
looks = st.builds(attrs.evolve, st.just(LOOK), width=st.integers(20, 90), timestamps=st.booleans())


def said(text: str, sender: str = "bob", to: str | None = None, at: str = AT) -> Message:
    return Message(room="@b" if to else "lobby", to=to, seq=1, at=at, sender=sender, text=text)


def shown(fragments: Fragments) -> list[str]:
    text = plain(fragments)
    assert not text or text.endswith("\n")
    return text.split("\n")[:-1]


def is_part(char: str) -> bool:
    """Return whether a character is harmless as a part of another."""
    return category(char)[0] == "M" or char in "\u200c\u200d" or "\U000e0020" <= char <= "\U000e007f"


def check(fragments: Fragments, look: Look) -> None:
    """Assert what holds for everything rendered."""
    assert not fragments or fragments[-1][1] == "\n"
    for line in shown(fragments):
        if re.fullmatch(r"\S+://\S+", line):
            continue  # the terminal wraps it
        assert columns(line) <= look.width, line
        assert all(clean(char) == char or is_part(char) for char in line), line


def luminance(colour: str) -> float:
    """Return the relative luminance of `#rrggbb` (WCAG 2.2)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
