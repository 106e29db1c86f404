"""Users as others see them: names, presence, and who ignores whom."""

from __future__ import annotations

from typing import ClassVar

import attrs

from tcpchat.commands.command import Command, argument, option
from tcpchat.wire.base import AT, MORE, Reply, Request, about
from tcpchat.wire.events import Renamed


@attrs.frozen(kw_only=True)
class UserInfo:
    """A user who is here."""

    name: str
    since: str = attrs.field(metadata=AT)
    registered: bool | None = attrs.field(
        default=None, metadata=about("true if the name is the user's for good")
    )
    away: str | None = attrs.field(default=None, metadata=about("what was left for others, if away"))
    muted_until: str | None = attrs.field(default=None, metadata=AT)


@attrs.frozen(kw_only=True)
class Users(Reply):
    """Who is here."""

    type: ClassVar[str] = "users"
    users: list[UserInfo] = attrs.field(metadata=about("by name"))
    more: bool = attrs.field(metadata=MORE)


@attrs.frozen(kw_only=True)
class ListUsers(Request[Users]):
    """Ask who is here."""

    type: ClassVar[str] = "users"
    after: str | None = attrs.field(
        default=None, metadata=option(None, "NAME", "only names that sort after this one: the next page")
    )


USERS = Command(
    request=ListUsers,
    reply=Users,
    summary="who is here, since when, and who is muted until when",
    examples=("users", '{"type":"users"}'),
)


@attrs.frozen(kw_only=True)
class Rename(Request[Renamed]):
    """Ask for another name."""

    type: ClassVar[str] = "rename"
    name: str = attrs.field(metadata=argument("NAME", "the new name, one word in lower case"))


RENAME = Command(
    request=Rename,
    reply=Renamed,
    summary="take another name; everyone sees it",
    examples=("rename alice", '{"type":"rename","name":"alice"}'),
)


@attrs.frozen(kw_only=True)
class Away(Reply):
    """Others see that you are away."""

    type: ClassVar[str] = "away"
    text: str = attrs.field(metadata=about("what you left for others to read"))
    since: str = attrs.field(metadata=AT)


@attrs.frozen(kw_only=True)
class SetAway(Request[Away]):
    """Ask that others see that you are away."""

    type: ClassVar[str] = "away"
    text: str | None = attrs.field(
        default=None, metadata=argument("TEXT", "what others read then, up to 200 characters", rest=True)
    )


AWAY = Command(
    request=SetAway,
    reply=Away,
    summary="let others see that you are away, until `back`",
    examples=("away", "away lunch, back at one", '{"type":"away","text":"lunch"}'),
)


@attrs.frozen(kw_only=True)
class Back(Reply):
    """You are not away any more."""

    type: ClassVar[str] = "back"


@attrs.frozen(kw_only=True)
class ClearAway(Request[Back]):
    """Ask that you are not shown as away."""

    type: ClassVar[str] = "back"


BACK = Command(
    request=ClearAway,
    reply=Back,
    summary="not be away any more",
    examples=("back", '{"type":"back"}'),
)


@attrs.frozen(kw_only=True)
class Whois(Reply):
    """What is known of a user."""

    type: ClassVar[str] = "whois"
    name: str
    registered: bool = attrs.field(metadata=about("else a guest, whose name is for now"))
    here: bool = attrs.field(metadata=about("connected now"))
    since: str = attrs.field(metadata=about("when the name was registered, or the guest came; RFC 3339"))
    seen: str | None = attrs.field(default=None, metadata=about("when last connected, if not now; RFC 3339"))
    away: str | None = attrs.field(default=None, metadata=about("what was left for others, if away"))
    away_since: str | None = attrs.field(default=None, metadata=AT)
    muted_until: str | None = attrs.field(default=None, metadata=AT)


@attrs.frozen(kw_only=True)
class Lookup(Request[Whois]):
    """Ask about one user, here or not."""

    type: ClassVar[str] = "whois"
    name: str = attrs.field(metadata=argument("NAME", "whom"))


WHOIS = Command(
    request=Lookup,
    reply=Whois,
    summary="what is known of a user: registered or guest, since, last seen, away",
    examples=("whois bob", '{"type":"whois","name":"bob"}'),
)


@attrs.frozen(kw_only=True)
class Ignoring(Reply):
    """Of whom you hear nothing."""

    type: ClassVar[str] = "ignoring"
    users: list[str] = attrs.field(metadata=about("names, sorted; of who is gone the last one"))


@attrs.frozen(kw_only=True)
class Ignore(Request[Ignoring]):
    """Ask to hear nothing of a user, or whom you ignore."""

    type: ClassVar[str] = "ignore"
    name: str | None = attrs.field(
        default=None, metadata=argument("NAME", "whom; without it you get the list of those whom you ignore")
    )


IGNORE = Command(
    request=Ignore,
    reply=Ignoring,
    summary="hear nothing of a user any more, or list whom you ignore",
    examples=("ignore bob", "ignore", '{"type":"ignore","name":"bob"}'),
)


@attrs.frozen(kw_only=True)
class Unignore(Request[Ignoring]):
    """Ask to hear a user again."""

    type: ClassVar[str] = "unignore"
    name: str = attrs.field(metadata=argument("NAME", "whom"))


UNIGNORE = Command(
    request=Unignore,
    reply=Ignoring,
    summary="hear a user again whom you ignored",
    examples=("unignore bob", '{"type":"unignore","name":"bob"}'),
)
