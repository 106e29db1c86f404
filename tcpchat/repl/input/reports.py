r"""The answers of the terminal, taken out of the input before keys are made of it. Pure.

A terminal answers questions (its background, its version, a mode) into the input, as if they were typed, and
as late as it likes: the question may be of the program that ran before. prompt-toolkit knows one such answer,
the position of the cursor; it makes text and commands of all others. The client asks nothing, since some
terminals never answer, and screen answers into whichever window is shown.
"""

from __future__ import annotations

import re
from typing import Final

ESCAPE: Final = "\x1b"
LONGEST: Final = 4096  # characters of an answer; the clipboard's may be longer, which nobody asks for
_TEXT: Final = r"[^\x00-\x1f\x7f]*"
_STARTS: Final = (
    r"\x1b\]\d+;",  # OSC, as `ESC ] 11 ; rgb:…`: colours, the clipboard, titles
    r"\x1bP(?:[>!]\||[01]?[$+]r)",  # DCS: XTVERSION, DA3, DECRQSS, XTGETTCAP
    "\x1b_G",  # APC: graphics of kitty
)
_STRING: Final = f"(?:{'|'.join(_STARTS)}){_TEXT}"
_PRIVATE: Final = r"\x1b\[[?>=][0-9;:]*[ -/]*"  # CSI with a mark that no key has: DA1, DA2, modes, keyboard
_ANSWER: Final = re.compile(
    rf"{_STRING}(?:\x07|\x1b\\)|{_PRIVATE}[@-~]|"
    r"\x1b\[\d+;\d+\$y|\x1b\[[0-9;]+[ntc]"  # modes, states, sizes; with no number `ESC [ c` is a key of rxvt
)
_BEGUN: Final = re.compile(f"{_STRING}\x1b?|{_PRIVATE}")
"""The beginning of an answer, which is that of no key."""
_UNDECIDED: Final = re.compile(r"\x1b(?:\[[0-9;]*\$?|\]\d*|P(?:[>!]|[01]?[$+]?)|_)?")
"""The beginning of an answer, or a key: Escape, Alt with a sign, or the first part of another one."""
_PASTE, _PASTE_END = "\x1b[200~", "\x1b[201~"


class Reports:
    """Takes the input in pieces of any size, and returns of each what is keys.

    What may be either is held until the next piece, or until `flush`. A paste in brackets is not searched.
    """

    def __init__(self) -> None:
        self._held = ""
        self._paste: str | None = None  # its last characters, within one

    def feed(self, data: str) -> str:
        """Return what of the input is keys, after what was held."""
        if not self._held and self._paste is None and ESCAPE not in data:
            return data
        return "".join(map(self._take, data))

    def flush(self) -> str:
        """Return what is held and may be a key, as Escape; nothing more came for a moment."""
        if _UNDECIDED.fullmatch(self._held) is None:
            return ""
        keys, self._held = self._held, ""
        return keys

    def _take(self, char: str) -> str:
        if self._paste is not None:
            self._paste = (self._paste + char)[-len(_PASTE_END) :]
            if self._paste == _PASTE_END:
                self._paste = None
            return char
        if not self._held and char != ESCAPE:
            return char
        text = self._held + char
        if _ANSWER.fullmatch(text):
            self._held = ""
            return ""
        if _UNDECIDED.fullmatch(text) or (len(text) <= LONGEST and _BEGUN.fullmatch(text)):
            self._held = text
            return ""
        return self._decide(char)

    def _decide(self, char: str) -> str:
        """Return what is held if it is keys after all; an answer that ends in the middle is dropped."""
        held, self._held = self._held, ""
        keys = held if _UNDECIDED.fullmatch(held) else ""
        if not keys and held.endswith(ESCAPE):  # which began a key
            return self._take(ESCAPE) + self._take(char)
        if char == ESCAPE:
            self._held = char
            return keys
        if keys + char == _PASTE:
            self._paste = ""
        return keys + char
