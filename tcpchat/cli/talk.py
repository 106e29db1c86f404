"""What the client's commands do, and the exit code that each failure has. Imports what it needs only then."""

from __future__ import annotations

import os
import sys
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from platformdirs import user_config_path, user_state_path

from tcpchat.address import DEFAULT_HOST, DEFAULT_PORT, TLS_PORT, Address
from tcpchat.cli.outcome import FAILED, NO_CONNECTION, cause, complain, print_no_more
from tcpchat.errors import StartError
from tcpchat.repl.options import HISTORY, Host, Options

if TYPE_CHECKING:
    from tcpchat.client import Tls
    from tcpchat.settings import Settings

T = TypeVar("T")

HERE = DEFAULT_HOST
PASSWORD = "TCPCHAT_PASSWORD"  # noqa: S105  # where in the environment it is
NEEDS_PASSWORD = {"name-taken", "login-required"}  # codes of refusals that a password may help with


def is_address(text: str) -> bool:
    """Say whether this is HOST[:PORT]."""
    try:
        Address.parse(text)
    except ValueError:
        return False
    return not text.startswith("-")


def make_plan(
    address: str = HERE,
    *,
    tls: Tls | None = None,
    name: str | None = None,
    remember: bool = True,
    host: Host | None = None,
    history: int = HISTORY,
) -> Options:
    """Return the plan of a person whose settings are where the system keeps such things.

    The password is never an argument, which others on the machine can see.
    """
    return Options(
        address=str(Address.parse(address, DEFAULT_PORT if tls is None else TLS_PORT)),
        tls=tls,
        name=name,
        password=os.environ.get(PASSWORD) or None,
        remember=remember,
        host=host,
        history=history,
        config=user_config_path("tcpchat", appauthor=False),
        state=user_state_path("tcpchat", appauthor=False),
    )


def talk(plan: Options, *, plain: bool = False, json: bool = False) -> int:
    """Chat in the terminal; or linearly, if it is none or that is wanted; return the exit code."""
    terminal = sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    if terminal and not (plain or json):
        from tcpchat.repl.app import run_terminal

        return _coded(plan, run_terminal, asks=True)
    from tcpchat.repl import pipe

    def run(plan: Options) -> int:
        return _run(partial(pipe.talk_json if json else pipe.talk_plainly, pipe.for_pipe(plan)))

    return _coded(plan, run, asks=sys.stdin.isatty() and not json)


def send(plan: Options, text: str, *, username: str | None, time: float | None) -> int:
    """Say one thing and return the exit code, 0 only once it is kept."""
    from tcpchat.repl import pipe

    return _coded(plan, lambda plan: _run(partial(pipe.send, pipe.for_pipe(plan), text, username, time)))


def tail(plan: Options, *, json: bool, follow: bool) -> int:
    """Print what was said and return the exit code."""
    from tcpchat.repl import pipe

    return _coded(plan, lambda plan: _run(partial(pipe.tail, plan, json=json, follow=follow)))


def host(settings: Settings | None) -> AbstractAsyncContextManager[str]:
    """Run a server here while the block lasts."""
    from tcpchat.service.embedded import embedded_server
    from tcpchat.settings import Settings

    log = user_state_path("tcpchat", appauthor=False) / "server.log"
    return embedded_server(settings or Settings(), log)


def _run(main: Callable[[], Awaitable[T]]) -> T:
    import trio

    return trio.run(main)


def _coded(plan: Options, run: Callable[[Options], int | None], *, asks: bool = False) -> int:
    """Run it; tell what went wrong in one sentence on stderr; return the exit code.

    A person who `asks` allows may say that an unknown server is to be trusted.
    """
    try:
        if plan.tls is None:
            return FAILED if run(plan) else 0
        from tcpchat.cli.trust import trusting

        return FAILED if trusting(plan, run, asks=asks) else 0
    except (Exception, KeyboardInterrupt, BaseExceptionGroup) as error:
        return _told(error)


def _told(error: BaseException) -> int:
    from tcpchat.client import DisconnectedError, RefusedError

    error = cause(error)
    if isinstance(error, BrokenPipeError):
        print_no_more()
        return 0
    if isinstance(error, KeyboardInterrupt):
        return 0
    if not isinstance(error, DisconnectedError | RefusedError | StartError):
        raise error
    text = str(error)
    if isinstance(error, RefusedError) and error.code in NEEDS_PASSWORD:
        text += f"; with --name and {PASSWORD} in the environment you are a registered user"
    complain(text)
    return NO_CONNECTION if isinstance(error, DisconnectedError) else FAILED
