"""The functions behind the client's commands, with an exit code for each failure. They import late."""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from tcpchat import streams
from tcpchat.address import DEFAULT_HOST, DEFAULT_PORT, MAX_PORT, TLS_PORT, Address
from tcpchat.cli.exit_codes import FAILED, NO_CONNECTION, cause, complain
from tcpchat.errors import StartError
from tcpchat.files import NO_HOME, config_folder, state_folder
from tcpchat.repl.options import HISTORY, Host, Options

if TYPE_CHECKING:
    from tcpchat.client import Tls
    from tcpchat.settings import Settings

T = TypeVar("T")

HERE = DEFAULT_HOST
PASSWORD = "TCPCHAT_PASSWORD"  # noqa: S105  # the name of an environment variable
NEEDS_PASSWORD = {"name-taken", "login-required"}  # codes of refusals that a password may help with


def parse_place(text: str, default_port: int = DEFAULT_PORT) -> tuple[str | None, Address]:
    """Read [NAME@]HOST[:PORT], as ssh does: the user's name, if there is one, and the server.

    Raises ValueError.
    """
    name, at, address = text.rpartition("@")
    if at and not name:
        raise ValueError(f"{text!r} has no name before the @")
    return name or None, Address.parse(address, default_port)


def is_plain(place: str, name: str | None) -> bool:
    """Return whether these are a place and a name that nothing is wrong with."""
    try:
        user, _ = parse_place(place)
    except ValueError:
        return False
    return not place.startswith("-") and (name is None or (user is None and not name.startswith("-")))


def make_plan(
    address: str = HERE,
    *,
    tls: Tls | None = None,
    name: str | None = None,
    remember: bool = True,
    host: Host | None = None,
    history: int = HISTORY,
) -> Options:
    """Return the plan of a client whose files are in the system's usual folders.

    `address` is [NAME@]HOST[:PORT]. The password comes from the environment, since others on the machine can
    see arguments. Raises ValueError if there are two names.
    """
    state = state_folder()
    user, server = parse_place(address, DEFAULT_PORT if tls is None else TLS_PORT)
    if user is not None and name is not None and user != name:
        raise ValueError(f"{address} and --name {name} are two names; give one of them")
    return Options(
        address=str(server),
        tls=tls,
        name=user if name is None else name,
        password=os.environ.get(PASSWORD) or None,
        remember=remember,
        host=host,
        history=history,
        config=config_folder(),
        state=state,
        problem=None if state is not None else f"identity, settings and history are not saved: {NO_HOME}",
    )


def talk(plan: Options, *, plain: bool = False, json: bool = False, commands: bool = False) -> int:
    """Run the client and return the exit code: in the terminal, or line by line if asked or without one."""
    streams.keep_going()
    terminal = sys.stdin.isatty() and streams.can_draw(sys.stdout)
    if terminal and not (plain or json):
        from tcpchat.repl.app import run_terminal

        return _exit_code(plan, run_terminal, asks=True)
    from tcpchat.repl import json_lines, pipe

    def run(plan: Options) -> int:
        chat = json_lines.chat_in_json if json else pipe.chat_plainly
        return _run(partial(chat, pipe.for_pipe(plan), commands=commands))

    return _exit_code(plan, run, asks=sys.stdin.isatty() and not json)


def send(plan: Options, text: str, *, username: str | None, time: float | None) -> int:
    """Send one message and return the exit code, 0 only once it is stored."""
    from tcpchat.repl import pipe

    return _exit_code(plan, lambda plan: _run(partial(pipe.send, pipe.for_pipe(plan), text, username, time)))


def tail(plan: Options, *, json: bool, follow: bool, since: float | None, username: str | None) -> int:
    """Print messages and return the exit code."""
    from tcpchat.repl import pipe

    how = {"json": json, "follow": follow}
    return _exit_code(plan, lambda plan: _run(partial(pipe.tail, plan, since, username, **how)))


def host(settings: Settings | None) -> AbstractAsyncContextManager[str]:
    """Run a server in this process while the block lasts."""
    from tcpchat.service.embedded import embedded_server
    from tcpchat.settings import Settings

    state = state_folder()
    return embedded_server(settings or Settings(), state and state / "server.log")


def _run(main: Callable[[], Awaitable[T]]) -> T:
    import trio

    return trio.run(main)


def _exit_code(plan: Options, run: Callable[[Options], int | None], *, asks: bool = False) -> int:
    """Run it and return the exit code; write one sentence to stderr if it fails.

    If `asks`, the person is asked whether to trust an unknown server.
    """
    try:
        if plan.tls is None:
            return FAILED if run(plan) else 0
        from tcpchat.cli.trust import trusting

        return FAILED if trusting(plan, run, asks=asks) else 0
    except (Exception, KeyboardInterrupt, BaseExceptionGroup) as error:
        return _explain(error, plan)


def _explain(error: BaseException, plan: Options) -> int:
    from tcpchat.client import ConnectError, DisconnectedError, RefusedError
    from tcpchat.repl.view.text import with_local_times

    error = cause(error)
    if isinstance(error, KeyboardInterrupt):
        return 0
    if not isinstance(error, DisconnectedError | RefusedError | StartError):
        raise error
    text = with_local_times(str(error), None)
    if isinstance(error, RefusedError) and error.code in NEEDS_PASSWORD:
        text += f"; to log in, give --name, and -W or {PASSWORD} in the environment"
    if isinstance(error, ConnectError) and error.is_other:
        text += f"; {_other_port(plan)}"
    complain(text)
    return NO_CONNECTION if isinstance(error, DisconnectedError) else FAILED


def _other_port(plan: Options) -> str:
    """Return what to do where another program has the port."""
    port = Address.parse(plan.address).port
    if plan.host is None:
        return "if the chat has another port, give it: HOST:PORT"
    other = port + 1 if port < MAX_PORT else port - 1
    return f"start the chat on another port, such as tcpchat --port {other}"
