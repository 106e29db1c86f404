"""The registry of handlers: which function does what a command's request asks for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias, TypeVar

from tcpchat.chat.operations.base import Operation
from tcpchat.handlers.caller import Caller
from tcpchat.protocol import Command, EncodedReply, Reply, Request

Q = TypeVar("Q", bound=Request)
R = TypeVar("R", bound=Reply)
Outcome: TypeAlias = R | EncodedReply[R] | Operation
"""The reply; or an operation, whose reply comes once it is on disk."""
Handler: TypeAlias = Callable[[Caller, Q], Awaitable[Outcome[R]]]
NowaitHandler: TypeAlias = Callable[[Caller, Q], Operation | None]
Precheck: TypeAlias = Callable[[Caller], None]

HANDLERS: Final[dict[type[Request], Handler[Any, Any]]] = {}
"""By class of the request."""
NOWAIT: Final[dict[type[Request], NowaitHandler[Any]]] = {}
"""The handlers of pipelined commands, to be tried first: None means that there is something to wait for."""
PRECHECKS: Final[dict[type[Request], Precheck]] = {}
"""Functions that raise ChatError where it is no use to ask for a secret."""


def handles(command: Command[Q, R]) -> Callable[[Handler[Q, R]], Handler[Q, R]]:
    """Let the decorated function do what a command asks for. It may raise ChatError."""

    def register(handler: Handler[Q, R]) -> Handler[Q, R]:
        _put(HANDLERS, command, handler)
        return handler

    return register


def handles_nowait(command: Command[Q, Any]) -> Callable[[NowaitHandler[Q]], NowaitHandler[Q]]:
    """Let the decorated function be tried first. It returns None, with nothing changed, if it had to wait."""

    def register(handler: NowaitHandler[Q]) -> NowaitHandler[Q]:
        _put(NOWAIT, command, handler)
        return handler

    return register


def prechecks(command: Command[Any, Any]) -> Callable[[Precheck], Precheck]:
    """Let the decorated function run before a secret of the command is asked for."""

    def register(check: Precheck) -> Precheck:
        _put(PRECHECKS, command, check)
        return check

    return register


def _put(table: dict[type[Request], Any], command: Command[Any, Any], function: object) -> None:
    if command.request in table:
        raise ValueError(f"{command.name} has a handler already")
    table[command.request] = function
