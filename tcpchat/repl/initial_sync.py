"""What is asked of the server at the start, after coming back and as another user: who and what is there."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from tcpchat.client import Client, DisconnectedError
from tcpchat.protocol import (
    Conversations,
    ListConversations,
    ListScheduled,
    ListUsers,
    Reply,
    Request,
    Schedule,
    Users,
)
from tcpchat.repl.model.model import Model
from tcpchat.repl.view.text import get


def look_around(client: Client, listener: Model, refresh: Callable[[], None]) -> None:
    """Ask who is here, what is scheduled, and with whom one talked privately."""
    listener.pending.clear()
    for request, take in (
        (ListUsers(), listener.users),
        (ListScheduled(), listener.scheduled),
        (ListConversations(), listener.conversations),
    ):
        _ask_pages(client, request, take, refresh)


def _ask_pages(
    client: Client, request: Request, take: Callable[[Reply], None], refresh: Callable[[], None]
) -> None:
    """Ask for all pages of a list, and hand on each at the moment that it comes."""

    def page(reply: Reply) -> None:
        take(reply)
        following = _next_page(reply)
        if following is None:
            refresh()
        else:
            _ask_pages(client, following, take, refresh)

    with suppress(DisconnectedError):  # it is asked again after coming back
        client.request_nowait(request, on_reply=page)


def _next_page(reply: Reply) -> Request | None:
    match reply:
        case Users(more=True, users=[*_, last]):
            return ListUsers(after=get(last, "name"))
        case Schedule(more=True, messages=[*_, last]):
            return ListScheduled(after=get(last, "number"))
        case Conversations(more=True, conversations=[*_, last]):
            return ListConversations(after=get(last, "room"))
    return None
