"""The codec between lines and objects: strict when reading, exact when writing. Pure.

Nothing is converted: `"5"` is no number. `decode` raises ChatError and nothing else, whatever the bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from operator import attrgetter
from typing import Any, Generic, TypeVar

import attrs
import orjson
from cattrs import BaseValidationError, ForbiddenExtraKeysError

from tcpchat.errors import ChatError
from tcpchat.nearest import nearest
from tcpchat.wire.base import MAX_ID, Event, Id, Reply, Request
from tcpchat.wire.strict import CLOSED, MismatchError, StructureHooks, strict_id, wire_name

MAX_LINE_OUT = 1024 * 1024  # bytes; no line to a client is longer, so that a client can bound its memory

R = TypeVar("R", bound=Reply)
Line = Request | Reply | Event


@cache  # one entry for each class
def _layout(kind: type[Line]) -> tuple[tuple[str, ...], Callable[[Line], tuple[Any, ...]]]:
    """Return the keys of a line in their order, and what gets the values."""
    fields = attrs.fields(kind)
    return ("type", *map(wire_name, fields)), attrgetter("type", *(field.name for field in fields))


def encode(line: Line, re: Id | None = None) -> bytes:
    r"""Write one line with its `\n`; `re` makes a reply answer the request of that id."""
    keys, values = _layout(type(line))  # type: ignore[arg-type]  # a class is hashable
    fields = {key: value for key, value in zip(keys, values(line), strict=True) if value is not None}
    if re is not None:
        fields = {"type": line.type, "re": re} | fields | {"re": re}
    return orjson.dumps(fields, CLOSED.unstructure, orjson.OPT_APPEND_NEWLINE)


def encode_sent(re: Id | None, room: str, username: str | None, seq: int, at: str) -> bytes:
    """Write a Sent without making one; `username` is set in a direct room only."""
    line: dict[str, object]
    if username is None:
        line = {"type": "sent", "re": re, "room": room, "seq": seq, "at": at}
    else:
        line = {"type": "sent", "re": re, "room": room, "username": username, "seq": seq, "at": at}
    if re is None:
        del line["re"]
    return orjson.dumps(line, None, orjson.OPT_APPEND_NEWLINE)


def encode_part(part: object) -> bytes:
    """Write an object that goes inside a line, such as one entry of `users`."""
    return orjson.dumps(CLOSED.unstructure(part))


@attrs.frozen
class EncodedReply(Generic[R]):
    """A reply some of whose fields are encoded already: what many users ask for is encoded once.

    `fields` are named and ordered as on the wire; None is left out. Made by `reply_with`.
    """

    kind: type[R]
    fields: dict[str, Any]

    def encode(self, re: Id | None) -> bytes:
        r"""Return the line with its `\n`."""
        line = {"type": self.kind.type} if re is None else {"type": self.kind.type, "re": re}
        return orjson.dumps(line | self.fields, CLOSED.unstructure, orjson.OPT_APPEND_NEWLINE)


def reply_with(kind: type[R], **fields: object) -> EncodedReply[R]:
    """Return a reply of a class, given its fields; lists in it may be those of a `page`."""
    keys, _ = _layout(kind)  # type: ignore[arg-type]  # a class is hashable
    assert fields.keys() <= set(keys), fields.keys()
    return EncodedReply(kind, {key: fields[key] for key in keys if fields.get(key) is not None})


def page(parts: Iterable[bytes], limit: int = MAX_LINE_OUT - 4096) -> tuple[list[orjson.Fragment], bool]:
    """Take encoded parts while they fit into `limit` bytes; return them and whether some were left.

    The default leaves 4 KiB for what stands around them in the line. At least one part is taken.
    """
    taken: list[orjson.Fragment] = []
    for part in parts:
        limit -= len(part) + 1  # the comma
        if limit < 0 and taken:
            return taken, True
        taken.append(orjson.Fragment(part))
    return taken, False


class Codec:
    """Reads requests of some classes, distinguished by `type`."""

    def __init__(self, kinds: Iterable[type[Request]]) -> None:
        self._kinds: dict[str, type[Request]] = {kind.type: kind for kind in kinds}
        self._structure = StructureHooks(CLOSED, self._kinds)

    def decode(self, line: bytes) -> Request:
        """Read one JSON line.

        Raises ChatError (`bad-encoding`, `bad-json`, `unknown-type`, `unknown-field`, `missing-field`,
        `wrong-type`) whose `re` is the line's id where that was good.
        """
        try:
            fields = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            decode_utf8(line)
            raise ChatError("bad-json", f"this is not one JSON object: {error}") from None
        if type(fields) is not dict:
            raise ChatError("bad-json", "a line holds one JSON object: {...}")
        tag = fields.pop("type", None)
        id = fields.get("id")
        try:
            kind = self._kind(tag)
            request: Request = self._structure[kind.type](fields, kind)
        except ChatError as error:
            error.re = _good_id(id)
            raise
        except BaseValidationError as error:
            raise _explain(error, self._kinds[tag], _good_id(id)) from None
        return request

    def _kind(self, tag: object) -> type[Request]:
        if tag is None:
            raise ChatError(
                "missing-field", 'a request needs a "type", for example {"type":"help"}', field="type"
            )
        if type(tag) is not str:
            raise ChatError("wrong-type", "type is a string", field="type")
        kind = self._kinds.get(tag)
        if kind is None:
            near = nearest(tag, self._kinds)
            hint = f"; did you mean {near}?" if near else ""
            message = f"there is no request of type {tag[:MAX_ID]}{hint}"
            raise ChatError("unknown-type", message, field="type", suggestion=near)
        return kind


def decode_utf8(line: bytes) -> str:
    """Return the line as text. Raises ChatError `bad-encoding`."""
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        message = f"the line is not UTF-8: byte {error.start + 1} is {line[error.start]:#04x}"
        raise ChatError("bad-encoding", message) from None


def _good_id(value: object) -> Id | None:
    try:
        return strict_id(value, None)
    except MismatchError:
        return None


def _leaves(error: BaseException, path: str = "") -> Iterator[tuple[BaseException, str]]:
    """Walk what cattrs raised, each with the name of the field that it is about."""
    for inner in getattr(error, "exceptions", ()):
        notes = getattr(inner, "__notes__", ())
        names = [str(note.name) for note in notes if hasattr(note, "name")]
        where = names[-1] if names else path
        if hasattr(inner, "exceptions"):
            yield from _leaves(inner, where)
        else:
            yield inner, where


def _explain(error: BaseValidationError, kind: type[Any], re: Id | None) -> ChatError:
    """Say the first thing that is wrong, unknown fields first: they are mostly a typing error."""
    names = {attribute.name: wire_name(attribute) for attribute in attrs.fields(kind)}
    leaves = sorted(_leaves(error), key=lambda leaf: not isinstance(leaf[0], ForbiddenExtraKeysError))
    leaf, where = leaves[0]
    field = names.get(where, where)
    if isinstance(leaf, ForbiddenExtraKeysError):
        field = min(leaf.extra_fields)[:MAX_ID]
        known = ", ".join(names.values())
        message = f"{kind.type} has no field {field}; it has: {known}"
        suggestion = nearest(field, names.values())
        return ChatError("unknown-field", message, re=re, field=field, suggestion=suggestion)
    if isinstance(leaf, KeyError):
        return ChatError("missing-field", f"{kind.type} needs a field {field}", re=re, field=field)
    return ChatError("wrong-type", f"{field} must be {leaf}", re=re, field=field)
