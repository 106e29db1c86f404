"""`users`: who is registered, and who is a guest now."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from tcpchat.admin.command import AdminCommand
from tcpchat.admin.replies import UserRow
from tcpchat.admin.replies import Users as UsersReply
from tcpchat.chat.user import User
from tcpchat.protocol import Request, about
from tcpchat.store.queries.users import accounts
from tcpchat.store.rows import AccountRow
from tcpchat.times import timestamp

if TYPE_CHECKING:
    from tcpchat.admin.context import OperatorContext

PAGE = 1000  # users in one reply; each takes up to 1 KB of its line


@attrs.frozen(kw_only=True)
class Users(Request):
    """Ask for the registered users."""

    type: ClassVar[str] = "users"
    all: bool = attrs.field(default=False, metadata=about("and for the guests who are here or may come back"))
    after: str = attrs.field(default="", metadata=about("and for those only whose names come after this one"))


async def run(context: OperatorContext, request: Users) -> UsersReply:
    state = context.state
    found = await context.reader.ask(accounts, request.after, PAGE + 1)
    # Memory knows better than the disk who is here.
    rows = [_row(context, account, state.users.get(account.user)) for account in found]
    if request.all:
        rows += [_row(context, None, user) for user in _guests(context) if user.name > request.after]
        rows.sort(key=lambda row: row.name)
    return UsersReply(users=rows[:PAGE], more=len(rows) > PAGE)


def _guests(context: OperatorContext) -> list[User]:
    return [user for user in context.state.directory.users() if user.registered is None]


def _row(context: OperatorContext, account: AccountRow | None, known: User | None) -> UserRow:
    if known is not None:
        left = None if known.connections else known.left
        account = AccountRow(known.id, known.name, known.registered, left, len(known.sessions))
    assert account is not None
    now = context.now()
    muted = context.state.moderation.muted_until(account.user, now)
    ban = context.state.bans.of_user(account.user, now)
    return UserRow(
        name=account.name,
        registered=None if account.registered is None else timestamp(account.registered),
        here=known is not None and bool(known.connections),
        seen=None if account.left is None else timestamp(account.left),
        sessions=account.sessions,
        muted_until=None if muted is None else timestamp(muted),
        banned_until=None if ban is None else timestamp(ban.until),
    )


COMMAND = AdminCommand(
    request=Users,
    run=run,
    summary="list the registered users, and with --all the guests too",
    examples=("tcpchat admin users",),
)
