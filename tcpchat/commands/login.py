"""`login`: be a registered user."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from tcpchat.commands.command import PASSWORD_COST, Command, argument, option, secret
from tcpchat.protocol import LoggedIn, Request

if TYPE_CHECKING:
    from tcpchat.chat.context import Context


@attrs.frozen(kw_only=True)
class Login(Request):
    """Ask to be a registered user, in a session of your own."""

    type: ClassVar[str] = "login"
    name: str = attrs.field(metadata=argument("NAME", "the registered name"))
    password: str = attrs.field(repr=False, metadata=secret("PASSWORD", "the password"))
    device: str | None = attrs.field(
        default=None,
        metadata=option(None, "DEVICE", "what `sessions` calls this device, one word"),
    )


async def run(context: Context, request: Login) -> LoggedIn:
    return await context.access.login(request.name, request.password, request.device)


COMMAND = Command(
    request=Login,
    run=run,
    cost=PASSWORD_COST,
    summary="be a registered user; several connections may be the same one",
    examples=("login alice", '{"type":"login","name":"alice","password":"correct horse"}'),
    free=True,
    arriving=True,
)
