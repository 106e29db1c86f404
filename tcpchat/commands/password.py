"""`password`: take another password."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from tcpchat.commands.command import PASSWORD_COST, Command, Outcome, secret
from tcpchat.protocol import Request

if TYPE_CHECKING:
    from tcpchat.chat.context import Context


@attrs.frozen(kw_only=True)
class Password(Request):
    """Ask for another password."""

    type: ClassVar[str] = "password"
    password: str = attrs.field(repr=False, metadata=secret("PASSWORD", "your password so far"))
    new: str = attrs.field(repr=False, metadata=secret("PASSWORD", "the new password", new=True))


async def run(context: Context, request: Password) -> Outcome:
    return await context.access.change_password(request.password, request.new)


COMMAND = Command(
    request=Password,
    run=run,
    cost=PASSWORD_COST,
    summary="take another password; all other sessions of yours end",
    examples=("password", '{"type":"password","password":"correct horse","new":"battery staple"}'),
)
