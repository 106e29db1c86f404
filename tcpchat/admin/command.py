"""What a command of the operator is: as a chat's command, but for who runs it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import attrs

from tcpchat.protocol import Command, Reply, Request

if TYPE_CHECKING:
    from tcpchat.admin.context import OperatorContext

Q = TypeVar("Q", bound=Request)


@attrs.frozen(kw_only=True, eq=False)
class AdminCommand(Command[Q, Reply]):
    """One command that the operator's socket takes, as JSON. `examples` are what is typed in a shell."""

    reply: type[Reply] = Reply
    run: Callable[[OperatorContext, Q], Awaitable[Reply]]
    """Does it, to the last commit."""
