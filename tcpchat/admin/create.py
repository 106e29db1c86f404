"""`create`: a registered user."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from tcpchat.admin.command import AdminCommand
from tcpchat.admin.replies import NAME, Created
from tcpchat.chat.account import CreateEntry
from tcpchat.errors import ChatError
from tcpchat.names import enforce, skeleton
from tcpchat.protocol import GUEST, Request, about

if TYPE_CHECKING:
    from tcpchat.admin.context import OperatorContext


@attrs.frozen(kw_only=True)
class Create(Request):
    """Ask for a registered user."""

    type: ClassVar[str] = "create"
    name: str = attrs.field(metadata=NAME)
    password: str = attrs.field(repr=False, metadata=about("what the user logs in with"))


async def run(context: OperatorContext, request: Create) -> CreateEntry:
    chat = context.chat
    name = enforce(request.name, chat.settings.limits.name_characters)
    if name.startswith(GUEST):
        raise ChatError("bad-name", f"names that begin with {GUEST} are for guests", name=name)
    hash = await context.hashes.hash(request.password)
    user = chat.people.new_user(name, skeleton(name))
    if not chat.hub.is_free(user.key):
        message = f"{name} is taken by a user or a guest, or looks like a name that is"
        raise ChatError("name-taken", message, name=name)
    chat.hub.claim(user, name, user.key)
    return CreateEntry(chat, user, hash, Created(user=name))


COMMAND = AdminCommand(
    request=Create,
    run=run,
    summary="make a registered user",
    examples=("tcpchat admin create alice",),
)
