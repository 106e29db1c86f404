"""The three kinds of lines, and how a field of one is described."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeAlias

import attrs

if TYPE_CHECKING:  # a default is what a checker alone needs: `Request` by itself is a request of any reply
    from typing_extensions import TypeVar

    R_co = TypeVar("R_co", bound="Reply", default="Reply", covariant=True)
else:
    from typing import TypeVar

    R_co = TypeVar("R_co", covariant=True)

Id: TypeAlias = int | str
"""The number or word that a client gives a request, to find its reply."""

GUEST = "guest-"  # what the names begin with that nobody chose
LOBBY = "lobby"  # the room that everybody is in
MAX_ID = 64  # characters; an id is echoed, so it must not be a way to make the server talk
MAX_EXACT = 2**53 - 1  # the largest integer that every JSON reader keeps exact (RFC 8259, section 6)


@attrs.frozen(kw_only=True)
class Request(Generic[R_co]):
    """A line that a client sends. A `Request[Pong]` is answered with a Pong, or with an Error.

    `id` comes back as `re` of the one reply.
    """

    type: ClassVar[str]
    id: Id | None = attrs.field(default=None, metadata={"help": "returned as `re` of the reply"})


@attrs.frozen(kw_only=True)
class Reply:
    """A line with which the server answers one request."""

    type: ClassVar[str]
    re: Id | None = attrs.field(default=None, metadata={"help": "the `id` of the request"})


@attrs.frozen(kw_only=True)
class Event:
    """A line that the server sends without being asked."""

    type: ClassVar[str]


@attrs.frozen(kw_only=True)
class Unknown(Reply, Event):
    """A line of a type that this version does not know; `fields` are all but `re`."""

    fields: dict[str, Any]


def about(text: str) -> dict[str, Any]:
    """Return the attrs metadata with the meaning of a field, for the schema and the docs."""
    return {"help": text}


AT = about("when, RFC 3339 in UTC with milliseconds")
ROOM = about("the room: `lobby`, a name, or the id of a direct room, which stays when its users are renamed")
OTHER = about("the other user, in a direct room only")
DELIVERED = about("the number up to which a device of the other user has received the room")
SEEN = about("the number up to which the other user has read; absent if one of you has receipts off")
ACTION = about("true if the text is what the author does, shown as `* alice waves`; else absent")
MORE = about("there are more; ask with `after`")
