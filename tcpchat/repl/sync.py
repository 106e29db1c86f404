"""Keeping up with the server: the events until their end, the lists at the start, and the read markers."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import trio

from tcpchat.client import Client, DisconnectedError, RefusedError
from tcpchat.link.paging import next_page
from tcpchat.protocol import Event, ListConversations, ListRooms, ListScheduled, ListUsers, Reply, Request
from tcpchat.repl.model.markers import ReadMarkers

MARKER_INTERVAL = 1.0  # seconds between two updates of the read markers


async def listen(
    client: Client, on_event: Callable[[Event], None]
) -> DisconnectedError | RefusedError | None:
    """Hand on each event until the last one; return why there are no more, unless the client left.

    The connection was lost for the last time, or the server refuses this client from now on.
    """
    try:
        async for event in client.events():
            on_event(event)
    except (DisconnectedError, RefusedError) as error:
        return error
    return None


def request_lists(client: Client, on_page: Callable[[Reply], None], on_end: Callable[[], None]) -> int:
    """Request the lists of users, scheduled messages and rooms: at the start, and as another user.

    `on_page` gets each page at once, `on_end` is called after the last one of each list. Returns how many
    lists there are.
    """
    lists = (ListUsers(), ListScheduled(), ListConversations(), ListRooms())
    for request in lists:
        _request_pages(client, request, on_page, on_end)
    return len(lists)


def _request_pages(
    client: Client, request: Request, on_page: Callable[[Reply], None], on_end: Callable[[], None]
) -> None:
    def take(reply: Reply) -> None:
        on_page(reply)
        following = next_page(request, reply)
        if following is None:
            on_end()
        else:
            _request_pages(client, following, on_page, on_end)

    with suppress(DisconnectedError):  # the lists are requested again after a reconnect
        client.request_nowait(request, on_reply=take)


async def update_markers(
    markers: ReadMarkers,
    moved: trio.lowlevel.ParkingLot,
    connected: Callable[[], bool],
    request: Callable[[Request], None],
) -> None:
    """Move the read markers on the server whenever `moved` is unparked, at most each `MARKER_INTERVAL`."""
    while True:
        due = markers.take_due() if connected() else []
        for one in due:
            request(one)
        if due:
            await trio.sleep(MARKER_INTERVAL)
        else:
            await moved.park()
