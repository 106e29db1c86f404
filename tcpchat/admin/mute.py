"""`mute`: let a user read but not send."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from tcpchat.admin.command import AdminCommand
from tcpchat.admin.context import check_reason, shown
from tcpchat.admin.replies import NAME, Muted
from tcpchat.chat.moderation import Mute as Sentence
from tcpchat.chat.operations.moderation import MuteUser
from tcpchat.protocol import Request, about

if TYPE_CHECKING:
    from tcpchat.admin.context import OperatorContext


@attrs.frozen(kw_only=True)
class Mute(Request):
    """Ask to let a user read but not send."""

    type: ClassVar[str] = "mute"
    name: str = attrs.field(metadata=NAME)
    seconds: float | None = attrs.field(default=None, metadata=about("for how long; without it for good"))
    reason: str | None = attrs.field(default=None, metadata=about("why, which who is muted reads"))


async def run(context: OperatorContext, request: Mute) -> Muted:
    check_reason(request.reason)
    until, reason = context.until(request.seconds), request.reason
    user = await context.loader.named(request.name)
    await context.commit(MuteUser(user=user.id, mute=Sentence(until, reason, by_operator=True)))
    return Muted(user=user.name, until=shown(until), reason=reason)


COMMAND = AdminCommand(
    request=Mute,
    run=run,
    summary="let a user read but not send, for some time or until `unmute`",
    examples=("tcpchat admin mute bob --for 1h --reason 'too loud'",),
)
