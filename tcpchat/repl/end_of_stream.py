"""How the events of a client end, and why nobody can go on."""

from __future__ import annotations

from collections.abc import Callable

from tcpchat.client import Client, DisconnectedError, RefusedError
from tcpchat.protocol import Bye, Error, Event

_ENDS = {"banned", "replaced", "revoked"}  # codes of `bye` that somebody meant


async def hear_out(client: Client, hear: Callable[[Event], None]) -> DisconnectedError | RefusedError | None:
    """Hand on each event until the last one; return why there are no more, unless the client left.

    It was lost, or the server will not have it any more.
    """
    sent_away: Bye | None = None
    try:
        async for event in client.events():
            hear(event)
            if isinstance(event, Bye) and event.code in _ENDS:
                sent_away = event
    except DisconnectedError as error:
        if sent_away is None:
            return error
        return RefusedError(Error(code=sent_away.code, message=sent_away.message))
    return None
