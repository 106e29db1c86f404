"""`backup`: a copy of all data, while the server goes on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import attrs

from tcpchat.admin.command import AdminCommand
from tcpchat.admin.replies import BackedUp
from tcpchat.errors import ChatError
from tcpchat.protocol import LOBBY, Request, about

if TYPE_CHECKING:
    from tcpchat.admin.context import OperatorContext


@attrs.frozen(kw_only=True)
class Backup(Request):
    """Ask for a copy of all data."""

    type: ClassVar[str] = "backup"
    file: str = attrs.field(metadata=about("the absolute path of a file that does not exist yet"))


async def run(context: OperatorContext, request: Backup) -> BackedUp:
    file = Path(request.file)
    if not file.is_absolute() or "\0" in request.file:
        message = "the file is an absolute path, since the server has another working directory than you"
        raise ChatError("bad-value", message, field="file")
    copied = await context.reader.back_up(file, LOBBY)
    return BackedUp(file=request.file, bytes=copied.bytes, messages=copied.messages, seq=copied.seq)


COMMAND = AdminCommand(
    request=Backup,
    run=run,
    summary="write a copy of all data to a new file, while the server goes on",
    examples=("tcpchat admin backup friday.db",),
)
