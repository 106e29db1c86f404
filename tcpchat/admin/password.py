"""`password`: another password for a registered user, who forgot it or lost it to somebody."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from tcpchat.admin.command import AdminCommand
from tcpchat.admin.replies import NAME, PasswordReset
from tcpchat.chat.operations.sessions import ENDED, ChangePassword
from tcpchat.protocol import Request, about

if TYPE_CHECKING:
    from tcpchat.admin.context import OperatorContext


@attrs.frozen(kw_only=True)
class Password(Request):
    """Ask for another password of a registered user."""

    type: ClassVar[str] = "password"
    name: str = attrs.field(metadata=NAME)
    password: str = attrs.field(repr=False, metadata=about("what the user logs in with from now on"))


async def run(context: OperatorContext, request: Password) -> PasswordReset:
    context.registration(await context.loader.named(request.name))
    hash = await context.hasher.hash(request.password)
    user = await context.loader.named(request.name)
    change = ChangePassword(user=user.id, hash=hash, why=ENDED)
    await context.commit(change)
    return PasswordReset(user=user.name, sessions=change.ended)


COMMAND = AdminCommand(
    request=Password,
    run=run,
    summary="give a registered user another password, and end all sessions of that user",
    examples=("tcpchat admin password alice",),
)
