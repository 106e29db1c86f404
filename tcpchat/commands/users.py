"""`users`: who is here."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from tcpchat.commands.command import Command, option
from tcpchat.protocol import Request, encode_part, page
from tcpchat.protocol import Users as UsersReply

if TYPE_CHECKING:
    from tcpchat.chat.context import Context
    from tcpchat.chat.user import User


PAGE = 1000  # users in one reply, which takes a millisecond


@attrs.frozen(kw_only=True)
class Users(Request):
    """Ask who is here."""

    type: ClassVar[str] = "users"
    after: str | None = attrs.field(
        default=None, metadata=option(None, "NAME", "only names that sort after this one: the next page")
    )


def run(context: Context, request: Users) -> UsersReply:
    now = context.now()
    muted_until = context.chat.moderation.muted_until
    found = context.chat.hub.users(request.after or "", PAGE + 1)
    parts = (
        user.describe() if (until := muted_until(user.id, now)) is None else _muted(user, until)
        for user in found[:PAGE]
    )
    shown, more = page(parts)
    return UsersReply(users=shown, more=more or len(found) > PAGE)


def _muted(user: User, until: int) -> bytes:
    return encode_part(user.info(muted_until=until))


COMMAND = Command(
    request=Users,
    run=run,
    summary="who is here, since when, and who is muted until when",
    examples=("users", '{"type":"users"}'),
)
