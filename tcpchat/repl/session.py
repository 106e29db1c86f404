"""From nothing to a conversation: join a server, or host one, and talk until somebody leaves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, tzinfo

import trio

from tcpchat.client import Client, ConnectError, Reconnect, RefusedError
from tcpchat.errors import StartError
from tcpchat.repl.plan import Host, Plan
from tcpchat.repl.preferences import Preferences
from tcpchat.repl.screen import Screen
from tcpchat.repl.talk import Talk
from tcpchat.times import SystemClock

GIVE_UP = 24 * 3600.0  # seconds; a server may be away over night


async def converse(
    plan: Plan, screen: Screen, preferences: Preferences, beside: Callable[[Talk], Awaitable[None]]
) -> Talk:
    """Connect, and talk until somebody leaves; `beside` gets the Talk and feeds it lines.

    Raises ConnectError, StartError if a server cannot be hosted, DisconnectedError if the client gave up.
    """
    async with connected(plan) as (client, kept):
        talk = Talk(client, screen, preferences, SystemClock(), local_zone(), hosting=kept is not None)
        wanted = plan.name or preferences["name"]
        if wanted:
            await _take_name(client, wanted, talk, strict=plan.name is not None and not screen.asks)
        talk.greet(kept)
        async with trio.open_nursery() as nursery:
            await nursery.start(_until_over, talk, nursery.cancel_scope)
            await beside(talk)
    if talk.gave_up is not None:
        raise talk.gave_up
    return talk


@asynccontextmanager
async def connected(plan: Plan) -> AsyncIterator[tuple[Client, str | None]]:
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


async def _host(plan: Plan, host: Host, stack: AsyncExitStack) -> tuple[Client, str | None]:
    try:
        kept = await stack.enter_async_context(host())
    except StartError as failure:  # somebody else may have been as fast
        try:
            return await stack.enter_async_context(open_client(plan)), None
        except ConnectError:
            raise failure from None
    return await stack.enter_async_context(open_client(plan)), kept


def open_client(plan: Plan) -> Client:
    """Return the client of a plan, not connected yet."""
    reconnect = Reconnect(give_up=GIVE_UP)
    return Client(
        plan.address, history=plan.history, reconnect=reconnect, patient=plan.patient, pause=plan.pause
    )


async def _until_over(
    talk: Talk, scope: trio.CancelScope, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
) -> None:
    await talk.run(task_status=task_status)
    scope.cancel()


async def _take_name(client: Client, name: str, talk: Talk, *, strict: bool) -> None:
    try:
        await client.rename(name)
    except RefusedError as error:
        if strict:  # a script must not speak under another name
            raise
        talk.notice(f"you cannot be {name} now: {error}")


def local_zone() -> tzinfo:
    """Return the time zone of this machine, as it is now."""
    zone = datetime.now().astimezone().tzinfo  # that is what it is for
    assert zone is not None
    return zone
