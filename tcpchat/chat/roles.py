"""Roles in named rooms, and the table of permissions. Pure."""

from __future__ import annotations

from typing import Final

from tcpchat.errors import ChatError

MEMBER, MODERATOR, OWNER = ROLES = ("member", "moderator", "owner")
"""From the least to the most."""

_LEAST: Final = {
    "invite": MEMBER,
    "invite into a private room": MODERATOR,
    "invite a user who was removed": MODERATOR,
    "change the topic": MODERATOR,
    "remove a member": MODERATOR,
    "change a role": OWNER,
    "close the room": OWNER,
}
"""What is done to a room, and the least role that may do it."""


def check_may(role: str, action: str, room: str) -> None:
    """Raise ChatError `not-allowed` unless the role may do it."""
    least = _LEAST[action]
    if ROLES.index(role) < ROLES.index(least):
        who = "its owners" if least == OWNER else "its moderators and owners"
        raise ChatError("not-allowed", f"you are {_a(role)} of {room}; only {who} may {action}", name=room)


def check_outranks(role: str, other: str, name: str, room: str) -> None:
    """Raise ChatError `not-allowed` unless the first role is above the other, which the user `name` has."""
    if ROLES.index(role) <= ROLES.index(other):
        message = (
            f"{name} is {_a(other)} of {room}, as you are {_a(role)}; you can remove those of a lower role"
        )
        raise ChatError("not-allowed", message, name=name)


def check_role(role: str) -> None:
    """Raise ChatError `bad-value` if there is no such role."""
    if role not in ROLES:
        raise ChatError("bad-value", f"{role[:64]!r} is no role; roles are {', '.join(ROLES)}", field="role")


def _a(role: str) -> str:
    return f"an {role}" if role == OWNER else f"a {role}"
