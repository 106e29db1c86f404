"""What a command of the operator is: as a chat's command, but for who runs it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeAlias, TypeVar

import attrs

from tcpchat.protocol import Command, Reply, Request

if TYPE_CHECKING:
    from tcpchat.admin.context import OperatorContext
    from tcpchat.chat.entry import Entry

Q = TypeVar("Q", bound=Request)
Outcome: TypeAlias = "Reply | Entry"
"""The reply, or an entry that is answered once it is on disk."""


@attrs.frozen(kw_only=True, eq=False)
class AdminCommand(Command[Q, Reply]):
    """One command that the operator's socket takes, as JSON. `examples` are what is typed in a shell."""

    reply: type[Reply] = Reply
    run: Callable[[OperatorContext, Q], Outcome | Awaitable[Outcome]]
