"""What the server answers to its operator, beside `Error`. Points in time are RFC 3339 in UTC."""

from __future__ import annotations

from typing import Any, ClassVar

import attrs

from tcpchat.protocol import Event, Reply, about

NAME = about("the user's name")
UNTIL = about("when it ends; absent if it is for good")
REASON = about("what the operator gave as reason")
ENDED = about("how many connections it ended")
MORE = about("there are more; ask again for what comes after these")


@attrs.frozen(kw_only=True)
class Created(Reply):
    """The user is registered and can log in."""

    type: ClassVar[str] = "created"
    user: str = attrs.field(metadata=NAME)


@attrs.frozen(kw_only=True)
class PasswordReset(Reply):
    """The user has another password, and no session."""

    type: ClassVar[str] = "password-reset"
    user: str = attrs.field(metadata=NAME)
    sessions: int = attrs.field(metadata=about("how many sessions it ended"))


@attrs.frozen(kw_only=True)
class UserRow:
    """One user."""

    name: str = attrs.field(metadata=NAME)
    registered: str | None = attrs.field(default=None, metadata=about("since when; absent for a guest"))
    here: bool = attrs.field(metadata=about("connected now"))
    seen: str | None = attrs.field(default=None, metadata=about("when last connected, if not now"))
    sessions: int = attrs.field(metadata=about("how many tokens can bring the user back"))
    muted_until: str | None = attrs.field(default=None, metadata=about("when it ends; absent if not muted"))
    banned_until: str | None = attrs.field(default=None, metadata=about("when it ends; absent if not banned"))


@attrs.frozen(kw_only=True)
class Users(Reply):
    """Users by name."""

    type: ClassVar[str] = "users"
    users: list[UserRow] = attrs.field(metadata=about("by name"))
    more: bool = attrs.field(metadata=MORE)


@attrs.frozen(kw_only=True)
class BanRow:
    """One ban, of a user or of addresses."""

    user: str | None = attrs.field(default=None, metadata=about("the last name of who is banned"))
    address: str | None = attrs.field(default=None, metadata=about("the address or network"))
    until: str | None = attrs.field(default=None, metadata=UNTIL)
    reason: str | None = attrs.field(default=None, metadata=REASON)


@attrs.frozen(kw_only=True)
class Banned(Reply):
    """The user, or the addresses, cannot come in."""

    type: ClassVar[str] = "banned"
    user: str | None = attrs.field(default=None, metadata=NAME)
    address: str | None = attrs.field(default=None, metadata=about("the address or network"))
    until: str | None = attrs.field(default=None, metadata=UNTIL)
    reason: str | None = attrs.field(default=None, metadata=REASON)
    ended: int = attrs.field(metadata=ENDED)
    addresses: list[str] = attrs.field(metadata=about("from where the user was connected"))


@attrs.frozen(kw_only=True)
class Unbanned(Reply):
    """The user, or the addresses, can come in again."""

    type: ClassVar[str] = "unbanned"
    target: str = attrs.field(metadata=about("the name, the address or the network"))


@attrs.frozen(kw_only=True)
class Bans(Reply):
    """All bans that hold."""

    type: ClassVar[str] = "bans"
    bans: list[BanRow] = attrs.field(metadata=about("users first"))
    more: bool = attrs.field(metadata=MORE)


@attrs.frozen(kw_only=True)
class Muted(Reply):
    """The user may read but not send."""

    type: ClassVar[str] = "muted"
    user: str = attrs.field(metadata=NAME)
    until: str | None = attrs.field(default=None, metadata=UNTIL)
    reason: str | None = attrs.field(default=None, metadata=REASON)


@attrs.frozen(kw_only=True)
class Unmuted(Reply):
    """The user may send."""

    type: ClassVar[str] = "unmuted"
    user: str = attrs.field(metadata=NAME)


@attrs.frozen(kw_only=True)
class Record(Event):
    """One thing that is kept of a user who is exported."""

    type: ClassVar[str] = "record"
    record: dict[str, Any] = attrs.field(metadata=about("`kind` says what, the other fields are its own"))


@attrs.frozen(kw_only=True)
class Exported(Reply):
    """All records came before this."""

    type: ClassVar[str] = "exported"
    user: str = attrs.field(metadata=NAME)
    records: int = attrs.field(metadata=about("how many"))


@attrs.frozen(kw_only=True)
class Deleted(Reply):
    """Nothing is left of the user but the numbers and times of messages."""

    type: ClassVar[str] = "deleted"
    user: str = attrs.field(metadata=about("what the name was"))
    ended: int = attrs.field(metadata=ENDED)


@attrs.frozen(kw_only=True)
class BackedUp(Reply):
    """The copy is whole, and on disk."""

    type: ClassVar[str] = "backed-up"
    file: str = attrs.field(metadata=about("where it is"))
    bytes: int = attrs.field(metadata=about("how long the file is"))
    messages: int = attrs.field(metadata=about("how many messages are in it"))
    seq: int = attrs.field(metadata=about("the number of the lobby's last one"))


REPLIES: tuple[type[Reply], ...] = (
    Created, PasswordReset, Users, Banned, Unbanned, Bans, Muted, Unmuted, Exported, Deleted,
    BackedUp,
)  # fmt: skip
