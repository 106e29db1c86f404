"""The names that nobody may take, since they stand for the place, the house, or somebody else. Pure data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_PLACE = "stands for the room that everybody is in"
_ALL = "stands for everybody"
_SERVER = "stands for the server"
_OPERATOR = "stands for the operator"
_NOBODY = "stands for a user who is not there any more, or has no name"
_PROGRAM = "stands for a program"
_YOU = "stands for whoever reads it"

RESERVED_NAMES: Final[Mapping[str, str]] = {
    "lobby": _PLACE, "channel": _PLACE, "room": _PLACE, "here": _PLACE,
    "everyone": _ALL, "everybody": _ALL, "all": _ALL,
    "server": _SERVER, "system": _SERVER, "tcpchat": _SERVER,
    "operator": _OPERATOR, "admin": _OPERATOR, "administrator": _OPERATOR, "moderator": _OPERATOR,
    "root": _OPERATOR,
    "anonymous": _NOBODY, "deleted": _NOBODY, "nobody": _NOBODY,
    "robot": _PROGRAM,
    "me": _YOU, "you": _YOU,
}  # fmt: skip
"""The reserved names in lower case, and why each is. Names that look like one are reserved too."""
ORNAMENTS: Final = "._-"
"""Characters around a name that do not make it another one to the eye: `_admin_`, `server.`."""
