"""What a command of the operator is: as a chat's command, but for who runs it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import attrs

from tcpchat.commands import Command, Outcome
from tcpchat.protocol import Request

if TYPE_CHECKING:
    from tcpchat.admin.context import OperatorContext

R = TypeVar("R", bound=Request)


@attrs.frozen(kw_only=True, eq=False)
class AdminCommand(Command[R]):
    """One command that the operator's socket takes, as JSON. `examples` are what is typed in a shell."""

    run: Callable[[OperatorContext, R], Outcome | Awaitable[Outcome]]  # type: ignore[assignment]  # its own context
