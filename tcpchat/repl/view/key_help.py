"""The keys of the input line, in a way that works in every terminal, and names for what a key sends. Pure."""

from __future__ import annotations

from typing import Final

from tcpchat.repl.view.clean import clean_line

KEYS: Final = (
    ("Enter", "sends the line; so does Ctrl-J, which the keypad's Enter is in some terminals"),
    ("Esc, then Enter", "begins a new line; so does Alt-Enter, except in xterm and mlterm"),
    ("Tab", "completes"),
    ("Ctrl-R", "searches what you typed"),
    ("Ctrl-X Ctrl-E", "opens your editor; Enter then sends its text"),
    ("Esc, then B or F", "goes back or on by a word; so does Alt with the letter in most terminals"),
    ("Ctrl-C", "drops the line; twice leaves"),
    ("Ctrl-D", "leaves"),
    ("Ctrl-L", "clears the screen"),
)
"""Keys, and what they do. In screen, Ctrl-A is the key of screen itself."""
ASKS: Final = "press a key: what it sends is shown"
_NAMES: Final = {"\x1b": "Esc", "\r": "CR", "\n": "LF", "\t": "Tab", "\x7f": "DEL", " ": "Space"}
_LAST_CONTROL: Final = 0x1F


def named(keys: str) -> str:
    """Return what was sent with names for what cannot be read: `Esc [ A`, `Ctrl-A`."""
    return " ".join(map(_name, keys))


def _name(char: str) -> str:
    if char in _NAMES:
        return _NAMES[char]
    return f"Ctrl-{chr(ord(char) | 0x40)}" if ord(char) <= _LAST_CONTROL else clean_line(char)


def sent(keys: str) -> str:
    """Return the sentence about a key that was pressed to be shown."""
    codes = " ".join(f"{byte:02x}" for byte in keys.encode(errors="surrogateescape"))
    return f"that key sends {named(keys)} (bytes {codes}); it did nothing else"
