"""The types that programs see. The checker, which runs over the tests, holds the first part."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Iterator
from typing import Any, assert_type, get_args, get_type_hints

import attrs
import pytest

import tcpchat
from tcpchat import Client
from tcpchat.client import Offline, PendingCall, State
from tcpchat.protocol import (
    Away,
    Back,
    Bye,
    Cancelled,
    ConversationInfo,
    Event,
    Exit,
    GetHelp,
    Help,
    History,
    ListUsers,
    LoggedIn,
    LoggedOut,
    Message,
    PasswordChanged,
    PendingMessage,
    Ping,
    Pong,
    Read,
    ReadHistory,
    Registered,
    Renamed,
    Reply,
    Reported,
    Request,
    Resume,
    Resumed,
    Revoked,
    Scheduled,
    Send,
    Sent,
    SessionInfo,
    Status,
    UnreadInfo,
    UserInfo,
    Users,
    Whois,
)


async def requests_return_typed_values(client: Client) -> None:
    assert_type(await client.send("hi"), Sent | Scheduled)
    assert_type(client.send_nowait("hi"), PendingCall[Sent | Scheduled])
    assert_type(await client.send_nowait("hi").wait(), Sent | Scheduled)
    assert_type(await client.edit(1, "ho"), Sent)
    assert_type(client.unanswered, list[Send])
    assert_type(await client.rename("bob"), Renamed)
    assert_type(await client.register("secret"), Registered)
    assert_type(await client.login("bob", "secret"), LoggedIn)
    assert_type(await client.logout(), LoggedOut)
    assert_type(await client.change_password("old", "new"), PasswordChanged)
    assert_type(await client.sessions(), list[SessionInfo])
    assert_type(await client.revoke(1), Revoked)
    assert_type(await client.users(), list[UserInfo])
    assert_type(await client.whois("bob"), Whois)
    assert_type(await client.history(), list[Message])
    assert_type(await client.conversations(), list[ConversationInfo])
    assert_type(await client.unread(), list[UnreadInfo])
    assert_type(client.unread_messages(), AsyncIterator[Message])
    assert_type(await client.mark_read(), Read)
    assert_type(await client.receipts(), bool)
    assert_type(await client.away(), Away)
    assert_type(await client.back(), Back)
    assert_type(await client.ignore("bob"), list[str])
    assert_type(await client.unignore("bob"), list[str])
    assert_type(await client.ignoring(), list[str])
    assert_type(await client.scheduled(), list[PendingMessage])
    assert_type(await client.cancel(), Cancelled)
    assert_type(await client.report("bob"), Reported)
    assert_type(await client.status(), Status)
    assert_type(await client.ping(), float)


async def a_request_returns_its_own_reply(client: Client, any_request: Request) -> None:
    assert_type(await client.request(Ping()), Pong)
    assert_type(await client.request(Send(text="hi")), Sent | Scheduled)
    assert_type(await client.request(Resume(token="t")), Resumed)
    assert_type(await client.request(Exit()), Bye)
    assert_type(await client.request(GetHelp()), Help)
    assert_type((await client.request(ReadHistory())).messages, list[Message])
    assert_type(client.request_nowait(ListUsers()), PendingCall[Users])
    assert_type(await client.request(any_request), Reply)
    assert_type(client.pages(ReadHistory(unread=True)), AsyncIterator[History])
    client.request_nowait(Ping(), on_reply=takes_pong)
    client.request_nowait(ListUsers(), on_reply=takes_pong)  # type: ignore[arg-type]  # it is no Pong


def takes_pong(reply: Pong) -> None:
    """Take the reply to Ping."""


async def events_are_events(client: Client) -> None:
    assert_type(client.events(), AsyncIterator[Event])
    assert_type(await client.next_event(), Event | None)
    async for event in client.events():
        if isinstance(event, Message):
            assert_type((event.room, event.seq, event.text), tuple[str, int, str])


def the_state_is_one_of_three(client: Client) -> None:
    assert_type(client.state, State)
    if isinstance(client.state, Offline):
        assert_type(client.state.retry_at, float)


def hints(thing: Any) -> Iterator[tuple[str, Any]]:
    """Yield the types of the fields, parameters and results of a public class."""
    for name, hint in get_type_hints(thing).items():
        yield f"{thing.__name__}.{name}", hint
    for name, member in inspect.getmembers(thing):
        function = member.fget if isinstance(member, property) else member
        if not name.startswith("_") and inspect.isfunction(function):
            for place, hint in get_type_hints(function).items():
                yield f"{thing.__name__}.{name}:{place}", hint


def parts(hint: Any) -> Iterator[Any]:
    """Yield a type and all that it is made of."""
    yield hint
    for part in get_args(hint):
        yield from parts(part)


@pytest.mark.parametrize("name", [name for name in tcpchat.__all__ if name != "__version__"])
def test_no_public_type_is_any(name: str) -> None:
    assert [place for place, hint in hints(getattr(tcpchat, name)) if Any in parts(hint)] == []


def test_values_that_requests_return_are_public() -> None:
    returned = {
        part.__name__
        for _, hint in hints(Client)
        for part in parts(hint)
        if isinstance(part, type) and attrs.has(part) and part.__module__.startswith("tcpchat")
    }
    assert returned - set(tcpchat.__all__) == set()
