"""From nothing to a conversation: join a server, or host one, and talk until somebody leaves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import datetime, tzinfo

import attrs
import trio

from tcpchat.client import (
    Client,
    ConnectError,
    Credentials,
    DisconnectedError,
    FlowControl,
    Reconnect,
    RefusedError,
    Replay,
)
from tcpchat.errors import StartError
from tcpchat.protocol import Exit
from tcpchat.repl.controller import Controller
from tcpchat.repl.model.preferences import Preferences
from tcpchat.repl.options import Host, Options
from tcpchat.repl.view.screen import Screen
from tcpchat.times import SystemClock

GIVE_UP = 24 * 3600.0  # seconds; a server may be away over night


async def converse(
    plan: Options, screen: Screen, preferences: Preferences, beside: Callable[[Controller], Awaitable[None]]
) -> Controller:
    """Connect, and talk until somebody leaves; `beside` gets the Controller and feeds it lines.

    Raises ConnectError, StartError if a server cannot be hosted, DisconnectedError if the client gave up,
    RefusedError if the server will not have it, or a script cannot be who it is to be.
    """
    plan = as_whom(plan, preferences, person=screen.asks)
    async with connected(plan) as (client, kept):
        talk = Controller(client, screen, preferences, SystemClock(), local_zone(), hosting=kept is not None)
        talk.greet(kept)
        if client.refused is not None and plan.name is not None:
            talk.notice(_why_not(plan.name, client.refused))
        async with trio.open_nursery() as nursery:
            await nursery.start(_until_over, talk, nursery.cancel_scope)
            await beside(talk)
        if not screen.asks:
            await leave_nothing(client)
    if talk.gave_up is not None:
        raise talk.gave_up
    return talk


def as_whom(plan: Options, preferences: Preferences, *, person: bool) -> Options:
    """Return the plan with the name to have, and what to do if it cannot be had.

    A script must not speak under another name than the one that it was given; nor is it who somebody at the
    terminal was, unless it asks for that by name.
    """
    name = plan.name or preferences["name"] or None
    remember = plan.remember and (person or name is not None)
    return attrs.evolve(plan, name=name, remember=remember, anyone=person or plan.name is None)


def _why_not(name: str, error: RefusedError) -> str:
    """Return why one is not who one wanted to be."""
    return f"you cannot be {name} now: {error}"


async def leave_nothing(client: Client) -> None:
    """Let a guest who was not here before be gone for good, so that the name is free again."""
    if client.user and not client.registered and client.session is None:
        with suppress(DisconnectedError, RefusedError):
            await client.request(Exit())


@asynccontextmanager
async def connected(plan: Options) -> AsyncIterator[tuple[Client, str | None]]:
    """Join the server of the plan, or where nobody answers host one, if that is the plan.

    Gives the client, and where the server keeps things if it is our own. Raises as `converse`.
    """
    async with AsyncExitStack() as stack:
        kept = None
        try:
            client = await stack.enter_async_context(open_client(plan))
        except ConnectError as error:
            if plan.host is None or not error.nobody:
                raise
            client, kept = await _host(plan, plan.host, stack)
        yield client, kept


async def _host(plan: Options, host: Host, stack: AsyncExitStack) -> tuple[Client, str | None]:
    try:
        kept = await stack.enter_async_context(host())
    except StartError as failure:  # somebody else may have been as fast
        try:
            return await stack.enter_async_context(open_client(plan)), None
        except ConnectError:
            raise failure from None
    return await stack.enter_async_context(open_client(plan)), kept


def open_client(plan: Options) -> Client:
    """Return the client of a plan, not connected yet."""
    return Client(
        plan.address,
        tls=plan.tls,
        credentials=Credentials(
            name=plan.name,
            password=plan.password if plan.name is not None else None,
            remember=plan.state if plan.remember and plan.state is not None else False,
            required=not plan.anyone,
        ),
        replay=Replay(last=plan.history, last_on_reset=plan.history_on_reset),
        reconnect=Reconnect(give_up=GIVE_UP),
        flow=FlowControl(patient=plan.patient, pause=plan.pause),
    )


async def _until_over(
    talk: Controller, scope: trio.CancelScope, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
) -> None:
    await talk.run(task_status=task_status)
    scope.cancel()


def local_zone() -> tzinfo:
    """Return the time zone of this machine, as it is now."""
    zone = datetime.now().astimezone().tzinfo  # that is what it is for
    assert zone is not None
    return zone
