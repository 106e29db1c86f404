"""`create`: a registered user."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from tcpchat.admin.command import AdminCommand
from tcpchat.admin.replies import NAME, Created
from tcpchat.chat.operations.sessions import CreateUser
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


async def run(context: OperatorContext, request: Create) -> Created:
    state = context.state
    name = enforce(request.name, state.settings.limits.name_characters)
    if name.startswith(GUEST):
        raise ChatError("bad-name", f"names that begin with {GUEST} are for guests", name=name)
    hash = await context.hasher.hash(request.password)
    user = state.users.new_user(name, skeleton(name))
    if not state.directory.is_free(user.key):
        message = f"{name} is taken by a user or a guest, or looks like a name that is"
        raise ChatError("name-taken", message, name=name)
    state.directory.claim(user, name, user.key)
    await context.commit(CreateUser(claim=user, hash=hash))
    return Created(user=name)


COMMAND = AdminCommand(
    request=Create,
    run=run,
    summary="make a registered user",
    examples=("tcpchat admin create alice",),
)
