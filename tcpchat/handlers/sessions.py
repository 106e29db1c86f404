"""Handlers for accounts and sessions: resume, register, log in and out, revoke, leave."""

from __future__ import annotations

from tcpchat.chat.context import Context
from tcpchat.chat.entry import Entry
from tcpchat.commands.sessions import EXIT, LOGIN, LOGOUT, PASSWORD, REGISTER, RESUME, REVOKE, SESSIONS
from tcpchat.handlers.registry import handles, prechecks
from tcpchat.protocol import (
    Bye,
    ChangePassword,
    Exit,
    ListSessions,
    LoggedIn,
    LoggedOut,
    Login,
    Logout,
    Register,
    Resume,
    Resumed,
    Revoke,
    Revoked,
    Sessions,
)


@handles(RESUME)
async def resume(caller: Context, request: Resume) -> Resumed:
    return await caller.access.resume(request.token, request.after)


@prechecks(REGISTER)
def check_may_register(caller: Context) -> None:
    caller.access.check_may_register()


@handles(REGISTER)
async def register(caller: Context, request: Register) -> Entry:
    return await caller.access.register(request.password, request.device)


@handles(LOGIN)
async def login(caller: Context, request: Login) -> LoggedIn:
    return await caller.access.login(request.name, request.password, request.device)


@handles(LOGOUT)
async def logout(caller: Context, request: Logout) -> LoggedOut:
    return await caller.access.logout()


@handles(SESSIONS)
async def sessions(caller: Context, request: ListSessions) -> Sessions:
    return caller.access.sessions()


@handles(REVOKE)
async def revoke(caller: Context, request: Revoke) -> Revoked:
    return await caller.access.revoke(request.number)


@handles(PASSWORD)
async def change_password(caller: Context, request: ChangePassword) -> Entry:
    return await caller.access.change_password(request.password, request.new)


@handles(EXIT)
async def exit_(caller: Context, request: Exit) -> Bye:
    await caller.access.end_guest()
    return Bye(code="exit", message=f"bye, {caller.user.name}".removesuffix(", "))
