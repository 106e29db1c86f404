"""The line breaks of text. Pure; the text is cleaned."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final
from unicodedata import category

from wcwidth import iter_graphemes

from tcpchat.repl.view.widths import columns

LONGEST_CLUSTER: Final = 10  # code points; a kiss of two with skin tones. Longer ones no terminal joins

_LINK = re.compile(r"(?:https?|ftps?|sftp|file|ssh|git|ircs?|matrix|xmpp)://[^ \u3000]+", re.IGNORECASE)
_WORDS = re.compile(
    "[ \u3000]+"
    f"|{_LINK.pattern}"
    "|[\u2e80-\u9fff\uf900-\ufaff\uff01-\uff60\U00020000-\U0003ffff]"  # breaks between two of these,
    "[\u3001\u3002\uff0c\uff0e\uff01\uff1f\u300d\u300f\uff09\u3099\u309a\ufe00-\ufe0f\U000e0100-\U000e01ef]*"
    "|[^ \u3000\u2e80-\u9fff\uf900-\ufaff\uff01-\uff60\U00020000-\U0003ffff]+",  # not before what ends them
    re.IGNORECASE,
)


def wrap(line: str, first: int, rest: int) -> list[str]:
    """Break a cleaned line at blanks, into lines of at most `first` and then `rest` columns.

    Blanks at its beginning are kept, but leave a quarter of the width; those at a break are dropped. A link
    that fits into no line is one of its own and not broken, so that it can be clicked on and copied: the
    terminal wraps it.
    """
    if columns(line) <= first:
        return [line]
    lines: list[str] = []
    width, now, used, blanks = first, "", 0, ""
    for word in _words(line):
        if word.isspace():
            blanks = word if now or not lines else ""  # none at the beginning of a line after a link
            if not (now or lines) and columns(word) > first * 3 // 4:
                blanks = " " * (first * 3 // 4)
            continue
        size, gap = columns(word), columns(blanks)
        if size > rest and _LINK.match(word):
            lines += [now, word] if now or not lines else [word]
            width, now, used, blanks = rest, "", 0, ""
            continue
        if used + gap + size <= width:
            now, used = now + blanks + word, used + gap + size
        else:
            *full, now = break_word(word, now + blanks if used + gap < width else now, width, rest)
            lines += full
            used = columns(now)
            width = rest if full else width
        blanks = ""
    return [*lines, now] if now or not lines else lines


def _words(line: str) -> list[str]:
    """Return the parts between which the line may be broken, and the blanks; a mark stays with its letter."""
    words: list[str] = []
    for word in _WORDS.findall(line):
        if words and category(word[0])[0] == "M" and not words[-1].isspace():
            words[-1] += word
        else:
            words.append(word)
    return words


def break_word(word: str, now: str, width: int, rest: int) -> list[str]:
    """Put a word that does not fit after `now` on the next line, or what no line holds on several."""
    if columns(word) <= rest and (now.strip() or not now):
        return [now.rstrip(" \u3000"), word]
    lines, used = [now], columns(now)
    for cluster in _clusters(word, rest):
        size = columns(cluster)
        if used + size > width:
            lines.append("")
            used, width = 0, rest
        lines[-1] += cluster
        used += size
    return lines


def _clusters(word: str, widest: int) -> Iterable[str]:
    for cluster in word if word.isascii() else iter_graphemes(word):
        if len(cluster) > LONGEST_CLUSTER or columns(cluster) > widest:
            yield from cluster
        else:
            yield cluster
