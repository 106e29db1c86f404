"""Values of JSON become fields of exactly their type, and nothing is converted."""

from __future__ import annotations

from typing import Any

import pytest

from tcpchat.wire.base import MAX_EXACT, MAX_ID, Id, Unknown
from tcpchat.wire.events import Edited, Message
from tcpchat.wire.strict import CLOSED, OPEN, MismatchError, StructureHooks
from tests.rows import rows

AT = "2026-11-21T09:00:00.123Z"
MESSAGE = {"type": "message", "room": "lobby", "seq": 1, "at": AT, "from": "bob", "text": "hi"}
EDITED = {"type": "edited", "room": "lobby", "seq": 2, "at": AT, "from": "bob", "target": 1, "text": "ho"}


@rows(
    ("kind", "value"),
    [
        (str, ""), (int, MAX_EXACT), (int, -MAX_EXACT), (float, 1.5), (float, 2), (bool, False),
        (list[int], [1, 2]), (dict[str, float], {"a": 1}), (Id | None, None), (Id | None, 7),
        (Id | None, "x" * MAX_ID),
    ],
)  # fmt: skip
def test_a_value_of_the_type_is_taken_as_it_is(kind: Any, value: object) -> None:
    taken = CLOSED.structure(value, kind)
    assert (taken, type(taken)) == (value, type(value))


@rows(
    ("kind", "value", "wanted"),
    [
        (str, 5, "a string"), (str, None, "a string"),
        (int, "5", "a whole number"), (int, True, "a whole number"), (int, 5.0, "a whole number"),
        (int, MAX_EXACT + 1, "a whole number"),
        (float, "1.5", "a number"), (float, True, "a number"), (float, float("inf"), "a number"),
        (bool, 1, "true or false"), (bool, "true", "true or false"),
        (list[int], {}, "a list"), (dict[str, int], [], "an object"),
        (Id | None, 1.0, "a string of at most"), (Id | None, "x" * (MAX_ID + 1), "a string of at most"),
        (Message | Edited, [], "an object"),
        (Message | Edited, {"type": "poll"}, "an object of type message or edited"),
        (Message | Edited | Unknown, {"type": 5}, "an object of type message or edited"),
    ],
)  # fmt: skip
def test_a_value_of_another_type_is_refused_with_what_would_be_right(
    kind: Any, value: object, wanted: str
) -> None:
    with pytest.raises(MismatchError) as refused:
        CLOSED.structure(value, kind)
    assert wanted in str(refused.value)


def test_the_type_tells_which_class_an_object_is_of() -> None:
    later = {"type": "poll", "seq": 3}
    events = OPEN.structure([MESSAGE, EDITED, later], list[Message | Edited | Unknown])
    assert [type(event) for event in events] == [Message, Edited, Unknown]
    assert events[2] == Unknown(fields=later)
    assert CLOSED.unstructure(events[0]) == MESSAGE, "an absent field is left out, `from` has its name"


def test_only_clients_pass_over_unknown_fields() -> None:
    grown = MESSAGE | {"mood": "fine"}
    del grown["type"]
    assert OPEN.structure(grown, Message).sender == "bob"
    with pytest.raises(Exception, match="Message"):
        CLOSED.structure(grown, Message)


def test_hooks_are_made_at_their_first_use() -> None:
    hooks = StructureHooks(OPEN, {"message": Message, "edited": Edited})
    assert not hooks
    assert hooks["message"](MESSAGE, Message) == OPEN.structure(MESSAGE, Message)
    assert list(hooks) == ["message"]
    assert hooks["message"] is hooks["message"]
    with pytest.raises(KeyError):
        hooks["bye"]
