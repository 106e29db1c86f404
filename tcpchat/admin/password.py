"""`password`: another password for a registered user, who forgot it or lost it to somebody."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from tcpchat.admin.command import AdminCommand
from tcpchat.admin.replies import NAME, PasswordReset
from tcpchat.chat.account import ENDED, PasswordEntry
from tcpchat.protocol import Request, about

if TYPE_CHECKING:
    from tcpchat.admin.context import OperatorContext


@attrs.frozen(kw_only=True)
class Password(Request):
    """Ask for another password of a registered user."""

    type: ClassVar[str] = "password"
    name: str = attrs.field(metadata=NAME)
    password: str = attrs.field(repr=False, metadata=about("what the user logs in with from now on"))


async def run(context: OperatorContext, request: Password) -> PasswordEntry:
    context.registration(await context.awakening.named(request.name))
    hash = await context.hashes.hash(request.password)
    user = await context.awakening.named(request.name)
    return PasswordEntry(
        context.chat.people,
        why=ENDED,
        user=user,
        hash=hash,
        changed=lambda sessions: PasswordReset(user=user.name, sessions=sessions),
    )


COMMAND = AdminCommand(
    request=Password,
    run=run,
    summary="give a registered user another password, and end all sessions of that user",
    examples=("tcpchat admin password alice",),
)
