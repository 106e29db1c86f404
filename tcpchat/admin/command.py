"""The record of an operator's command, and the metadata that fields of several commands share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final, TypeVar

import attrs

from tcpchat.protocol import Command, Reply, Request, about

if TYPE_CHECKING:
    from tcpchat.admin.context import OperatorContext

Q = TypeVar("Q", bound=Request[Any])
R = TypeVar("R", bound=Reply)

NAME: Final = about("the user's name")
SECONDS: Final = about("the duration in seconds; permanent if absent")
UNTIL: Final = about("the end; absent if permanent")
REASON: Final = about("the reason that the operator gave")
ENDED: Final = about("the number of connections that were closed")
MORE: Final = about("whether there are more; ask again for the next page")


@attrs.frozen(kw_only=True, eq=False)
class AdminCommand(Command[Q, R]):
    """One command that the admin socket accepts, as JSON. `examples` are typed in a shell."""

    run: Callable[[OperatorContext, Q], Awaitable[R]]
    """Runs the command to its last commit. Raises ChatError."""
