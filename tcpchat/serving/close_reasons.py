"""What a connection is told before the server ends it."""

from __future__ import annotations

from typing import Final

from tcpchat.chat.operations.sessions import ENDED
from tcpchat.chat.state import ServerState
from tcpchat.chat.user import User
from tcpchat.errors import ChatError
from tcpchat.protocol import Bye, encode

BANNED: Final = "banned"
STOPPING: Final = "server-stopping"
_ALWAYS_THE_SAME: Final = {
    STOPPING: ("server-stopping", "the server stops; what it acknowledged is kept"),
    "replaced": ("replaced", "you came back on another connection, which goes on"),
    "revoked": ("revoked", "this session is over: it was ended, or its password changed"),
    ENDED: ("revoked", "this session is over: the operator ended it"),
}
"""By the reason for which a connection ends: code and message."""


def farewell(reason: str, state: ServerState, user: User, address: str) -> bytes:
    """Return the line that says why this connection of the user ends; nothing where none is due."""
    if reason == BANNED:
        return encode(Bye(code="banned", message=_ban(state, user, address)))
    if reason not in _ALWAYS_THE_SAME:
        return b""
    code, message = _ALWAYS_THE_SAME[reason]
    return encode(Bye(code=code, message=message))


def _ban(state: ServerState, user: User, address: str) -> str:
    """Return what tells why, and until when."""
    now = state.clock.now()
    try:
        state.bans.check_user(user.id, now)
        state.bans.check_address(address, now)
    except ChatError as error:
        return error.message
    return "the operator banned you"
