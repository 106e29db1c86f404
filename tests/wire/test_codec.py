from __future__ import annotations

from contextlib import suppress
from typing import Any, ClassVar

import attrs
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpchat.errors import ChatError
from tcpchat.protocol import (
    MAX_EXACT,
    MAX_ID,
    MAX_LINE_OUT,
    Bye,
    Codec,
    Error,
    Message,
    Pong,
    Request,
    Sent,
    UserInfo,
    Users,
    encode,
    encode_part,
    encode_sent,
    page,
    read_answer,
    reply_with,
)
from tests.rows import rows


@attrs.frozen(kw_only=True)
class Order(Request):
    """A request with a field of each type."""

    type: ClassVar[str] = "order"
    text: str
    count: int | None = None
    time: float | None = None
    urgent: bool | None = None


@attrs.frozen(kw_only=True)
class Nap(Request):
    type: ClassVar[str] = "nap"


@attrs.frozen(kw_only=True)
class Forward(Request):
    """Has a field whose name on the wire is another."""

    type: ClassVar[str] = "forward"
    sender: str = attrs.field(metadata={"wire": "from"})


CODEC = Codec([Order, Nap, Forward])
AT = "2026-11-21T09:00:00.123Z"


def refusal(line: bytes) -> ChatError:
    with pytest.raises(ChatError) as refused:
        CODEC.decode(line)
    return refused.value


def order(**fields: Any) -> bytes:
    return orjson.dumps({"type": "order", "id": 7, "text": "hi"} | fields)


@rows(
    ("fields", "changes"),
    [
        ({}, {}),
        ({"id": "a1"}, {"id": "a1"}),
        ({"id": 0}, {"id": 0}),
        ({"id": ""}, {"id": ""}),
        ({"id": None}, {"id": None}),
        ({"id": "x" * MAX_ID}, {"id": "x" * MAX_ID}),
        ({"id": MAX_EXACT}, {"id": MAX_EXACT}),
        ({"id": -MAX_EXACT}, {"id": -MAX_EXACT}),
        ({"text": ""}, {"text": ""}),
        ({"text": "\x00\n\u2028😀"}, {"text": "\x00\n\u2028😀"}),
        ({"count": None}, {}),
        ({"count": MAX_EXACT}, {"count": MAX_EXACT}),
        ({"count": -MAX_EXACT}, {"count": -MAX_EXACT}),
        ({"time": 1.5}, {"time": 1.5}),
        ({"time": 2}, {"time": 2}),
        ({"time": 2**64}, {"time": 2.0**64}),
        ({"urgent": False}, {"urgent": False}),
    ],
)
def test_a_good_line_is_read(fields: dict[str, Any], changes: dict[str, Any]) -> None:
    line = order(**{key: value for key, value in fields.items() if value != 2**64})
    if 2**64 in fields.values():
        line = line[:-1] + b',"time":18446744073709551616}'
    assert CODEC.decode(line) == attrs.evolve(Order(id=7, text="hi"), **changes)


@rows(
    "line",
    [
        b'  { "type" : "nap" }  ',
        b'{"type":"\\u006eap"}',
        b'{"type":"nap"}\r',
    ],
)
def test_json_may_be_written_in_any_way(line: bytes) -> None:
    assert CODEC.decode(line) == Nap()


@rows(
    "line",
    [
        b"", b"{", b"}", b"[]", b"null", b"5", b'"nap"', b"{}{}", b"nap", b"{'type':'nap'}",
        b'{"type":"nap"} x', b'{"type":"nap",}', b'{"type":"nap"', b'{type:"nap"}', b'[{"type":"nap"}]',
        b'{"type":"nap","id":NaN}', b'{"type":"nap","id":Infinity}', b'{"type":"nap","id":1e999}',
        b'{"type":"nap","id":01}', b'{"type":"nap","id":+1}', b'{"type":"nap","id":.5}',
        b'{"type":"nap","id":"\t"}', b'{"type":"nap","id":"\\x"}', b'\xef\xbb\xbf{"type":"nap"}',
        b'{"type":"nap","id":"\\ud800"}', b'{"type":"nap","id":"\\udc00\\ud800"}',
        b"[" * 100_000, b'{"a":' * 100_000, b'{"type":"nap","id":' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"type":"nap"}\x00', b'{"type":"nap" // comment\n}',
    ],
)  # fmt: skip
def test_what_is_not_one_json_object_is_refused(line: bytes) -> None:
    error = refusal(line)
    assert (error.code, error.re) == ("bad-json", None)
    assert len(error.message) < 200


@rows("line", [b'{"type":"nap","id":"\xff"}', b'{"type":"nap","\xc3":1}', b'{"\xed\xa0\x80":1}'])
def test_json_that_is_not_utf_8_is_refused(line: bytes) -> None:
    assert refusal(line).code in {"bad-json", "bad-encoding"}


BAD = {
    "no type": (b'{"id":7}', "missing-field", "type"),
    "null type": (b'{"type":null,"id":7}', "missing-field", "type"),
    "number type": (b'{"type":5,"id":7}', "wrong-type", "type"),
    "list type": (b'{"type":["nap"],"id":7}', "wrong-type", "type"),
    "object type": (b'{"type":{},"id":7}', "wrong-type", "type"),
    "unknown type": (b'{"type":"fly","id":7}', "unknown-type", "type"),
    "type in capitals": (b'{"type":"NAP","id":7}', "unknown-type", "type"),
    "empty type": (b'{"type":"","id":7}', "unknown-type", "type"),
    "unknown field": (order(user="bob"), "unknown-field", "user"),
    "unknown before wrong": (order(count="5", user="bob"), "unknown-field", "user"),
    "unknown before missing": (b'{"type":"order","id":7,"user":"bob"}', "unknown-field", "user"),
    "first of unknown": (order(b=1, a=1), "unknown-field", "a"),
    "field in capitals": (order(Count=5), "unknown-field", "Count"),
    "missing field": (b'{"type":"order","id":7}', "missing-field", "text"),
    "text null": (order(text=None), "wrong-type", "text"),
    "text number": (order(text=5), "wrong-type", "text"),
    "text bool": (order(text=True), "wrong-type", "text"),
    "text list": (order(text=["hi"]), "wrong-type", "text"),
    "text object": (order(text={}), "wrong-type", "text"),
    "count string": (order(count="5"), "wrong-type", "count"),
    "count float": (order(count=5.0), "wrong-type", "count"),
    "count bool": (order(count=True), "wrong-type", "count"),
    "count list": (order(count=[5]), "wrong-type", "count"),
    "count inexact": (order(count=MAX_EXACT + 1), "wrong-type", "count"),
    "count inexact below": (order(count=-MAX_EXACT - 1), "wrong-type", "count"),
    "count huge": (b'{"type":"order","id":7,"text":"","count":' + b"9" * 300 + b"}", "wrong-type", "count"),
    "time string": (order(time="10m"), "wrong-type", "time"),
    "time bool": (order(time=True), "wrong-type", "time"),
    "time object": (order(time={"s": 1}), "wrong-type", "time"),
    "urgent number": (order(urgent=1), "wrong-type", "urgent"),
    "urgent string": (order(urgent="true"), "wrong-type", "urgent"),
}


@rows(("line", "code", "field"), BAD.values(), ids=BAD)
def test_a_wrong_line_is_refused_with_code_field_and_id(line: bytes, code: str, field: str) -> None:
    error = refusal(line)
    assert (error.code, error.details["field"], error.re) == (code, field, 7)
    assert field in error.message


@rows("id", [True, 1.5, MAX_EXACT + 1, -MAX_EXACT - 1, "x" * (MAX_ID + 1), [], {}, ["a"]])
def test_a_bad_id_is_refused_and_not_repeated(id: Any) -> None:
    error = refusal(order(id=id))
    assert (error.code, error.details["field"], error.re) == ("wrong-type", "id", None)
    assert refusal(orjson.dumps({"type": "fly", "id": id})).re is None


@rows(
    ("line", "suggestion"),
    [
        (b'{"type":"oder"}', "order"),
        (b'{"type":"something else"}', None),
        (order(txt="hi"), "text"),
        (order(from_="bob"), None),
    ],
)
def test_a_typing_error_is_answered_with_the_nearest_word(line: bytes, suggestion: str | None) -> None:
    error = refusal(line)
    assert error.details["suggestion"] == suggestion
    assert suggestion is None or suggestion in error.message


@rows("line", [orjson.dumps({"type": "x" * 60_000}), order(**{"x" * 60_000: 1})])
def test_a_refusal_does_not_repeat_a_long_line(line: bytes) -> None:
    error = refusal(line)
    assert len(error.message) < 300
    assert len(error.details["field"]) <= MAX_ID


def test_a_refusal_names_fields_as_on_the_wire() -> None:
    """`from` cannot be an attribute, so the class has another name for it."""
    assert CODEC.decode(b'{"type":"forward","from":"a"}') == Forward(sender="a")
    with pytest.raises(ChatError, match="forward needs a field from") as refused:
        CODEC.decode(b'{"type":"forward"}')
    assert refused.value.details["field"] == "from"
    with pytest.raises(ChatError, match="forward has no field sender"):
        CODEC.decode(b'{"type":"forward","from":"a","sender":"a"}')


@rows(
    "line",
    [
        b'{"type":"joined","room":"lobby","users":["a",1]}',
        b'{"type":"joined","room":"lobby","users":5}',
        b'{"type":"joined","room":"lobby","users":"abc"}',
        b'{"type":"joined","room":"lobby","users":{"a":1}}',
        b'{"type":"users","users":"abc","more":false}',
        b'{"type":"users","users":[{"name":1,"since":"s"}],"more":false}',
        b'{"type":"help","commands":["send"]}',
        b'{"type":"help","commands":[{"name":"n","usage":"u","summary":"s","examples":[1]}]}',
        b'{"type":"schema","schema":[]}',
        b'{"type":"schema","schema":"x"}',
    ],
)
def test_a_client_converts_nothing_either(line: bytes) -> None:
    with pytest.raises(ChatError) as refused:
        read_answer(line)
    assert refused.value.code == "wrong-type"


json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
keys = st.sampled_from(["type", "id", "text", "count", "time", "urgent", "room", "users", "messages", "more"])
tags = st.sampled_from(["order", "nap", "users", "history", "help", "status", "message"])
lines = st.fixed_dictionaries({"type": tags}) | st.dictionaries(keys, json | tags, max_size=5)


@given(
    st.binary() | st.binary().map(b"{".__add__) | lines.map(lambda fields: orjson.dumps(fields, default=str))
)
def test_whatever_the_bytes_only_a_chat_error_comes_out(line: bytes) -> None:
    for read in (CODEC.decode, read_answer):
        with suppress(ChatError):
            read(line)


@rows(
    ("line", "re", "written"),
    [
        (Nap(), None, b'{"type":"nap"}\n'),
        (
            Order(id=7, text="é\n", count=0),
            None,
            '{"type":"order","id":7,"text":"é\\n","count":0}\n'.encode(),
        ),
        (Pong(at=AT), None, b'{"type":"pong","at":"%s"}\n' % AT.encode()),
        (Pong(at=AT), 0, b'{"type":"pong","re":0,"at":"%s"}\n' % AT.encode()),
        (Pong(at=AT), "a1", b'{"type":"pong","re":"a1","at":"%s"}\n' % AT.encode()),
        (Pong(at=AT, re=7), None, b'{"type":"pong","re":7,"at":"%s"}\n' % AT.encode()),
        (Bye(code="exit", message="bye"), 1, b'{"type":"bye","re":1,"code":"exit","message":"bye"}\n'),
        (
            Message(room="@b", to="bob", seq=1, at="", sender="al", text=""),
            None,
            b'{"type":"message","room":"@b","to":"bob","seq":1,"at":"","from":"al","text":""}\n',
        ),
        (
            Users(users=[UserInfo(name="al", since="")], more=False),
            None,
            b'{"type":"users","users":[{"name":"al","since":""}],"more":false}\n',
        ),
    ],
)
def test_a_line_is_written_with_type_first_and_without_nulls(
    line: Any, re: int | str, written: bytes
) -> None:
    assert encode(line, re) == written


@given(st.text(), st.none() | st.integers(-MAX_EXACT, MAX_EXACT) | st.text(max_size=MAX_ID))
def test_a_line_ends_once(message: str, re: int | str | None) -> None:
    line = encode(Error(code="internal", message=message), re)
    assert line.index(b"\n") == len(line) - 1


texts, seqs = st.text(), st.integers(1, MAX_EXACT)
ids = st.none() | st.integers(-MAX_EXACT, MAX_EXACT) | st.text(max_size=MAX_ID)


@given(ids, texts, st.none() | texts, seqs, texts)
def test_a_sent_without_an_object_is_written_as_with_one(
    re: int | str | None, room: str, username: str | None, seq: int, at: str
) -> None:
    sent = Sent(room=room, username=username, seq=seq, at=at)
    assert encode_sent(re, room, username, seq, at) == encode(sent, re)


def test_a_part_is_written_as_inside_a_line() -> None:
    part = encode_part(UserInfo(name="al", since=AT))
    assert part == b'{"name":"al","since":"%s"}' % AT.encode()


def test_a_page_takes_what_fits_and_not_one_byte_more() -> None:
    parts = [b'"abc"', b'"de"', b'"f"']
    size = len(b'"abc","de","f",')
    assert (len(page(parts, size)[0]), page(parts, size)[1]) == (3, False)
    assert (len(page(parts, size - 1)[0]), page(parts, size - 1)[1]) == (2, True)


def test_a_page_has_at_least_one_part() -> None:
    shown, more = page([b'"too long"', b'"x"'], 1)
    assert (orjson.loads(orjson.dumps(shown)), more) == (["too long"], True)
    assert page([b'"too long"'], 1)[1] is False
    assert page([], 1) == ([], False)


@given(st.lists(st.text(max_size=9).map(orjson.dumps), max_size=12), st.integers(0, 80))
def test_a_page_is_the_longest_beginning_that_fits(parts: list[bytes], room: int) -> None:
    shown, more = page(parts, room)
    assert orjson.dumps(shown) == b"[" + b",".join(parts[: len(shown)]) + b"]"
    assert more == (len(shown) < len(parts))
    fitting = [count for count in range(len(parts) + 1) if sum(map(len, parts[:count])) + count <= room]
    at_least = min(1, len(parts))
    assert len(shown) == max(at_least, *fitting)


def test_a_line_with_a_full_page_is_not_longer_than_a_line_may_be() -> None:
    part = orjson.dumps("x" * 1021)
    assert MAX_LINE_OUT % len(part + b",") == 0, "so that many of them leave no room"
    shown, more = page([part] * 1100)
    line = reply_with(Users, users=shown, more=more).encode("é" * MAX_ID)
    assert MAX_LINE_OUT - 8192 < len(line) <= MAX_LINE_OUT
    assert more


@given(ids, st.lists(st.text(max_size=9)), st.booleans())
def test_a_reply_with_encoded_parts_is_written_as_with_objects(
    re: int | str | None, names: list[str], more: bool
) -> None:
    users = [UserInfo(name=name, since=name) for name in names]
    shown, _ = page(map(encode_part, users))
    assert reply_with(Users, more=more, users=shown).encode(re) == encode(Users(users=users, more=more), re)


def test_a_reply_has_no_other_fields_than_its_class() -> None:
    with pytest.raises(AssertionError, match="people"):
        reply_with(Users, people=[])
