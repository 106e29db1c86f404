"""`ban`: keep a user, or addresses, out."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from tcpchat.admin.command import AdminCommand
from tcpchat.admin.context import check_reason, shown
from tcpchat.admin.replies import Banned
from tcpchat.chat.bans import ADDRESS, USER, Network, as_network
from tcpchat.chat.verdict import BanEntry
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


async def run(context: OperatorContext, request: Ban) -> BanEntry:
    check_reason(request.reason)
    until = context.until(request.seconds)
    network = None if request.name else as_network(request.target)
    if network is not None:
        return _addresses(context, network, SetBan(ADDRESS, _written(network), until, request.reason))
    user = await context.awakening.named(request.target)
    ban = SetBan(USER, user.id, until, request.reason)

    def banned() -> Banned:
        here = [device for device in user.devices if device.connection is not None]
        for connection in list(user.connections):
            connection.stop("banned")
        addresses = sorted({device.address for device in here})
        return Banned(
            user=user.name, until=shown(until), reason=ban.reason, ended=len(here), addresses=addresses
        )

    return BanEntry(context.chat.bans, ban, user, banned)


def _addresses(context: OperatorContext, network: Network, ban: SetBan) -> BanEntry:
    bans = context.chat.bans

    def banned() -> Banned:
        now, ended = context.now(), 0
        for connection in context.connections:
            if connection.reading and bans.of_address(connection.address, now):
                connection.stop("banned")
                ended += 1
        return Banned(
            address=ban.target, until=shown(ban.until), reason=ban.reason, ended=ended, addresses=[]
        )

    return BanEntry(bans, ban, None, banned)


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
