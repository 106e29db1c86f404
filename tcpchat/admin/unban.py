"""`unban`: let a user, or addresses, in again."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from tcpchat.admin.bans import names
from tcpchat.admin.command import AdminCommand
from tcpchat.admin.replies import Unbanned
from tcpchat.chat.bans import ADDRESS, USER, as_network
from tcpchat.chat.operations.moderation import LiftBans
from tcpchat.errors import ChatError
from tcpchat.protocol import Request, about

if TYPE_CHECKING:
    from tcpchat.admin.context import OperatorContext


@attrs.frozen(kw_only=True)
class Unban(Request):
    """Ask to let a user or addresses in again."""

    type: ClassVar[str] = "unban"
    target: str = attrs.field(metadata=about("what was banned: an address, a network or a name"))
    name: bool = attrs.field(default=False, metadata=about("the target is a name, whatever it looks like"))


async def run(context: OperatorContext, request: Unban) -> Unbanned:
    target = request.target
    network = None if request.name else as_network(target)
    found = context.state.bans.all(context.now())
    if network is not None:
        lifted = [ban for ban in found if ban.kind == ADDRESS and as_network(ban.target) == network]
    else:
        named = await names(context, found)
        lifted = [ban for ban in found if ban.kind == USER and named.get(ban.target) == target.lower()]
    if not lifted:
        within = None if network is None else context.state.bans.of_address(target, context.now())
        hint = "see bans" if within is None else f"but {within.target} is, which it is part of"
        raise ChatError("bad-value", f"{target[:64]} is not banned; {hint}", field="target")
    await context.commit(LiftBans(bans=lifted))
    return Unbanned(target=target)


COMMAND = AdminCommand(
    request=Unban,
    run=run,
    summary="let a user or addresses in again",
    examples=("tcpchat admin unban bob",),
)
