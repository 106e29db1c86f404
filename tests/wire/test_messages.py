from __future__ import annotations

import types
import typing
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tcpchat.protocol import (
    COMMANDS,
    EVENTS,
    MAX_EXACT,
    MAX_ID,
    REPLIES,
    Codec,
    Event,
    Id,
    Reply,
    Request,
    Unknown,
    encode,
    read_answer,
)

Line = Request | Reply | Event
REQUESTS: tuple[type[Request], ...] = tuple(command.request for command in COMMANDS)
CLASSES: tuple[type[Line], ...] = tuple(dict.fromkeys((*REQUESTS, *REPLIES, *EVENTS)))

integers = st.integers(-MAX_EXACT, MAX_EXACT)
floats = st.floats(allow_nan=False, allow_infinity=False)
json = st.recursive(
    st.none() | st.booleans() | integers | floats | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
SIMPLE: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(max_size=20),
    int: integers,
    float: floats | integers,
    bool: st.booleans(),
    Any: json,
    types.NoneType: st.none(),
}


def values(hint: Any) -> st.SearchStrategy[Any]:
    """Return all that a field of this type may hold on the wire."""
    if hint == Id | None:
        return st.none() | integers | st.text(max_size=MAX_ID)
    if hint in SIMPLE:
        return SIMPLE[hint]
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        return st.one_of(*[values(one) for one in arguments if one is not Unknown])
    if origin is list:
        return st.lists(values(arguments[0]), max_size=3)
    if attrs.has(hint):
        return instances(hint)
    assert origin is dict, hint
    return st.dictionaries(st.text(max_size=5), values(arguments[1]), max_size=3)


def instances(kind: type[Any]) -> st.SearchStrategy[Any]:
    hints = typing.get_type_hints(kind)
    return st.builds(kind, **{field.name: values(hints[field.name]) for field in attrs.fields(kind)})


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: f"{kind.__mro__[1].__name__} {kind.type}")
@settings(max_examples=min(20, settings().max_examples))  # for each class, of which there are many
@given(data=st.data())
def test_what_is_written_is_read_as_the_same(kind: type[Line], data: st.DataObject) -> None:
    line = data.draw(instances(kind))
    read = Codec(REQUESTS).decode if issubclass(kind, Request) else read_answer
    assert read(encode(line)) == line


@pytest.mark.parametrize("kinds", [REQUESTS, REPLIES, EVENTS], ids=["requests", "replies", "events"])
def test_a_type_stands_for_one_class(kinds: tuple[type[Line], ...]) -> None:
    assert len({kind.type for kind in kinds}) == len(kinds)


def test_replies_and_events_can_be_told_apart_by_type() -> None:
    """A client reads both with one codec."""
    by_type: dict[str, type[Line]] = {kind.type: kind for kind in REPLIES}
    assert all(by_type.get(kind.type, kind) is kind for kind in EVENTS)


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_lines_do_not_change_and_their_types_are_lower_case(kind: type[Line]) -> None:
    assert kind.__setattr__ is not object.__setattr__
    assert kind.type.isascii()
    assert kind.type.islower()
    assert kind.__doc__
