"""`delete`: leave nothing of a user."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from tcpchat.admin.command import AdminCommand
from tcpchat.admin.replies import NAME, Deleted
from tcpchat.chat.account import DeleteEntry
from tcpchat.protocol import Request

if TYPE_CHECKING:
    from tcpchat.admin.context import Office


@attrs.frozen(kw_only=True)
class Delete(Request):
    """Ask to leave nothing of a user but the numbers and times of messages."""

    type: ClassVar[str] = "delete"
    name: str = attrs.field(metadata=NAME)


async def run(office: Office, request: Delete) -> DeleteEntry:
    user = await office.awakening.named(request.name)
    return DeleteEntry(office.chat, user, lambda ended: Deleted(user=user.name, ended=ended))


COMMAND = AdminCommand(
    request=Delete,
    run=run,
    summary="delete a user: account, name, sessions, and the text of all that the user wrote",
    examples=("tcpchat admin delete bob",),
)
