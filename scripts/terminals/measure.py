"""What is measured in each terminal: widths, keys, the paste, and the answers to questions."""

from __future__ import annotations

import time
from typing import Final

import attrs

from scripts.terminals.driver import Session

WIDTHS: Final = {
    "flag 🇩🇪": "🇩🇪",
    "half a flag": "🇩",
    "warning with U+FE0F ⚠️": "⚠️",
    "heart with U+FE0F ❤️": "❤️",
    "keycap 1️⃣": "1️⃣",
    "emoji 😀": "😀",
    "emoji with U+FE0E": "😀\ufe0e",
    "hand with skin tone 👍🏽": "👍🏽",
    "family of three, joined 👨‍👩‍👧": "👨\u200d👩\u200d👧",
    "rainbow flag, joined 🏳️‍🌈": "🏳️\u200d🌈",
    "emoji of Unicode 15": "\U0001fae8",
    "emoji of Unicode 16": "\U0001fae9",
    "e with U+0301": "e\u0301",
    "नि, a mark that takes room": "नि",
    "한, composed": "한",
    "한, in its parts": "\u1112\u1161\u11ab",
    "漢": "漢",
    "ｱ, half width": "ｱ",
    "private use U+E0B0": "\ue0b0",
    "soft hyphen": "\u00ad",
    "zero width space": "\u200b",
    "word joiner": "\u2060",
    "䷀, wide since Unicode 16": "\u4dc0",
}
KEYS: Final = {
    "Enter": "Return",
    "Enter of the keypad": "KP_Enter",
    "Shift-Enter": "shift+Return",
    "Ctrl-Enter": "ctrl+Return",
    "Alt-Enter": "alt+Return",
    "Ctrl-J": "ctrl+j",
    "Alt-1": "alt+1",
    "Alt-B": "alt+b",
    "Escape": "Escape",
}
BRACKETED: Final = b"\x1b[?2004h", b"\x1b[?2004l"
LINES: Final = "one\ntwo\n"
END: Final = r"\x1b\[\d+;\d+R"
BACKGROUND: Final = {"ST": b"\x1b]11;?\x1b\\", "BEL": b"\x1b]11;?\x07"}
QUESTIONS: Final = {"DA1": b"\x1b[c", "XTVERSION": b"\x1b[>q", "DECRQM 2026": b"\x1b[?2026$p"}


@attrs.define
class Result:
    """What one terminal did; empty bytes where nothing came."""

    name: str
    version: str
    widths: dict[str, int | None] = attrs.field(factory=dict)
    keys: dict[str, bytes] = attrs.field(factory=dict)
    paste: bytes = b""
    own_paste: bytes | None = None
    """That of the multiplexer itself; None for others."""
    background: dict[str, bytes] = attrs.field(factory=dict)
    answers: dict[str, bytes] = attrs.field(factory=dict)


def measure(session: Session) -> Result:
    """Measure everything in a terminal that has just started."""
    emulator = session.emulator
    result = Result(emulator.name, emulator.version)
    session.ask(b"", 0.5)
    session.focus()
    for name, text in WIDTHS.items():
        result.widths[name] = session.width(text)
    for name, question in BACKGROUND.items():
        result.background[name] = session.answer(question)
    for name, question in QUESTIONS.items():
        result.answers[name] = session.answer(question)
    for name, key in KEYS.items():
        result.keys[name] = session.press(key)
    session.select(LINES)
    time.sleep(0.2)
    result.paste = session.paste(BRACKETED[0])
    result.own_paste = session.own_paste(LINES)
    session.ask(BRACKETED[1], 0.1)
    return result
