"""JSON Schema (2020-12) of every line, made from the classes. Pure."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterable
from typing import Any

import attrs

from tcpchat.wire.base import MAX_EXACT, MAX_ID, Event, Reply, Request, Unknown
from tcpchat.wire.codec import Line
from tcpchat.wire.strict import wire_name

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_INTEGER = {"type": "integer", "minimum": -MAX_EXACT, "maximum": MAX_EXACT}


def schema(
    requests: Iterable[type[Request]], replies: Iterable[type[Reply]], events: Iterable[type[Event]]
) -> dict[str, Any]:
    """Describe these requests, replies and events; `$defs` has one entry for each class.

    `$defs/request` and `$defs/line` (what the server sends) tell what a whole line may be.
    """
    requests = tuple(requests)
    outgoing: tuple[type[Line], ...] = tuple(dict.fromkeys((*replies, *events)))
    return {
        "$schema": DIALECT,
        "$id": "urn:tcpchat:protocol:1",
        "title": "tcpchat, wire version 1",
        "anyOf": [{"$ref": "#/$defs/request"}, {"$ref": "#/$defs/line"}],  # `back` is both
        "$defs": {
            "request": {"oneOf": [_reference(kind) for kind in requests]},
            "line": {"oneOf": [_reference(kind) for kind in outgoing]},
            **{_key(kind): _describe(kind) for kind in (*requests, *outgoing)},
        },
    }


def _key(kind: type[Line]) -> str:
    """`send-request`, `sent-reply`, `joined-event`; one that is reply and event counts as a reply."""
    for base in (Request, Reply, Event):
        if issubclass(kind, base):
            return f"{kind.type}-{base.__name__.lower()}"
    raise TypeError(kind)


def _reference(kind: type[Line]) -> dict[str, str]:
    return {"$ref": f"#/$defs/{_key(kind)}"}


def _describe(kind: type) -> dict[str, Any]:
    """Describe one class; only requests are closed, since a server may say more to a newer client."""
    hints = typing.get_type_hints(kind)
    properties: dict[str, Any] = {}
    required: list[str] = []
    if isinstance(tag := getattr(kind, "type", None), str):
        properties["type"] = {"const": tag}
        required.append("type")
    for attribute in attrs.fields(kind):
        name = wire_name(attribute)
        described = _of(hints[attribute.name])
        if attribute.default is None and issubclass(kind, Request):
            described = {"anyOf": [described, {"type": "null"}]}  # the same as absent
        if help := attribute.metadata.get("help"):
            described = {**described, "description": help}
        properties[name] = described
        if attribute.default is attrs.NOTHING:
            required.append(name)
    title = (kind.__doc__ or "").partition("\n")[0]
    return {
        "type": "object",
        "description": title,
        "properties": properties,
        "required": required,
        "additionalProperties": not issubclass(kind, Request),
    }


def _of(kind: Any) -> dict[str, Any]:
    """Describe the type of one field."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        return _of_one_of([option for option in arguments if option is not type(None)])
    if origin is list:
        return {"type": "array", "items": _of(arguments[0])}
    if origin is dict:
        return {"type": "object", "additionalProperties": _of(arguments[1])}
    if attrs.has(kind):
        return _describe(kind)
    if kind is Any:
        return {}
    if kind is int:
        return dict(_INTEGER)
    return {"type": {str: "string", float: "number", bool: "boolean"}[kind]}


def _of_one_of(options: list[Any]) -> dict[str, Any]:
    if options == [int, str]:  # an id
        return {"anyOf": [_INTEGER, {"type": "string", "maxLength": MAX_ID}]}
    described = [_of(option) for option in options if option is not Unknown]
    return described[0] if len(options) == 1 else {"anyOf": described}
