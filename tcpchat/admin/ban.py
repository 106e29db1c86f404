"""`ban`: keep a user, or addresses, out."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from tcpchat.admin.command import AdminCommand
from tcpchat.admin.context import check_reason, shown
from tcpchat.admin.replies import Banned
from tcpchat.chat.bans import ADDRESS, USER, Network, as_network
from tcpchat.chat.operations.moderation import Ban as BanOperation
from tcpchat.chat.user import User
from tcpchat.protocol import Request, about
from tcpchat.store.changes import SetBan

if TYPE_CHECKING:
    from tcpchat.admin.context import OperatorContext


@attrs.frozen(kw_only=True)
class Ban(Request):
    """Ask to keep a user or addresses out."""

    type: ClassVar[str] = "ban"
    target: str = attrs.field(metadata=about("an address, a network such as 192.0.2.0/24, or a user's name"))
    name: bool = attrs.field(default=False, metadata=about("the target is a name, whatever it looks like"))
    seconds: float | None = attrs.field(default=None, metadata=about("for how long; without it for good"))
    reason: str | None = attrs.field(default=None, metadata=about("why, which who is banned reads"))


async def run(context: OperatorContext, request: Ban) -> Banned:
    check_reason(request.reason)
    until = context.until(request.seconds)
    network = None if request.name else as_network(request.target)
    if network is None:
        user = await context.loader.named(request.target)
        return await _ban_user(context, user, SetBan(USER, user.id, until, request.reason))
    return await _ban_addresses(context, SetBan(ADDRESS, _written(network), until, request.reason))


async def _ban_user(context: OperatorContext, user: User, ban: SetBan) -> Banned:
    await context.commit(BanOperation(ban=ban, user=user.id))
    connected = [session for session in user.sessions if session.connection is not None]
    for connection in list(user.connections):
        connection.stop("banned")
    addresses = sorted({session.address for session in connected})
    until = shown(ban.until)
    return Banned(user=user.name, until=until, reason=ban.reason, ended=len(connected), addresses=addresses)


async def _ban_addresses(context: OperatorContext, ban: SetBan) -> Banned:
    await context.commit(BanOperation(ban=ban))
    now, ended = context.now(), 0
    for connection in context.connections:
        if connection.reading and context.state.bans.of_address(connection.address, now):
            connection.stop("banned")
            ended += 1
    return Banned(address=ban.target, until=shown(ban.until), reason=ban.reason, ended=ended, addresses=[])


def _written(network: Network) -> str:
    """Write a network as people do: without a prefix if it is one address."""
    return str(network.network_address if network.num_addresses == 1 else network)


COMMAND = AdminCommand(
    request=Ban,
    run=run,
    summary="keep a user or addresses out, for some time or until `unban`",
    examples=(
        "tcpchat admin ban bob --for 1d --reason 'advertising'",
        "tcpchat admin ban 192.0.2.0/24",
        "tcpchat admin ban 2001:db8::/64 --for 2h",
    ),
)
