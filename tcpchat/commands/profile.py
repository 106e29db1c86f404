"""Commands about users as others see them: names, presence, ignoring."""

from __future__ import annotations

from typing import ClassVar

import attrs

from tcpchat.commands.command import Command, argument, option
from tcpchat.wire.base import AT, MORE, Reply, Request, about
from tcpchat.wire.events import Renamed


@attrs.frozen(kw_only=True)
class UserInfo:
    """A connected user."""

    name: str
    since: str = attrs.field(metadata=AT)
    registered: bool | None = attrs.field(default=None, metadata=about("true for a registered user"))
    away: str | None = attrs.field(default=None, metadata=about("the away text, if the user is away"))
    muted_until: str | None = attrs.field(default=None, metadata=AT)


@attrs.frozen(kw_only=True)
class Users(Reply):
    """The connected users."""

    type: ClassVar[str] = "users"
    users: list[UserInfo] = attrs.field(metadata=about("by name"))
    more: bool = attrs.field(metadata=MORE)


@attrs.frozen(kw_only=True)
class ListUsers(Request[Users]):
    """List the connected users."""

    type: ClassVar[str] = "users"
    after: str | None = attrs.field(
        default=None, metadata=option(None, "NAME", "only names that sort after this one, for the next page")
    )


USERS = Command(
    request=ListUsers,
    reply=Users,
    summary="list the connected users, and until when they are muted",
    examples=("users", '{"type":"users"}'),
)


@attrs.frozen(kw_only=True)
class Rename(Request[Renamed]):
    """Change your name."""

    type: ClassVar[str] = "rename"
    name: str = attrs.field(metadata=argument("NAME", "the new name, one word in lower case"))


RENAME = Command(
    request=Rename,
    reply=Renamed,
    summary="change your name; everyone sees it",
    examples=("rename alice", '{"type":"rename","name":"alice"}'),
)


@attrs.frozen(kw_only=True)
class Away(Reply):
    """You are shown as away."""

    type: ClassVar[str] = "away"
    text: str = attrs.field(metadata=about("your away text"))
    since: str = attrs.field(metadata=AT)


@attrs.frozen(kw_only=True)
class SetAway(Request[Away]):
    """Show others that you are away."""

    type: ClassVar[str] = "away"
    text: str | None = attrs.field(
        default=None, metadata=argument("TEXT", "the text that others see, up to 200 characters", rest=True)
    )


AWAY = Command(
    request=SetAway,
    reply=Away,
    summary="show others that you are away, until `back`",
    examples=("away", "away lunch, back at one", '{"type":"away","text":"lunch"}'),
)


@attrs.frozen(kw_only=True)
class Back(Reply):
    """You are no longer shown as away."""

    type: ClassVar[str] = "back"


@attrs.frozen(kw_only=True)
class ClearAway(Request[Back]):
    """Show others that you are back."""

    type: ClassVar[str] = "back"


BACK = Command(
    request=ClearAway,
    reply=Back,
    summary="stop being away",
    examples=("back", '{"type":"back"}'),
)


@attrs.frozen(kw_only=True)
class Whois(Reply):
    """Information about a user."""

    type: ClassVar[str] = "whois"
    name: str
    registered: bool = attrs.field(metadata=about("false for a guest"))
    here: bool = attrs.field(metadata=about("connected at this moment"))
    since: str = attrs.field(metadata=about("when the name was registered, or the guest joined; RFC 3339"))
    seen: str | None = attrs.field(
        default=None, metadata=about("when the user was last connected, if not now; RFC 3339")
    )
    away: str | None = attrs.field(default=None, metadata=about("the away text, if the user is away"))
    away_since: str | None = attrs.field(default=None, metadata=AT)
    muted_until: str | None = attrs.field(default=None, metadata=AT)


@attrs.frozen(kw_only=True)
class Lookup(Request[Whois]):
    """Ask about one user, connected or not."""

    type: ClassVar[str] = "whois"
    name: str = attrs.field(metadata=argument("NAME", "the user"))


WHOIS = Command(
    request=Lookup,
    reply=Whois,
    summary="show information about a user: registered or guest, since when, last seen, away",
    examples=("whois bob", '{"type":"whois","name":"bob"}'),
)


@attrs.frozen(kw_only=True)
class Ignoring(Reply):
    """The users whom you ignore."""

    type: ClassVar[str] = "ignoring"
    users: list[str] = attrs.field(
        metadata=about("their names, sorted; for users who no longer exist, the last ones")
    )


@attrs.frozen(kw_only=True)
class Ignore(Request[Ignoring]):
    """Ignore a user, or list the users whom you ignore."""

    type: ClassVar[str] = "ignore"
    name: str | None = attrs.field(
        default=None, metadata=argument("NAME", "the user; without it, list the users whom you ignore")
    )


IGNORE = Command(
    request=Ignore,
    reply=Ignoring,
    summary="ignore a user, or list the users whom you ignore",
    examples=("ignore bob", "ignore", '{"type":"ignore","name":"bob"}'),
)


@attrs.frozen(kw_only=True)
class Unignore(Request[Ignoring]):
    """Stop ignoring a user."""

    type: ClassVar[str] = "unignore"
    name: str = attrs.field(metadata=argument("NAME", "the user"))


UNIGNORE = Command(
    request=Unignore,
    reply=Ignoring,
    summary="stop ignoring a user",
    examples=("unignore bob", '{"type":"unignore","name":"bob"}'),
)
