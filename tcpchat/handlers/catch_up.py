"""Catching up: a connection that comes back gets the lobby's events that it missed."""

from __future__ import annotations

from tcpchat.chat.room import RECENT
from tcpchat.handlers.caller import Caller
from tcpchat.handlers.rooms import line_for, read_log

CHUNK = 256 * 1024  # bytes of missed events that a connection gets before it must have read most of them
MOST_BEHIND = 20  # events that are read at once at least, however long they are


async def send_missed(caller: Caller, after: int) -> None:
    """Give the connection the lobby's events after that number, then subscribe it: no gap, no repeat.

    As fast as it reads, and no faster; a slow reader catches up first. Raises ChatError `storage-failed`.
    """
    state, connection = caller.state, caller.connection
    lobby = state.rooms.lobby
    most = min(CHUNK, (state.settings.limits.backlog_bytes or CHUNK) // 2)
    count = RECENT
    while True:
        events = await read_log(caller, lobby, after, count)
        if connection not in caller.user.connections:
            return  # another took its place meanwhile
        chunk: list[bytes] = []
        size = 0
        for event in events:
            chunk.append(line_for(caller, event))
            size += len(chunk[-1])
            if size > most:
                break
        connection.write_nowait(b"".join(chunk))
        after += len(chunk)
        if after == lobby.seq:
            state.audience.subscribe(caller.user, connection)
            return
        count = min(RECENT, max(MOST_BEHIND, 2 * len(chunk)))
        del events, chunk  # many may wait here, and each of them for long
        await connection.wait_backlog(most)
