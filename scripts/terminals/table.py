"""The tables of docs/terminals.md, from what was measured. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Final

from scripts.terminals.measure import KEYS, QUESTIONS, WIDTHS, Result
from tcpchat.repl.view.widths import columns

BEGIN: Final = "<!-- measured: begin -->"
END: Final = "<!-- measured: end -->"
_NAMES: Final = {"\x1b": "ESC", "\r": "CR", "\n": "LF", "\a": "BEL", " ": "SPACE"}
NOTHING: Final = "-"


def named(data: bytes) -> str:
    """Return bytes with names for what cannot be read: `ESC [A`."""
    text = data.decode(errors="backslashreplace")
    parts = re.findall(r"[\x1b\r\n\a ]|[^\x1b\r\n\a ]+", text)
    return " ".join(_NAMES.get(part, part) for part in parts) or NOTHING


def tables(results: Sequence[Result], missing: Iterable[str]) -> str:
    """Return all tables, and what was not measured."""
    not_measured = ", ".join(missing)
    parts = [
        BEGIN,
        "### Versions\n",
        _table("", results, {"version": lambda result: result.version}),
        f"Not measured, since it is not installed: {not_measured}.\n" if not_measured else "",
        "### Columns that the cursor moves\n",
        _widths(results),
        "### What keys send\n",
        _table("key", results, {key: partial(_key, key) for key in KEYS}),
        "### How a paste of two lines arrives\n",
        _table("", results, {"bracketed": _paste, "line break": _break, "own paste": _own_paste}),
        "### Answers\n",
        _table("question", results, _answers()),
        END,
    ]
    return "\n".join(part for part in parts if part)


def _table(corner: str, results: Sequence[Result], rows: dict[str, Callable[[Result], str]]) -> str:
    lines = [
        f"| {' | '.join([corner, *(result.name for result in results)])} |",
        "|---" * (len(results) + 1) + "|",
    ]
    for name, cell in rows.items():
        cells = [cell(result).replace("|", "\\|") for result in results]
        lines.append(f"| {' | '.join([name, *cells])} |")
    return "\n".join([*lines, ""])


def _widths(results: Sequence[Result]) -> str:
    head = ["text", *(result.name for result in results), "most", "tcpchat"]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for name, text in WIDTHS.items():
        counts = [result.widths[name] for result in results]
        most = Counter(counts).most_common(1)[0][0]
        cells = [name, *map(str, counts), str(most), str(columns(text))]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def _key(key: str, result: Result) -> str:
    return named(result.keys[key])


def _answer(name: str, result: Result) -> str:
    return named(result.answers[name])


def _paste(result: Result) -> str:
    if not result.paste:
        return "none came"
    return "yes" if result.paste.startswith(b"\x1b[200~") else "no"


def _break(result: Result) -> str:
    return named(bytes(byte for byte in result.paste if byte in b"\r\n")[:1])


def _own_paste(result: Result) -> str:
    return NOTHING if result.own_paste is None else named(result.own_paste)


def _answers() -> dict[str, Callable[[Result], str]]:
    def ends(end: str) -> Callable[[Result], str]:
        return lambda result: _end(result.background[end])

    rows = {f"background (OSC 11), asked with {end}": ends(end) for end in ("ST", "BEL")}
    return rows | {name: partial(_answer, name) for name in QUESTIONS}


def _end(answer: bytes) -> str:
    if not answer:
        return NOTHING
    return "BEL" if answer.endswith(b"\a") else "ST"
