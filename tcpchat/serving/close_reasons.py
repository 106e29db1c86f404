"""Reasons for which the server closes a connection, and the last line that says so."""

from __future__ import annotations

from typing import Final

from tcpchat.chat.operations.sessions import ENDED, REVOKED
from tcpchat.chat.state import ServerState
from tcpchat.chat.user import User
from tcpchat.errors import ChatError
from tcpchat.protocol import Bye, encode

BANNED: Final = "banned"
STOPPING: Final = "server-stopping"
_FIXED: Final = {
    STOPPING: Bye(code="server-stopping", message="the server is stopping; acknowledged messages are stored"),
    "replaced": Bye(code="replaced", message="you resumed this session on another connection"),
    REVOKED: Bye(code="revoked", message="this session was ended, or its password changed"),
    ENDED: Bye(code="revoked", message="the operator ended this session"),
}
"""The line for each reason that needs no details."""


def close_line(reason: str, state: ServerState, user: User, address: str) -> bytes:
    """Return the line that says why this connection of the user is closed; nothing if none is due."""
    if reason == BANNED:
        return encode(Bye(code="banned", message=_ban(state, user, address)))
    return encode(_FIXED[reason]) if reason in _FIXED else b""


def _ban(state: ServerState, user: User, address: str) -> str:
    """Return the sentence with the reason and the end of the ban."""
    now = state.clock.now()
    try:
        state.bans.check_user(user.id, now)
        state.bans.check_address(address, now)
    except ChatError as error:
        return error.message
    return "the operator banned you"
