from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpchat.errors import ChatError
from tcpchat.protocol import (
    EVENTS,
    MAX_ID,
    REPLIES,
    Bye,
    Error,
    Event,
    History,
    Message,
    PendingMessage,
    Pong,
    Renamed,
    Reply,
    Schedule,
    Sent,
    UserInfo,
    Users,
    read_answer,
)
from tcpchat.wire.answers import SHOWN
from tcpchat.wire.base import Unknown
from tests.rows import rows

KINDS: tuple[Any, ...] = tuple(dict.fromkeys((*REPLIES, *EVENTS)))


def test_what_stands_inside_may_grow_too() -> None:
    lines = (
        b'{"type":"users","re":1,"users":[{"name":"a","since":"s","mood":1}],"more":false}',
        b'{"type":"schedule","re":1,"messages":[{"number":1,"at":"s","room":"lobby","text":"t","mood":1}],"more":false}',
        (
            b'{"type":"history","re":1,"room":"lobby","messages":[{"type":"message","room":"lobby","seq":1,'
            b'"at":"s","from":"a","text":"t","mood":1}],"more":true}'
        ),
    )
    users, schedule, history = map(read_answer, lines)
    assert users == Users(re=1, users=[UserInfo(name="a", since="s")], more=False)
    assert schedule == Schedule(
        re=1, messages=[PendingMessage(number=1, at="s", room="lobby", text="t")], more=False
    )
    said = Message(room="lobby", seq=1, at="s", sender="a", text="t")
    assert history == History(re=1, room="lobby", messages=[said], more=True)


@rows(
    ("line", "answer"),
    [
        (b'{"type":"renamed","re":1,"old":"a","new":"b"}', Renamed(re=1, old="a", new="b")),
        (b'{"type":"renamed","old":"a","new":"b"}', Renamed(old="a", new="b")),
        (b'{"type":"bye","re":"x","code":"c","message":"m"}', Bye(re="x", code="c", message="m")),
        (b'{"type":"error","code":"later","message":"m"}', Error(code="later", message="m")),
        (b'{"type":"pong","re":null,"at":"t"}', Pong(at="t")),
        (b'  {"at":"t","type":"pong"} \r', Pong(at="t")),
        (b'{"type":"sent","room":"r","seq":1,"at":"t","username":null}', Sent(room="r", seq=1, at="t")),
    ],
)
def test_a_line_with_re_is_a_reply_and_absent_is_null(line: bytes, answer: Reply | Event) -> None:
    assert read_answer(line) == answer


@rows(
    ("line", "re", "fields"),
    [
        (b'{"type":"reacted","emoji":"x"}', None, {"type": "reacted", "emoji": "x"}),
        (b'{"type":"reacted","re":5}', 5, {"type": "reacted"}),
        (b'{"type":"","re":null,"a":[1]}', None, {"type": "", "a": [1]}),
    ],
)
def test_a_line_of_a_type_of_a_later_version_is_unknown(line: bytes, re: object, fields: object) -> None:
    answer = read_answer(line)
    assert isinstance(answer, Unknown)
    assert isinstance(answer, Reply)
    assert isinstance(answer, Event)
    assert (answer.re, answer.fields) == (re, fields)


@rows(
    "line",
    [
        b"", b"hello", b"HTTP/1.1 400 Bad Request", b"SSH-2.0-OpenSSH_9.9", b"[]", b"5", b"null", b'"pong"',
        b"{}", b'{"type":5}', b'{"type":null}', b'{"type":"pong","at":"t"', b'{"type":"pong","at":"\xff"}',
        b'{"type":"pong","at":NaN}', b'{"type":"pong","at":"t"} {}', b"[" * 5000,
    ],
)  # fmt: skip
def test_what_is_no_line_of_a_server_is_said(line: bytes) -> None:
    with pytest.raises(ChatError, match="no line of a tcpchat server") as caught:
        read_answer(line)
    assert caught.value.code == "bad-json"


@rows(
    "line",
    [
        b'{"type":"pong"}',
        b'{"type":"pong","at":5}',
        b'{"type":"pong","at":null}',
        b'{"type":"pong","at":"t","re":1.5}',
        b'{"type":"pong","at":"t","re":true}',
        b'{"type":"pong","at":"t","re":"' + b"x" * (MAX_ID + 1) + b'"}',
        b'{"type":"message","room":"lobby","seq":"1","at":"t","from":"a","text":"t"}',
        b'{"type":"message","room":"lobby","seq":9007199254740992,"at":"t","from":"a","text":"t"}',
        b'{"type":"message","room":"lobby","seq":true,"at":"t","from":"a","text":"t"}',
        b'{"type":"joined","room":"lobby","users":"bob"}',
        b'{"type":"joined","room":"lobby","users":[5]}',
        b'{"type":"users","users":[{"name":"a"}],"more":false}',
        b'{"type":"users","users":{},"more":false}',
        b'{"type":"users","users":[],"more":0}',
        b'{"type":"reacted","re":[]}',
    ],
)
def test_what_is_known_is_read_strictly(line: bytes) -> None:
    with pytest.raises(ChatError, match="not as it should be") as caught:
        read_answer(line)
    assert caught.value.code == "wrong-type"


@rows("line", [b"\x1b[2Jboo", '{"type":"pong","at":"\N{RIGHT-TO-LEFT OVERRIDE}'.encode()])
def test_what_an_error_quotes_does_nothing_on_a_terminal(line: bytes) -> None:
    with pytest.raises(ChatError) as caught:
        read_answer(line)
    assert caught.value.message.isascii()
    assert caught.value.message.isprintable()


def test_an_error_quotes_so_much_and_no_more() -> None:
    with pytest.raises(ChatError) as caught:
        read_answer(b"x" * 100_000)
    assert "x" * SHOWN in caught.value.message
    assert "x" * (SHOWN + 1) not in caught.value.message


TEXT = st.text(st.characters(exclude_categories=["Cs"]))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
TAGS = st.sampled_from([kind.type for kind in KINDS]) | TEXT
NAMES = st.sampled_from(sorted({field.name for kind in KINDS for field in attrs.fields(kind)} | {"from"}))


@given(st.builds(lambda tag, rest: rest | {"type": tag}, TAGS, st.dictionaries(NAMES, JSON, max_size=8)))
def test_any_object_is_an_answer_or_an_error(fields: dict[str, Any]) -> None:
    with suppress(ChatError):
        read_answer(json.dumps(fields).encode())


@given(st.binary(max_size=200))
def test_any_bytes_are_an_answer_or_an_error(line: bytes) -> None:
    with suppress(ChatError):
        read_answer(line)


@rows("line", [b'{"type":[]}', b'{"type":{}}'])
def test_a_type_that_cannot_be_one_is_an_error(line: bytes) -> None:
    with pytest.raises(ChatError):
        read_answer(line)


def test_an_error_quotes_no_type_of_any_length_or_with_control_characters() -> None:
    with pytest.raises(ChatError) as caught:
        read_answer(b'{"type":"\\u001b[2J' + b"x" * 100000 + b'","re":[]}')
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 300
