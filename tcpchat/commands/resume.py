"""`resume`: come back as the user that one was on a connection before."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from tcpchat.commands.command import Command, argument, option, whole_number
from tcpchat.protocol import Request, Resumed

if TYPE_CHECKING:
    from tcpchat.chat.context import Context


@attrs.frozen(kw_only=True)
class Resume(Request):
    """Ask to be the user of a token."""

    type: ClassVar[str] = "resume"
    token: str = attrs.field(
        repr=False, metadata=argument("TOKEN", "what `welcome` or `logged-in` gave you on that connection")
    )
    after: int | None = attrs.field(
        default=None,
        metadata=option(None, "SEQ", "first send what the lobby said after this message", whole_number),
    )


async def run(context: Context, request: Resume) -> Resumed:
    return await context.access.resume(request.token, request.after)


COMMAND = Command(
    request=Resume,
    run=run,
    summary="be the user again that you were on another connection",
    examples=(
        "resume kJ0uV3yXk4Qm5c6m1mRr7b3bE6H3VXJ9wqk2b7n0Yd8",
        "resume kJ0uV3yXk4Qm5c6m1mRr7b3bE6H3VXJ9wqk2b7n0Yd8 --after 812",
        '{"type":"resume","token":"kJ0uV3yXk4Qm5c6m1mRr7b3bE6H3VXJ9wqk2b7n0Yd8"}',
    ),
    free=True,
    arriving=True,
)
