"""`conversations`: with whom you have talked privately."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from tcpchat.commands.command import Command, option
from tcpchat.protocol import Conversations as ConversationsReply
from tcpchat.protocol import Request

if TYPE_CHECKING:
    from tcpchat.chat.context import Context


@attrs.frozen(kw_only=True)
class Conversations(Request):
    """Ask for your private conversations."""

    type: ClassVar[str] = "conversations"
    after: str | None = attrs.field(
        default=None, metadata=option(None, "ID", "only rooms whose ids sort after this one: the next page")
    )


async def run(context: Context, request: Conversations) -> ConversationsReply:
    return await context.reading.conversations(request.after)


COMMAND = Command(
    request=Conversations,
    run=run,
    summary="with whom you talked privately, and how far each of you has read",
    examples=("conversations", '{"type":"conversations"}'),
)
