from __future__ import annotations

import types
import typing
from functools import cache
from typing import Any

import attrs
import orjson
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
from tests.rows import rows

Line = Request | Reply | Event
REQUESTS: tuple[type[Request], ...] = tuple(command.request for command in COMMANDS)
CLASSES: tuple[type[Line], ...] = tuple(dict.fromkeys((*REQUESTS, *REPLIES, *EVENTS)))
CODEC = Codec(REQUESTS)

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


@cache  # to make a strategy takes longer than to draw from it
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


@cache
def instances(kind: type[Any]) -> st.SearchStrategy[Any]:
    hints = typing.get_type_hints(kind)
    return st.builds(kind, **{field.name: values(hints[field.name]) for field in attrs.fields(kind)})


@pytest.mark.parametrize("kinds", [CLASSES[at : at + 10] for at in range(0, len(CLASSES), 10)])
@settings(max_examples=min(20, settings().max_examples))  # for each class, of which there are many
@given(data=st.data())
def test_what_is_written_is_read_as_the_same(kinds: tuple[type[Line], ...], data: st.DataObject) -> None:
    for kind in kinds:
        line = data.draw(instances(kind), kind.type)  # type: ignore[arg-type]  # mypy takes no class as hashable
        written = encode(line)
        if issubclass(kind, Request):
            assert CODEC.decode(written) == line
        else:
            assert read_answer(written) == line
            later = orjson.loads(written) | {"mood": {"deep": [1]}}
            assert read_answer(orjson.dumps(later)) == line, "a field of a later version is passed over"


@rows("kinds", [REQUESTS, REPLIES, EVENTS])
def test_a_type_stands_for_one_class(kinds: tuple[type[Line], ...]) -> None:
    assert len({kind.type for kind in kinds}) == len(kinds)


def test_replies_and_events_can_be_told_apart_by_type() -> None:
    """A client reads both with one codec."""
    by_type: dict[str, type[Line]] = {kind.type: kind for kind in REPLIES}
    assert all(by_type.get(kind.type, kind) is kind for kind in EVENTS)


@rows("kind", CLASSES)
def test_lines_do_not_change_and_their_types_are_lower_case(kind: type[Line]) -> None:
    assert kind.__setattr__ is not object.__setattr__
    assert kind.type.isascii()
    assert kind.type.islower()
    assert kind.__doc__
