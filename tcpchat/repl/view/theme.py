"""The colours: for each theme the style of each class, in prompt-toolkit's words. Quick to import."""

from __future__ import annotations

from typing import Final

NAME_COLOURS: Final = 12
_NAMES: Final = {
    "dark": "d7875f 87af5f d7af5f 5fafd7 d787af 5fafaf af87d7 afaf87 ff8787 87d7af 87afff d7afd7",
    "light": "a03c00 3c6400 7a5200 005f87 a0005f 006464 6c3cb0 5f5f00 b00020 00643c 2848b4 873287",
}

_ROLES: Final = {"completion_menu": "completion-menu", "auto_suggestion": "auto-suggestion"}  # not ours


def _style(theme: str, **roles: str) -> dict[str, str]:
    names = {f"name.{i}": f"#{colour}" for i, colour in enumerate(_NAMES[theme].split())}
    return names | {_ROLES.get(role, role.replace("_", ".")): style for role, style in roles.items()}


STYLES: Final[dict[str, dict[str, str]]] = {
    "dark": _style(
        "dark", time="#8f8f8f", me="#ffffff bold", own="#87d787", private="#d7afff", mention="#ffd75f bold",
        receipt="#87d787", receipt_seen="#5fd7ff",
        day="#8f8f8f", presence="#8f8f8f", notice="#87afd7", error="#ff8787", usage="#d7d7af", dim="#8f8f8f",
        title="bold", prompt="#8f8f8f", target="#87d787", question="#ffd75f bold", offline="#ff8787 bold",
        waiting="#8f8f8f", toolbar="noreverse bg:#303030 #c6c6c6", toolbar_limit="#ff8787 bold",
        completion_menu="bg:#303030 #d0d0d0", auto_suggestion="#8a8a8a",
    ),
    "light": _style(
        "light", time="#686868", me="#000000 bold", own="#1e6e1e", private="#7028a0", mention="#a02800 bold",
        receipt="#1e6e1e", receipt_seen="#005faf",
        day="#686868", presence="#686868", notice="#005f9f", error="#b00020", usage="#5f5000", dim="#686868",
        title="bold", prompt="#686868", target="#1e6e1e", question="#a02800 bold", offline="#b00020 bold",
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
"""For each theme the style of each class. All can be read on black, white, and what is close to them."""
