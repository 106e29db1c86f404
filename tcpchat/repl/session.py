"""A session from its start to its end: connect to a server, or host one, and chat until the person leaves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

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
from tcpchat.repl.controller import Controller, where
from tcpchat.repl.model.preferences import Preferences
from tcpchat.repl.options import Host, Options
from tcpchat.repl.view import render_people
from tcpchat.repl.view.display import Screen
from tcpchat.repl.view.text import with_local_times
from tcpchat.times import SystemClock

GIVE_UP = 24 * 3600.0  # seconds; a server may be down over night


async def converse(
    options: Options,
    screen: Screen,
    preferences: Preferences,
    feed: Callable[[Controller], Awaitable[None]],
) -> Controller:
    """Connect, and chat until somebody leaves; `feed` gets the controller and enters lines.

    Raises ConnectError, StartError if a server cannot be hosted, DisconnectedError if the client gave up,
    RefusedError if the server refuses the client, or a script cannot have its name.
    """
    options = with_name(options, preferences, person=screen.asks)
    async with connected(options) as (client, stored):
        clock, zone = SystemClock(), None  # of the machine, as it is at each time
        controller = Controller(client, screen, preferences, clock, zone, hosting=stored is not None)
        for line in greeting(client, options, stored, person=screen.asks):
            controller.display.notice(line)
        if not screen.asks and (problem := storing_problem(client, options)):
            screen.complain([("", f"tcpchat: {problem}\n")])
        async with trio.open_nursery() as nursery:
            await nursery.start(_until_left, controller, nursery.cancel_scope)
            await controller.wait_listed()
            await feed(controller)
        if not screen.asks:
            await leave_nothing(client)
    if controller.gave_up is not None:
        raise controller.gave_up
    return controller


def greeting(client: Client, options: Options, stored: str | None, *, person: bool) -> Iterator[str]:
    """Yield the lines of the start: where this is, and who you are.

    `stored` says where a server of our own stores messages; a script is shown nothing else.
    """
    if stored is not None:
        yield f"nobody answered on {client.address}, so this is the server now; {stored}"
    if person:
        place = f"{client.server} on {where(client)}"
        if client.user:
            you_are = render_people.you_are(client.user, registered=client.registered)
            yield f"{place}; {you_are}. Just type, or type help."
        else:
            yield f"{place}; this server is for registered users: /login NAME"
        if problem := storing_problem(client, options):
            yield problem
        if others := client.remembered_users:
            yield f"remembered here: {', '.join(others)}; to be one of them, start with --name NAME"
    if client.refused is not None and options.name is not None:
        yield _why_not(options.name, client.refused)


def storing_problem(client: Client, options: Options) -> str | None:
    """Return why the user is not saved for a later run, if that was asked for and did not work."""
    return (client.remember_problem or options.problem) if options.remember else None


def _why_not(name: str, error: RefusedError) -> str:
    """Return why you do not have the name that you asked for."""
    if error.code == "name-taken":
        return f"{name} is taken. If it is your account, type: /login {name}"
    return f"you cannot be {name}: {with_local_times(str(error), None)}"


def with_name(options: Options, preferences: Preferences, *, person: bool) -> Options:
    """Return the options with the name to have, and whether to go on where it cannot be had.

    A script must not speak under another name than its own; nor is it the user of the terminal, unless it
    asks for that name.
    """
    name = options.name or preferences["name"] or None
    remember = options.remember and (person or name is not None)
    return attrs.evolve(options, name=name, remember=remember, anyone=person or options.name is None)


async def leave_nothing(client: Client) -> None:
    """End a guest who was not here before, so that the name is free again at once, if nobody else is it."""
    if client.user and not client.registered and client.session is None and client.claim_alone():
        with suppress(DisconnectedError, RefusedError):
            await client.request(Exit())


@asynccontextmanager
async def connected(options: Options) -> AsyncIterator[tuple[Client, str | None]]:
    """Connect to the server, or where nobody answers host one if the options say so.

    Gives the client, and where the server stores messages if it is our own. Raises as `converse`.
    """
    async with AsyncExitStack() as stack:
        stored = None
        try:
            client = await stack.enter_async_context(open_client(options))
        except ConnectError as error:
            if options.host is None or not error.nothing_listens:
                raise
            client, stored = await _host(options, options.host, stack)
        yield client, stored


async def _host(options: Options, host: Host, stack: AsyncExitStack) -> tuple[Client, str | None]:
    try:
        stored = await stack.enter_async_context(host())
    except StartError as failure:  # somebody else may have been as fast
        try:
            return await stack.enter_async_context(open_client(options)), None
        except ConnectError:
            raise failure from None
    return await stack.enter_async_context(open_client(options)), stored


def open_client(options: Options) -> Client:
    """Return the client, not connected yet."""
    return Client(
        options.address,
        tls=options.tls,
        credentials=Credentials(
            name=options.name,
            password=options.password if options.name is not None else None,
            remember=options.state if options.remember and options.state is not None else False,
            required=not options.anyone,
        ),
        replay=Replay(last=options.history, last_on_reset=options.history_on_reset),
        reconnect=Reconnect(give_up=GIVE_UP),
        flow=FlowControl(patient=True, pause=options.pause),
    )


async def _until_left(
    controller: Controller,
    scope: trio.CancelScope,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    await controller.run(task_status=task_status)
    scope.cancel()
