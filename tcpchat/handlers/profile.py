"""Handlers for users: who is here, names, who is away, who is ignored, what is known of one."""

from __future__ import annotations

from tcpchat.chat.operations.settings import ChangeAway, Ignore, Unignore
from tcpchat.chat.operations.users import Rename
from tcpchat.chat.user import User
from tcpchat.commands import profile as commands
from tcpchat.errors import ChatError
from tcpchat.handlers.caller import Caller
from tcpchat.handlers.registry import Outcome, handles
from tcpchat.names import canonical, enforce, skeleton
from tcpchat.protocol import (
    GUEST,
    EncodedReply,
    Ignoring,
    Renamed,
    Users,
    Whois,
    encode_part,
    page,
    reply_with,
)
from tcpchat.store.queries.users import names_of
from tcpchat.times import timestamp

PAGE = 1000  # users in one reply, which takes a millisecond
AWAY_CHARACTERS = 200  # others read it in one line


@handles(commands.USERS)
async def users(caller: Caller, request: commands.ListUsers) -> EncodedReply[Users]:
    now, muted_until = caller.now(), caller.state.moderation.muted_until
    found = caller.state.presence.users(request.after or "", PAGE + 1)
    shown, more = page(_part(user, muted_until(user.id, now)) for user in found[:PAGE])
    return reply_with(Users, users=shown, more=more or len(found) > PAGE)


def _part(user: User, muted_until: int | None) -> bytes:
    return user.encoded() if muted_until is None else encode_part(user.info(muted_until))


@handles(commands.RENAME)
async def rename(caller: Caller, request: commands.Rename) -> Outcome[Renamed]:
    user = caller.user
    if canonical(request.name) == user.name:
        return Renamed(old=user.name, new=user.name)
    name = enforce(request.name, caller.state.settings.limits.name_characters)
    if name.startswith(GUEST):
        raise ChatError("bad-name", f"the server gives names that begin with {GUEST}", name=name)
    key = skeleton(name)
    caller.state.directory.claim(user.id, name, key)
    return Rename(user=user.id, name=name, key=key)


@handles(commands.WHOIS)
async def whois(caller: Caller, request: commands.Lookup) -> Whois:
    user = await caller.loader.named(request.name)
    here = bool(user.connections)
    text, since = user.away or (None, None)
    muted = caller.state.moderation.muted_until(user.id, caller.now())
    return Whois(
        name=user.name,
        registered=user.registered is not None,
        here=here,
        since=timestamp(user.since if user.registered is None else user.registered),
        seen=None if here or user.left is None else timestamp(user.left),
        away=text,
        away_since=None if since is None else timestamp(since),
        muted_until=None if muted is None else timestamp(muted),
    )


@handles(commands.AWAY)
async def away(caller: Caller, request: commands.SetAway) -> ChangeAway:
    text = request.text or ""
    if len(text) > AWAY_CHARACTERS:
        message = f"the text has {len(text)} characters; at most {AWAY_CHARACTERS} are kept"
        raise ChatError("text-too-long", message, limit=AWAY_CHARACTERS, field="text")
    return ChangeAway(user=caller.user.id, away=(text, caller.now()))


@handles(commands.BACK)
async def back(caller: Caller, request: commands.ClearAway) -> ChangeAway:
    return ChangeAway(user=caller.user.id, away=None)


@handles(commands.IGNORE)
async def ignore(caller: Caller, request: commands.Ignore) -> Outcome[Ignoring]:
    names = await _ignored_names(caller)
    if request.name is None:
        return Ignoring(users=sorted(names.values()))
    user, other = caller.user, await caller.loader.named(request.name)
    if other is user:
        raise ChatError("ignore-self", "you cannot ignore yourself", name=user.name)
    return Ignore(user=user.id, names=names | {other.id: other.name}, other=other.id)


@handles(commands.UNIGNORE)
async def unignore(caller: Caller, request: commands.Unignore) -> Outcome[Ignoring]:
    user, name, names = caller.user, request.name, await _ignored_names(caller)
    found = {id: ignored for id, ignored in names.items() if ignored == name.lower()}
    if not found:
        raise ChatError("no-such-user", f"you do not ignore {name[:64]!r}", name=name[:64])
    return Unignore(user=user.id, names=names, others=found)


async def _ignored_names(caller: Caller) -> dict[str, str]:
    """Return the names of the users whom the caller ignores, by id; of a user who is gone the last one."""
    state, names = caller.state, {}
    for id in caller.user.ignored:
        known = state.users.get(id) or state.directory.stored(id)
        if known is not None:
            names[id] = known.name
    unknown = sorted(caller.user.ignored - names.keys())
    if unknown:
        names |= await caller.reader.ask(names_of, unknown)
    return names
