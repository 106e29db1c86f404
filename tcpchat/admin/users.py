"""Operator's commands about accounts: create a user, reset a password, list users."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from tcpchat.admin.command import MORE, NAME, AdminCommand
from tcpchat.chat.operations import sessions as operations
from tcpchat.chat.user import User
from tcpchat.errors import ChatError
from tcpchat.names import enforce, skeleton
from tcpchat.protocol import GUEST, Reply, Request, about
from tcpchat.store.queries.users import accounts
from tcpchat.store.rows import AccountRow
from tcpchat.times import timestamp

if TYPE_CHECKING:
    from tcpchat.admin.context import OperatorContext

PAGE = 1000  # users in one reply; each takes up to 1 KB of its line


@attrs.frozen(kw_only=True)
class Created(Reply):
    """The user is registered and can log in."""

    type: ClassVar[str] = "created"
    user: str = attrs.field(metadata=NAME)


@attrs.frozen(kw_only=True)
class CreateUser(Request[Created]):
    """Create a registered user."""

    type: ClassVar[str] = "create"
    name: str = attrs.field(metadata=NAME)
    password: str = attrs.field(repr=False, metadata=about("the password to log in with"))


async def _create(context: OperatorContext, request: CreateUser) -> Created:
    state = context.state
    name = enforce(request.name, state.settings.limits.name_characters)
    if name.startswith(GUEST):
        raise ChatError("bad-name", f"names that begin with {GUEST} are reserved for guests", name=name)
    hash = await context.hasher.hash(request.password)
    user, key = state.users.new_id(), skeleton(name)
    if not state.directory.is_free(key):
        message = f"{name} is taken by a user or a guest, or looks like a name that is"
        raise ChatError("name-taken", message, name=name)
    state.directory.claim(user, name, key)
    await context.commit(operations.CreateUser(user=user, name=name, key=key, hash=hash))
    return Created(user=name)


@attrs.frozen(kw_only=True)
class PasswordReset(Reply):
    """The user has a new password, and no session."""

    type: ClassVar[str] = "password-reset"
    user: str = attrs.field(metadata=NAME)
    sessions: int = attrs.field(metadata=about("the number of sessions that were ended"))


@attrs.frozen(kw_only=True)
class ResetPassword(Request[PasswordReset]):
    """Give a registered user a new password."""

    type: ClassVar[str] = "password"
    name: str = attrs.field(metadata=NAME)
    password: str = attrs.field(repr=False, metadata=about("the new password to log in with"))


async def _reset_password(context: OperatorContext, request: ResetPassword) -> PasswordReset:
    _check_registered(context, await context.loader.named(request.name))
    hash = await context.hasher.hash(request.password)
    user = await context.loader.named(request.name)
    change = operations.ChangePassword(user=user.id, hash=hash, why=operations.ENDED)
    await context.commit(change)
    return PasswordReset(user=user.name, sessions=change.ended)


def _check_registered(context: OperatorContext, user: User) -> None:
    """Raise ChatError `not-registered` for a guest."""
    stored = context.state.directory.stored(user.id)
    if stored is None or stored.registered is None:
        message = f"{user.name} is a guest, and only registered users have a password"
        raise ChatError("not-registered", message, name=user.name)


@attrs.frozen(kw_only=True)
class UserInfo:
    """One user."""

    name: str = attrs.field(metadata=NAME)
    registered: str | None = attrs.field(default=None, metadata=about("since when; absent for a guest"))
    here: bool = attrs.field(metadata=about("whether the user is connected"))
    seen: str | None = attrs.field(default=None, metadata=about("when last connected, if not now"))
    sessions: int = attrs.field(metadata=about("the number of sessions that the user can resume"))
    muted_until: str | None = attrs.field(default=None, metadata=about("the end; absent if not muted"))
    banned_until: str | None = attrs.field(default=None, metadata=about("the end; absent if not banned"))


@attrs.frozen(kw_only=True)
class Users(Reply):
    """Users by name."""

    type: ClassVar[str] = "users"
    users: list[UserInfo] = attrs.field(metadata=about("by name"))
    more: bool = attrs.field(metadata=MORE)


@attrs.frozen(kw_only=True)
class ListUsers(Request[Users]):
    """List the registered users."""

    type: ClassVar[str] = "users"
    all: bool = attrs.field(default=False, metadata=about("also guests who are connected or may return"))
    after: str = attrs.field(default="", metadata=about("only names that sort after this one: the next page"))


async def _list_users(context: OperatorContext, request: ListUsers) -> Users:
    state = context.state
    found = await context.reader.ask(accounts, request.after, PAGE + 1)
    # The state is more recent than the disk about users who are loaded.
    rows = [_info(context, account, state.users.get(account.user)) for account in found]
    if request.all:
        guests = [user for user in state.directory.users() if user.registered is None]
        rows += [_info(context, None, user) for user in guests if user.name > request.after]
        rows.sort(key=lambda row: row.name)
    return Users(users=rows[:PAGE], more=len(rows) > PAGE)


def _info(context: OperatorContext, account: AccountRow | None, loaded: User | None) -> UserInfo:
    if loaded is not None:
        left = None if loaded.connections else loaded.left
        account = AccountRow(loaded.id, loaded.name, loaded.registered, left, len(loaded.sessions))
    assert account is not None
    now = context.now()
    muted = context.state.moderation.muted_until(account.user, now)
    ban = context.state.bans.of_user(account.user, now)
    return UserInfo(
        name=account.name,
        registered=None if account.registered is None else timestamp(account.registered),
        here=loaded is not None and bool(loaded.connections),
        seen=None if account.left is None else timestamp(account.left),
        sessions=account.sessions,
        muted_until=None if muted is None else timestamp(muted),
        banned_until=None if ban is None else timestamp(ban.until),
    )


CREATE = AdminCommand(
    request=CreateUser,
    reply=Created,
    run=_create,
    summary="create a registered user",
    examples=("tcpchat admin create alice",),
)
PASSWORD = AdminCommand(
    request=ResetPassword,
    reply=PasswordReset,
    run=_reset_password,
    summary="give a registered user a new password, and end all sessions of that user",
    examples=("tcpchat admin password alice",),
)
USERS = AdminCommand(
    request=ListUsers,
    reply=Users,
    run=_list_users,
    summary="list the registered users, and with --all the guests too",
    examples=("tcpchat admin users",),
)
COMMANDS = (CREATE, PASSWORD, USERS)
