"""The colours: for each theme the style of each class, in prompt-toolkit's words. Quick to import."""

from __future__ import annotations

from typing import Final

MONO: Final = "mono"
"""The theme without colours."""
NAME_COLOURS: Final = 12
_NAMES: Final = {
    "dark": "e16400 539a00 b38000 008ee2 d55ea6 009999 ad67f2 8d8d2e ea5757 009d5e 5f80ff b472b4",
    "light": "a03c00 3c6400 7a5200 005f87 a0005f 006464 6c3cb0 5f5f00 b00020 00643c 2848b4 873287",
}

_ROLES: Final = {"completion_menu": "completion-menu", "auto_suggestion": "auto-suggestion"}  # not ours


def _style(theme: str, **roles: str) -> dict[str, str]:
    names = {f"name.{i}": f"#{colour}" for i, colour in enumerate(_NAMES[theme].split())}
    return names | {_ROLES.get(role, role.replace("_", ".")): style for role, style in roles.items()}


STYLES: Final[dict[str, dict[str, str]]] = {
    "dark": _style(
        "dark", time="#888888", me="bold", own="#3fae3f", private="#a36cf2", mention="#b08100 bold",
        receipt="#3fae3f", receipt_seen="#21a2e3",
        day="#888888", presence="#888888", notice="#4d8cd3", error="#f44c4c", usage="#8c8c53", dim="#888888",
        title="bold", prompt="", target="bold", question="bold", offline="#f44c4c bold",
        waiting="#888888", toolbar="noreverse bg:#303030 #c6c6c6", toolbar_limit="#ff8787 bold",
        completion_menu="bg:#303030 #d0d0d0", auto_suggestion="#888888",
    ),
    "light": _style(
        "light", time="#686868", me="bold", own="#1e6e1e", private="#7028a0", mention="#a02800 bold",
        receipt="#1e6e1e", receipt_seen="#005faf",
        day="#686868", presence="#686868", notice="#005f9f", error="#b00020", usage="#5f5000", dim="#686868",
        title="bold", prompt="", target="bold", question="bold", offline="#b00020 bold",
        waiting="#686868", toolbar="noreverse bg:#e4e4e4 #303030", toolbar_limit="#b00020 bold",
        completion_menu="bg:#e4e4e4 #303030", auto_suggestion="#6a6a6a",
    ),
    "mono": {f"name.{i}": "bold" for i in range(NAME_COLOURS)} | {
        "time": "", "me": "bold underline", "own": "bold", "private": "underline", "mention": "reverse",
        "receipt": "bold", "receipt.seen": "bold",
        "day": "", "presence": "", "notice": "", "error": "bold", "usage": "", "dim": "", "title": "bold",
        "prompt": "", "target": "bold", "question": "bold", "offline": "bold", "waiting": "",
        "toolbar": "reverse", "toolbar.limit": "bold", "auto-suggestion": "underline", "completion-menu": "",
    },
}  # fmt: skip
"""For each theme the style of each class.

The default theme can be read on white too, for whoever has not chosen one yet: its colours are as dark as a
dark background allows, and what must be read whatever the background, the person's own name and the prompt,
has the terminal's own colour.
"""
