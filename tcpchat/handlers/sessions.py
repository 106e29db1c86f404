"""Handlers for accounts and sessions: register, log in and out, come back, leave."""

from __future__ import annotations

from contextlib import suppress
from typing import NoReturn

from tcpchat.chat.operations.sessions import WRONG, BeginSession, ChangePassword, EndSessions, RegisterUser
from tcpchat.chat.session import DEVICE_CHARACTERS, Session
from tcpchat.chat.sessions import hash_token
from tcpchat.chat.user import User
from tcpchat.commands import sessions as commands
from tcpchat.errors import ChatError
from tcpchat.handlers import catch_up
from tcpchat.handlers.caller import Caller, replaced
from tcpchat.handlers.registry import handles, prechecks
from tcpchat.handlers.rooms import read_unread
from tcpchat.names import LONGEST_NAME, check_reserved, skeleton
from tcpchat.protocol import (
    GUEST,
    Bye,
    LoggedIn,
    LoggedOut,
    PasswordChanged,
    Resumed,
    Revoked,
    SessionInfo,
    Sessions,
)
from tcpchat.store.queries.users import password_hash
from tcpchat.store.rows import NameRow, UserRow
from tcpchat.times import timestamp

LISTED_BESIDE = 500  # sessions beside others in one reply, so that it fits into a line


@handles(commands.RESUME)
async def resume(caller: Caller, request: commands.Resume) -> Resumed:
    """Become the user of a token.

    What the user's old connection requested is answered first. With `after` come first the lobby's events
    after that number, and then those from now on. Of several that resume with one token the one that asked
    last stays: a client whose connections broke may have left requests under way. Who comes `beside` takes
    nobody's place.
    """
    state, after = caller.state, request.after
    _check_after(after, state.rooms.lobby.seq)
    order = next(state.users.resumes)
    session, user, row = await _find_session(caller, request.token)
    if not request.beside:
        if session.resume_order > order:
            await _give_way(caller)
        session.resume_order = order
    own = user.session_of(caller.connection)
    if own is session or (own is not None and request.beside):
        session = own
        if after is not None:
            state.audience.unsubscribe(caller.connection)
    else:
        session = _become(caller, session, user, row, subscribe=after is None, beside=request.beside)
    if after is not None:
        try:
            await catch_up.send_missed(caller, after)
        except ChatError:  # neither the user that it was nor able to follow as the other
            caller.connection.stop("storage-failed")
            raise
    await caller.loader.wait_settled()
    await _let_unread_follow(caller)
    return Resumed(
        user=user.name,
        registered=user.registered is not None,
        session=session.number,
        seq=state.rooms.lobby.seq,
    )


def _check_after(after: int | None, last: int) -> None:
    if after is not None and not 0 <= after <= last:
        message = f"the lobby has events up to {last}; after is one of them, or 0"
        raise ChatError("bad-value", message, field="after", limit=last)


async def _give_way(caller: Caller) -> NoReturn:
    """End this connection, and the guest that it was: the session came back on another one since."""
    caller.state.users.leave(caller.user, caller.connection, for_good=True)
    caller.connection.stop("replaced")
    await caller.connection.wait_backlog(0)  # which ends here, since that stop cancels it
    raise replaced()


async def _let_unread_follow(caller: Caller) -> None:
    """Let `unread` follow the reply; a disk that cannot be read now makes nothing else untrue."""
    with suppress(ChatError):
        caller.trailing_lines = (await read_unread(caller)).encode(None)


async def _find_session(caller: Caller, token: str) -> tuple[Session, User, UserRow | None]:
    """Return the session of a token, its user, and the row of a user of whom not all is in memory."""
    hashed, row = hash_token(token), None
    known = caller.state.sessions.find(hashed)
    if known is None or known[1].sent.on_disk:
        row = await caller.loader.row(hashed)
    session, user = caller.state.users.find_session(hashed, row)
    return session, user, row


def _become(
    caller: Caller,
    session: Session,
    user: User,
    row: UserRow | None,
    *,
    subscribe: bool,
    beside: bool = False,
) -> Session:
    """Make the connection one of the session's user, and nobody else's; return its session.

    Raises ChatError `bad-token` where another took its own place meanwhile: it takes nobody's.
    """
    state, connection = caller.state, caller.connection
    if caller.user.id and connection not in caller.user.connections:
        raise replaced()
    state.bans.check_user(user.id, caller.now())
    last_seen = state.audience.last_seen_seq(connection)
    state.sessions.came_back(user)  # before anybody expires
    state.users.leave(caller.user, connection, for_good=True)
    if beside:
        session = state.users.connect_beside(session, user, connection, caller.address)
    else:
        state.users.connect(session, user, connection, caller.address)
    state.users.come_back(user, row)
    caller.user = user
    if queued := user.take_queued():
        connection.write_nowait(queued)
    if subscribe:
        state.audience.subscribe_after(user, connection, last_seen)
    return session


@prechecks(commands.REGISTER)
def check_may_register(caller: Caller) -> None:
    """Raise ChatError `already-registered`, or `bad-name` for a name that cannot be registered."""
    user = caller.user
    if user.registered is not None:
        raise ChatError("already-registered", f"{user.name} is already registered", name=user.name)
    if user.name.startswith(GUEST):
        message = "guest names cannot be registered; choose a name first: rename NAME"
        raise ChatError("bad-name", message, name=user.name)
    check_reserved(user.name)  # a guest may have it from before the rule


@handles(commands.REGISTER)
async def register(caller: Caller, request: commands.Register) -> RegisterUser:
    name = _device_name(request.device)
    check_may_register(caller)
    caller.throttle.count_registration(caller.address)
    session = _lasting(caller)
    hash = await caller.hasher.hash(request.password)
    change = session.change()
    change = change._replace(name=name or change.name)
    return RegisterUser(user=caller.user.id, hash=hash, session=change)


@handles(commands.LOGIN)
async def login(caller: Caller, request: commands.Login) -> LoggedIn:
    state, device = caller.state, _device_name(request.device) or ""
    row = state.directory.registered_as(request.name)
    key = skeleton(request.name[:LONGEST_NAME]) if row is None else row.key  # one for all ways to write it
    proved = await _check_password(caller, key, row, request.password)
    assert row is not None
    try:
        user = await caller.loader.user(row.user)
    except ChatError:  # deleted while the password was checked
        raise ChatError("wrong-login", WRONG) from None
    state.bans.check_user(user.id, caller.now())
    begin = BeginSession(
        user=user.id,
        proved=proved,
        most=state.settings.limits.sessions_per_user,
        name=device,
        address=caller.address,
    )
    try:
        with state.users.pinned(user):  # else an absent user may expire between the commit and the connection
            await caller.commit(begin)
            session, user, found = await _find_session(caller, begin.token)
            _become(caller, session, user, found, subscribe=True)
    except BaseException as error:
        if not begin.token:
            raise
        with suppress(ChatError):  # nobody will ever have the token
            await caller.commit(EndSessions(user=user.id, hashes=[begin.session.hash]))
        if isinstance(error, ChatError) and error.code == "bad-token":
            raise ChatError("wrong-login", WRONG) from None  # the password changed meanwhile
        raise
    await caller.loader.wait_settled()
    await _let_unread_follow(caller)
    return LoggedIn(user=user.name, session=session.number, token=begin.token, seq=state.rooms.lobby.seq)


async def _check_password(caller: Caller, key: str, row: NameRow | None, password: str) -> int:
    """Return the generation of the password, which is right.

    Raises ChatError `wrong-login`, or `rate-limited` where there were too many guesses.
    """
    proved = 0 if row is None else caller.state.passwords[row.user]
    caller.throttle.count_guess(key, caller.address)
    try:
        hash = None if row is None else await caller.reader.ask(password_hash, row.user)
        right = await caller.hasher.verify(hash, password)
    except BaseException:
        caller.throttle.was_not_tried(key, caller.address)
        raise
    if not right:
        raise ChatError("wrong-login", WRONG)
    caller.throttle.was_right(key, caller.address)
    return proved


@handles(commands.LOGOUT)
async def logout(caller: Caller, request: commands.Logout) -> LoggedOut:
    state, user, connection = caller.state, caller.user, caller.connection
    if caller.session.beside is None:  # else it ends with the connection's leave
        await _end_own(caller, caller.session)
    if connection not in user.connections:
        raise replaced()
    state.users.leave(user, connection, for_good=True)
    if state.settings.rules.require_login:
        caller.user = state.users.anonymous()
        return LoggedOut()
    caller.user, token = state.users.new_guest(connection, caller.address)
    state.audience.subscribe(caller.user, connection)
    return LoggedOut(user=caller.user.name, token=token)


async def _end_own(caller: Caller, session: Session) -> None:
    """End the session of this connection, which stays the user's until it leaves."""
    session.ending = True
    await caller.commit(EndSessions(user=caller.user.id, hashes=[session.hash], why=None))


@handles(commands.SESSIONS)
async def sessions(caller: Caller, request: commands.ListSessions) -> Sessions:
    current = caller.session
    lasting = [session for session in caller.user.sessions if session.beside is None or session is current]
    beside = [session for session in caller.user.sessions if session not in lasting]
    own = sorted([*lasting, *beside[-LISTED_BESIDE:]], key=lambda session: session.number)
    return Sessions(
        sessions=[
            SessionInfo(
                number=session.number,
                device=session.name,
                address=session.address,
                since=timestamp(session.since),
                used=timestamp(session.used),
                here=session.connection is not None,
                current=session is current,
            )
            for session in own
        ]
    )


@handles(commands.REVOKE)
async def revoke(caller: Caller, request: commands.Revoke) -> Revoked:
    user, number = caller.user, request.number
    session = next((session for session in user.sessions if session.number == number), None)
    if session is None:
        numbers = ", ".join(str(session.number) for session in user.sessions)
        message = f"you have no session {number}; your sessions are: {numbers}"
        raise ChatError("no-such-session", message, field="number")
    session.ending = True
    await caller.commit(EndSessions(user=user.id, hashes=[session.hash]))
    return Revoked(number=number)


@prechecks(commands.PASSWORD)
def check_has_password(caller: Caller) -> None:
    """Raise ChatError `not-registered` for a guest, who has no password."""
    if caller.user.registered is None:
        raise ChatError("not-registered", "you have no password, since you are not registered")


@handles(commands.PASSWORD)
async def change_password(caller: Caller, request: commands.ChangePassword) -> PasswordChanged:
    check_has_password(caller)
    user = caller.user
    row = caller.state.directory.stored(user.id)
    try:
        proved = await _check_password(caller, user.key, row, request.password)
    except ChatError as error:
        if error.code != "wrong-login":
            raise
        message = "that is not your current password"
        raise ChatError("wrong-login", message, field="password") from None
    hash = await caller.hasher.hash(request.new)
    change = ChangePassword(user=user.id, hash=hash, keeps=_lasting(caller).hash, proved=proved)
    await caller.commit(change)
    return PasswordChanged(revoked=change.ended)


@handles(commands.EXIT)
async def exit_(caller: Caller, request: commands.Exit) -> Bye:
    """Leave; nobody comes back as this guest, not even after a crash, unless other sessions go on."""
    session = caller.user.session_of(caller.connection)
    if session is not None and session.beside is None and caller.user.registered is None:
        with suppress(ChatError):  # then the disk follows later
            await _end_own(caller, session)
    return Bye(code="exit", message=f"bye, {caller.user.name}".removesuffix(", "))


def _lasting(caller: Caller) -> Session:
    """Return the session whose token the caller has. Raises ChatError `bad-token` if that is over."""
    own = caller.session
    if own.beside is None:
        return own
    found = caller.state.sessions.find(own.beside)
    if found is None:
        raise ChatError("bad-token", "the session that this one was begun beside is over")
    return found[0]


def _device_name(name: str | None) -> str | None:
    if name is not None and len(name) > DEVICE_CHARACTERS:
        message = f"the name of a device has at most {DEVICE_CHARACTERS} characters"
        raise ChatError("bad-value", message, field="device", limit=DEVICE_CHARACTERS)
    return name
