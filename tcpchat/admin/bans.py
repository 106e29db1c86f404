"""`bans`: who is kept out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

import attrs

from tcpchat.admin.command import AdminCommand
from tcpchat.admin.context import shown
from tcpchat.admin.replies import BanRow
from tcpchat.admin.replies import Bans as BansReply
from tcpchat.chat.bans import USER
from tcpchat.protocol import Request, about
from tcpchat.store.changes import SetBan
from tcpchat.store.queries.users import names_of

if TYPE_CHECKING:
    from tcpchat.admin.context import OperatorContext

PAGE = 200  # bans in one reply; each takes up to 4 KB of its line


@attrs.frozen(kw_only=True)
class Bans(Request):
    """Ask for all bans."""

    type: ClassVar[str] = "bans"
    skip: int = attrs.field(default=0, metadata=about("how many of the first ones to leave out"))


async def run(context: OperatorContext, request: Bans) -> BansReply:
    found = context.state.bans.all(context.now())
    start = max(0, request.skip)
    page = found[start : start + PAGE]
    named = await names(context, page)
    rows = [
        BanRow(
            user=named.get(ban.target, "?") if ban.kind == USER else None,
            address=None if ban.kind == USER else ban.target,
            until=shown(ban.until),
            reason=ban.reason,
        )
        for ban in page
    ]
    return BansReply(bans=rows, more=len(found) > start + PAGE)


async def names(context: OperatorContext, bans: Iterable[SetBan]) -> dict[str, str]:
    """Return the names of banned users by id; of who is gone the last one."""
    state, found = context.state, {}
    ids = [ban.target for ban in bans if ban.kind == USER]
    for id in ids:
        known = state.users.get(id) or state.directory.stored(id)
        if known is not None:
            found[id] = known.name
    unknown = [id for id in ids if id not in found]
    return found | (await context.reader.ask(names_of, unknown) if unknown else {})


COMMAND = AdminCommand(
    request=Bans,
    run=run,
    summary="list the bans that hold",
    examples=("tcpchat admin bans",),
)
