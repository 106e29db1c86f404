"""Operator's commands of moderation: bans and mutes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

import attrs

from tcpchat.address import Network, parse_network
from tcpchat.admin.command import ENDED, MORE, NAME, REASON, SECONDS, UNTIL, AdminCommand
from tcpchat.admin.context import shown
from tcpchat.chat import moderation
from tcpchat.chat.bans import ADDRESS, USER
from tcpchat.chat.operations import moderation as operations
from tcpchat.chat.user import User
from tcpchat.errors import ChatError
from tcpchat.protocol import Reply, Request, about
from tcpchat.serving.close_reasons import BANNED
from tcpchat.store.changes import SetBan
from tcpchat.store.queries.users import names_of

if TYPE_CHECKING:
    from tcpchat.admin.context import OperatorContext

PAGE = 200  # bans in one reply; each takes up to 4 KB of its line
REASON_CHARACTERS = 500  # users read it in one line

_TARGET = about("an address, a network such as 192.0.2.0/24, or a user's name")
_IS_NAME = about("whether the target is a name, even if it looks like an address")


def _check_reason(reason: str | None) -> None:
    """Raise ChatError `text-too-long`."""
    if reason is not None and len(reason) > REASON_CHARACTERS:
        message = f"the reason has {len(reason)} characters; at most {REASON_CHARACTERS} are allowed"
        raise ChatError("text-too-long", message, field="reason", limit=REASON_CHARACTERS)


@attrs.frozen(kw_only=True)
class Banned(Reply):
    """The user, or the addresses, cannot connect any more."""

    type: ClassVar[str] = "banned"
    user: str | None = attrs.field(default=None, metadata=NAME)
    address: str | None = attrs.field(default=None, metadata=about("the address or network"))
    until: str | None = attrs.field(default=None, metadata=UNTIL)
    reason: str | None = attrs.field(default=None, metadata=REASON)
    ended: int = attrs.field(metadata=ENDED)
    addresses: list[str] = attrs.field(metadata=about("the addresses from which the user was connected"))


@attrs.frozen(kw_only=True)
class Ban(Request[Banned]):
    """Ban a user or addresses."""

    type: ClassVar[str] = "ban"
    target: str = attrs.field(metadata=_TARGET)
    name: bool = attrs.field(default=False, metadata=_IS_NAME)
    seconds: float | None = attrs.field(default=None, metadata=SECONDS)
    reason: str | None = attrs.field(default=None, metadata=about("the reason, which the user can read"))


async def _ban(context: OperatorContext, request: Ban) -> Banned:
    _check_reason(request.reason)
    until = context.until(request.seconds)
    network = None if request.name else parse_network(request.target)
    if network is None:
        user = await context.loader.named(request.target)
        return await _ban_user(context, user, SetBan(USER, user.id, until, request.reason))
    return await _ban_addresses(context, SetBan(ADDRESS, _written(network), until, request.reason))


async def _ban_user(context: OperatorContext, user: User, ban: SetBan) -> Banned:
    await context.commit(operations.Ban(ban=ban, user=user.id))
    user = context.state.users.get(user.id) or user  # who came and went meanwhile
    connected = [session for session in user.sessions if session.connection is not None]
    for connection in list(user.connections):
        connection.stop(BANNED)
    addresses = sorted({session.address for session in connected})
    until = shown(ban.until)
    return Banned(user=user.name, until=until, reason=ban.reason, ended=len(connected), addresses=addresses)


async def _ban_addresses(context: OperatorContext, ban: SetBan) -> Banned:
    await context.commit(operations.Ban(ban=ban))
    now, ended = context.now(), 0
    for connection in context.connections:
        if connection.reading and context.state.bans.of_address(connection.address, now):
            connection.stop(BANNED)
            ended += 1
    return Banned(address=ban.target, until=shown(ban.until), reason=ban.reason, ended=ended, addresses=[])


def _written(network: Network) -> str:
    """Write a network as people do: without a prefix if it is one address."""
    return str(network.network_address if network.num_addresses == 1 else network)


@attrs.frozen(kw_only=True)
class Unbanned(Reply):
    """The user, or the addresses, can connect again."""

    type: ClassVar[str] = "unbanned"
    target: str = attrs.field(metadata=about("the name, the address or the network"))


@attrs.frozen(kw_only=True)
class Unban(Request[Unbanned]):
    """Lift a ban."""

    type: ClassVar[str] = "unban"
    target: str = attrs.field(metadata=about("the address, network or name that was banned"))
    name: bool = attrs.field(default=False, metadata=_IS_NAME)


async def _unban(context: OperatorContext, request: Unban) -> Unbanned:
    target = request.target
    network = None if request.name else parse_network(target)
    found = context.state.bans.all(context.now())
    if network is not None:
        lifted = [ban for ban in found if ban.kind == ADDRESS and parse_network(ban.target) == network]
    else:
        names = await _names(context, found)
        lifted = [ban for ban in found if ban.kind == USER and names.get(ban.target) == target.lower()]
    if not lifted:
        within = None if network is None else context.state.bans.of_address(target, context.now())
        hint = "see bans" if within is None else f"it is part of {within.target}, which is"
        raise ChatError("bad-value", f"{target[:64]} is not banned; {hint}", field="target")
    await context.commit(operations.LiftBans(bans=lifted))
    return Unbanned(target=target)


@attrs.frozen(kw_only=True)
class BanInfo:
    """One ban, of a user or of addresses."""

    user: str | None = attrs.field(default=None, metadata=about("the last name of the user"))
    address: str | None = attrs.field(default=None, metadata=about("the address or network"))
    until: str | None = attrs.field(default=None, metadata=UNTIL)
    reason: str | None = attrs.field(default=None, metadata=REASON)


@attrs.frozen(kw_only=True)
class Bans(Reply):
    """All current bans."""

    type: ClassVar[str] = "bans"
    bans: list[BanInfo] = attrs.field(metadata=about("users first"))
    more: bool = attrs.field(metadata=MORE)


@attrs.frozen(kw_only=True)
class ListBans(Request[Bans]):
    """List all bans."""

    type: ClassVar[str] = "bans"
    skip: int = attrs.field(default=0, metadata=about("the number of bans to leave out: the next page"))


async def _list_bans(context: OperatorContext, request: ListBans) -> Bans:
    found = context.state.bans.all(context.now())
    start = max(0, request.skip)
    page = found[start : start + PAGE]
    names = await _names(context, page)
    rows = [
        BanInfo(
            user=names.get(ban.target, "?") if ban.kind == USER else None,
            address=None if ban.kind == USER else ban.target,
            until=shown(ban.until),
            reason=ban.reason,
        )
        for ban in page
    ]
    return Bans(bans=rows, more=len(found) > start + PAGE)


async def _names(context: OperatorContext, bans: Iterable[SetBan]) -> dict[str, str]:
    """Return the names of banned users by id; the last names of users who are gone."""
    state, found = context.state, {}
    ids = [ban.target for ban in bans if ban.kind == USER]
    for id in ids:
        known = state.users.get(id) or state.directory.stored(id)
        if known is not None:
            found[id] = known.name
    unknown = [id for id in ids if id not in found]
    return found | (await context.reader.ask(names_of, unknown) if unknown else {})


@attrs.frozen(kw_only=True)
class Muted(Reply):
    """The user may read but not send."""

    type: ClassVar[str] = "muted"
    user: str = attrs.field(metadata=NAME)
    until: str | None = attrs.field(default=None, metadata=UNTIL)
    reason: str | None = attrs.field(default=None, metadata=REASON)


@attrs.frozen(kw_only=True)
class Mute(Request[Muted]):
    """Mute a user, who may then read but not send."""

    type: ClassVar[str] = "mute"
    name: str = attrs.field(metadata=NAME)
    seconds: float | None = attrs.field(default=None, metadata=SECONDS)
    reason: str | None = attrs.field(default=None, metadata=about("the reason, which the user can read"))


async def _mute(context: OperatorContext, request: Mute) -> Muted:
    _check_reason(request.reason)
    until, reason = context.until(request.seconds), request.reason
    user = await context.loader.named(request.name)
    mute = moderation.Mute(until, reason, by_operator=True)
    await context.commit(operations.MuteUser(user=user.id, mute=mute))
    return Muted(user=user.name, until=shown(until), reason=reason)


@attrs.frozen(kw_only=True)
class Unmuted(Reply):
    """The user may send."""

    type: ClassVar[str] = "unmuted"
    user: str = attrs.field(metadata=NAME)


@attrs.frozen(kw_only=True)
class Unmute(Request[Unmuted]):
    """Unmute a user whom the operator or reports by others muted."""

    type: ClassVar[str] = "unmute"
    name: str = attrs.field(metadata=NAME)


async def _unmute(context: OperatorContext, request: Unmute) -> Unmuted:
    user = await context.loader.named(request.name)
    if context.state.moderation.muted_until(user.id, context.now()) is None:
        raise ChatError("bad-value", f"{user.name} is not muted", field="name")
    await context.commit(operations.MuteUser(user=user.id, mute=moderation.NOT_MUTED))
    return Unmuted(user=user.name)


BAN = AdminCommand(
    request=Ban,
    reply=Banned,
    run=_ban,
    summary="ban a user or addresses, for some time or until `unban`",
    examples=(
        "tcpchat admin ban bob --for 1d --reason 'advertising'",
        "tcpchat admin ban 192.0.2.0/24",
        "tcpchat admin ban 2001:db8::/64 --for 2h",
    ),
)
UNBAN = AdminCommand(
    request=Unban,
    reply=Unbanned,
    run=_unban,
    summary="lift the ban of a user or of addresses",
    examples=("tcpchat admin unban bob",),
)
BANS = AdminCommand(
    request=ListBans,
    reply=Bans,
    run=_list_bans,
    summary="list the current bans",
    examples=("tcpchat admin bans",),
)
MUTE = AdminCommand(
    request=Mute,
    reply=Muted,
    run=_mute,
    summary="mute a user, who may then read but not send, for some time or until `unmute`",
    examples=("tcpchat admin mute bob --for 1h --reason 'too loud'",),
)
UNMUTE = AdminCommand(
    request=Unmute,
    reply=Unmuted,
    run=_unmute,
    summary="unmute a user; earlier reports still count, so one more report mutes again",
    examples=("tcpchat admin unmute bob",),
)
COMMANDS = (BAN, UNBAN, BANS, MUTE, UNMUTE)
