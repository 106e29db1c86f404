"""`unmute`: let a user send again."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from tcpchat.admin.command import AdminCommand
from tcpchat.admin.replies import NAME, Unmuted
from tcpchat.chat.moderation import NOT_MUTED
from tcpchat.chat.operations.moderation import MuteUser
from tcpchat.errors import ChatError
from tcpchat.protocol import Request

if TYPE_CHECKING:
    from tcpchat.admin.context import OperatorContext


@attrs.frozen(kw_only=True)
class Unmute(Request):
    """Ask to let a user send again, who was muted by the operator or by the reports of others."""

    type: ClassVar[str] = "unmute"
    name: str = attrs.field(metadata=NAME)


async def run(context: OperatorContext, request: Unmute) -> Unmuted:
    user = await context.loader.named(request.name)
    if context.state.moderation.muted_until(user.id, context.now()) is None:
        raise ChatError("bad-value", f"{user.name} is not muted", field="name")
    await context.commit(MuteUser(user=user.id, mute=NOT_MUTED))
    return Unmuted(user=user.name)


COMMAND = AdminCommand(
    request=Unmute,
    run=run,
    summary="let a muted user send again; what was reported stays, so one more report mutes again",
    examples=("tcpchat admin unmute bob",),
)
