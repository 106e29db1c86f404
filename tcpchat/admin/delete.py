"""`delete`: leave nothing of a user."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from tcpchat.admin.command import AdminCommand
from tcpchat.admin.replies import NAME, Deleted
from tcpchat.chat.operations.users import Delete as DeleteOperation
from tcpchat.protocol import Request

if TYPE_CHECKING:
    from tcpchat.admin.context import OperatorContext


@attrs.frozen(kw_only=True)
class Delete(Request):
    """Ask to leave nothing of a user but the numbers and times of messages."""

    type: ClassVar[str] = "delete"
    name: str = attrs.field(metadata=NAME)


async def run(context: OperatorContext, request: Delete) -> Deleted:
    user = await context.loader.named(request.name)
    delete = DeleteOperation(user=user.id)
    await context.commit(delete)
    return Deleted(user=user.name, ended=delete.ended)


COMMAND = AdminCommand(
    request=Delete,
    run=run,
    summary="delete a user: account, name, sessions, and the text of all that the user wrote",
    examples=("tcpchat admin delete bob",),
)
