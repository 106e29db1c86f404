r"""Text of others made harmless for a terminal. Owns what may be shown and what is only named.

Nothing that passes can move the cursor, change the title, write to the clipboard, ring, reorder text, hide
text, or draw over other lines. What cannot be shown is named, such as `<U+202E>`. Pure, and idempotent.
"""

from __future__ import annotations

import re
from typing import Final
from unicodedata import category, combining

TAB: Final = " " * 4
MAX_NONSPACING: Final = 4  # marks that stack on one base; Hebrew with points and accents has as many
MAX_MARKS: Final = 8  # of all kinds on one base; Burmese has 6, and takes room beside the base for most
MAX_JOINED: Final = 3  # joiners in one emoji or cluster: a family of four
LINE_BREAK: Final = "⏎"

_ZWNJ, _ZWJ = "\u200c", "\u200d"
_DOTTED_CIRCLE = "\u25cc"  # what Unicode shows a mark on that has no base
_VIRAMA = 9  # the combining class of the signs that ask for a joined form, also of one that is not there

_PLAIN = re.compile(
    "[\n -~\u00a0-\u00ac\u00ae-\u02ff\u0370-\u0482\u048a-\u0556\u1e00-\u1fff\u2010-\u2027\u2030-\u205e"
    "\u2070-\u20cf\u2100-\u2bff\u3000-\u3029\u3030-\u3098\u309b-\u3163\u3165-\ua48c\uac00-\ud7a3"
    "\uff01-\uff9f\U0001f300-\U0001f3f3\U0001f3f5-\U0001faff\U00020000-\U0002a6df]*"
)
"""Most of what people write, in which nothing needs a closer look; the rest only takes longer."""
_BREAK = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_BAD = re.compile(
    "[\\x00-\\x08\\x0e-\\x1f\\x7f-\\x9f"
    "\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ud800-\uf8ff\ufdd0-\ufdef\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    + "".join(f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0x10000, 0xE0000, 0x10000))
    + "\U000e0000-\U000e001f\U000e0080-\U000e00ff\U000e01f0-\U0010ffff]"
)
"""Controls, bidi controls, what is invisible, surrogates, private use, noncharacters."""
_TAGS = re.compile(
    "\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f|[\U000e0020-\U000e007f]"
)
_LONE_JAMO = re.compile(
    "(?<![\u1100-\u11ff\ua960-\ua97c\uac00-\ud7a3\ud7b0-\ud7fb])[\u1161-\u11ff\ud7b0-\ud7fb]+"
)
"""Vowels and final consonants of Hangul without a syllable, which would be drawn over what is before them."""
_SELECTORS = re.compile("[\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_JOINERS = re.compile("[\u200c\u200d]")


def clean(text: str) -> str:
    r"""Return `text` with no control but `\n`, and with nothing that is invisible or overlaps other text."""
    if text.isascii() and text.isprintable():
        return text
    text = _BREAK.sub("\n", text).replace("\t", TAB)
    if _PLAIN.fullmatch(text):
        return text
    text = _LONE_JAMO.sub(_all_named, _TAGS.sub(_flag_or_named, _BAD.sub(_named, text)))
    text = _SELECTORS.sub(_selecting_or_named, text)
    return _JOINERS.sub(_joining_or_named, _limit_marks(text))


def clean_line(text: str) -> str:
    """Return `text` cleaned and on one line."""
    if text.isascii() and text.isprintable():
        return text
    return clean(text).replace("\n", LINE_BREAK)


def _named(match: re.Match[str]) -> str:
    return _name(match[0])


def _all_named(match: re.Match[str]) -> str:
    return "".join(map(_name, match[0]))


def _name(char: str) -> str:
    code = ord(char)
    if code < 0x20:  # noqa: PLR2004  # C0
        return chr(0x2400 + code)
    return "\u2421" if char == "\x7f" else f"<U+{code:04X}>"


def _flag_or_named(match: re.Match[str]) -> str:
    return match[0] if len(match[0]) > 1 else _name(match[0])


def _selecting_or_named(match: re.Match[str]) -> str:
    """Keep a variation selector that follows what may have variants: no blank, mark, or letter a-z."""
    before = match.string[match.start() - 1 : match.start()]
    has_variants = before in set("0123456789#*") if before.isascii() else category(before)[0] in "LS"
    return match[0] if before and has_variants else _name(match[0])


def _limit_marks(text: str) -> str:
    """Drop marks beyond the limits, name joiners beyond theirs, and give a base to marks without one."""
    kept: list[str] = []
    marks = nonspacing = joined = 0
    before = "\n"
    for char in text:
        kind = category(char)
        if char == _ZWJ:
            joined += 1
            kept.append(char if joined <= MAX_JOINED else _name(char))
        elif kind[0] == "M":
            marks += 1
            nonspacing += kind != "Mc"
            if before.isspace():
                kept.append(_DOTTED_CIRCLE)
            if marks <= MAX_MARKS and nonspacing <= MAX_NONSPACING:
                kept.append(char)
        else:
            if char != _ZWNJ:
                marks = nonspacing = 0
            if before != _ZWJ:
                joined = 0
            kept.append(char)
        before = char
    return "".join(kept)


def _joining_or_named(match: re.Match[str]) -> str:
    """Keep a joiner between letters of a script that joins, in an emoji, and after a virama."""
    text, at = match.string, match.start()
    before, after = text[at - 1 : at], text[at + 1 : at + 2]
    keep = bool(before) and (combining(before) == _VIRAMA or _joins(before, after))
    return match[0] if keep else _name(match[0])


def _joins(before: str, after: str) -> bool:
    if not after or before.isascii() or after.isascii():
        return False
    return category(before)[0] in "LMS" and category(after)[0] in "LMS"
