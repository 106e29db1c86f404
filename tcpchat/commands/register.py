"""`register`: keep a name for good."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from tcpchat.commands.command import PASSWORD_COST, Command, Outcome, option, secret
from tcpchat.protocol import Request

if TYPE_CHECKING:
    from tcpchat.chat.context import Context


@attrs.frozen(kw_only=True)
class Register(Request):
    """Ask that your name is yours on this server from now on."""

    type: ClassVar[str] = "register"
    password: str = attrs.field(
        repr=False, metadata=secret("PASSWORD", "the password that you choose", new=True)
    )
    device: str | None = attrs.field(
        default=None,
        metadata=option(None, "DEVICE", "what `sessions` calls this device, one word"),
    )


async def run(context: Context, request: Register) -> Outcome:
    return await context.access.register(request.password, request.device)


def ready(context: Context) -> None:
    context.access.check_may_register()


COMMAND = Command(
    request=Register,
    run=run,
    ready=ready,
    cost=PASSWORD_COST,
    summary="keep your name for good: who wants it later needs the password",
    examples=(
        "register",
        "register --password correcthorse",
        '{"type":"register","password":"correct horse"}',
    ),
)
