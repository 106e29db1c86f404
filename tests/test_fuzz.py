"""A search for bytes that break decoding: only a ChatError may result, and its line must not be too long.

Short by default; `make fuzz` searches for some minutes.
"""

from __future__ import annotations

from collections.abc import Iterable

import attrs
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpchat.errors import CODES, ChatError
from tcpchat.protocol import (
    BY_NAME,
    COMMANDS,
    EVENTS,
    MAX_LINE_OUT,
    REPLIES,
    Codec,
    Event,
    LineReader,
    NeedsSecret,
    Reply,
    Request,
    Unknown,
    as_error,
    encode,
    read_answer,
    read_request,
)
from tcpchat.settings import MAX_LINE

REQUESTS: tuple[type[Request], ...] = tuple(command.request for command in COMMANDS)
OUTGOING: tuple[type[Reply | Event], ...] = tuple(dict.fromkeys((*REPLIES, *EVENTS)))
SERVER = Codec(REQUESTS)
EXAMPLES = [example.encode() for command in COMMANDS for example in command.examples]
WORDS = [kind.type.encode() for kind in REQUESTS]
TAGS = [*WORDS, *(kind.type.encode() for kind in OUTGOING)]
FIELDS = sorted({field.name for kind in (*REQUESTS, *OUTGOING) for field in attrs.fields(kind)} | {"from"})
NASTY = [
    b"\x00", b"\xff", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xef\xbb\xbf", b"\\", b'"', b"\\u0000",
    b"\\ud800", b"\\udfff\\ud800", b"\\ud83d\\ude00", b"\r", b"\t", b" ", b"{", b"}", b"[", b"]", b",", b":",
    b"-", b"--", b"=", b" -u ", b" --username=", b" -t ", b"/", b"\xe2\x80\xae", b"\x1b[2J", b"null", b"true",
    b"NaN", b"-0", b"1e999", b"1e-999", b"0.1", b"9007199254740992", b"-9007199254740992", b"9" * 400,
    b"18446744073709551616", b"9223372036854775808", b"1.7976931348623157e308", b"[" * 1500, b'{"a":' * 1500,
]  # fmt: skip

scalars = st.sampled_from(
    [b"null", b"true", b"false", b"0", b"-1", b"1.5", b'""', b'"a"', b"[]", b"{}", b'"\\u0000"', *NASTY]
)
deep = st.integers(1, 3000).flatmap(
    lambda depth: st.sampled_from([b"[" * depth + b"]" * depth, b'{"a":' * depth + b"1" + b"}" * depth])
)
numbers = st.from_regex(rb"-?[0-9]{1,400}(\.[0-9]{1,400})?([eE][+-]?[0-9]{1,5})?", fullmatch=True)
strings = st.text().map(orjson.dumps) | st.from_regex(rb'"(\\u[dD][89a-fA-F][0-9a-f]{2})+"', fullmatch=True)
json_values = st.one_of(scalars, deep, numbers, strings)
pairs = st.tuples(st.sampled_from(FIELDS).map(orjson.dumps) | strings, json_values)


@st.composite
def json_lines(draw: st.DrawFn) -> bytes:
    """Draw an object that looks like a line: usually a known type, and fields with any value."""
    type_ = b'"' + draw(st.sampled_from(TAGS)) + b'"' if draw(st.booleans()) else draw(json_values)
    members = [b'"type":' + type_]
    members += [key + b":" + value for key, value in draw(st.lists(pairs, max_size=6))]
    return b"{" + b",".join(draw(st.permutations(members))) + b"}"


@st.composite
def plain_lines(draw: st.DrawFn) -> bytes:
    """Draw a line that begins with a command."""
    words = st.sampled_from([*NASTY, b"bob", b"10m", b"7", b"hi"]) | st.text().map(str.encode)
    blanks = st.sampled_from([b" ", b"  ", b"\t", b""])
    rest = draw(st.lists(st.tuples(blanks, words), max_size=6))
    return draw(st.sampled_from(WORDS)) + b"".join(blank + word for blank, word in rest)


@st.composite
def mutated(draw: st.DrawFn, lines: st.SearchStrategy[bytes]) -> bytes:
    """Draw a line and cut, duplicate or replace some of its bytes."""
    line = bytearray(draw(lines))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(line)))
        end = draw(st.integers(start, min(len(line), start + 8)))
        line[start:end] = draw(st.sampled_from([*NASTY, bytes(line[start:end]) * 2]) | st.binary(max_size=4))
    return bytes(line)


good = st.sampled_from(EXAMPLES)
anything = st.one_of(
    json_lines(), plain_lines(), mutated(good), mutated(json_lines()), mutated(plain_lines()), st.binary()
)


def check_refusal(error: ChatError) -> None:
    """Check that a refusal can be sent: its line is short enough and can be decoded."""
    line = encode(as_error(error), error.re)
    assert len(line) < MAX_LINE_OUT
    assert line.index(b"\n") == len(line) - 1
    read = read_answer(line)
    assert read == as_error(error) if error.re is None else orjson.loads(line)["re"] == error.re
    assert error.code in CODES


def check_request(line: bytes, secret: bytes | None = None) -> None:
    """Check the result of a line; prompts are answered with `secret`, or with the line again."""
    try:
        request = read_request(line)
        while isinstance(request, NeedsSecret):
            prompt = request.prompt()
            assert orjson.loads(encode(prompt)) == {"type": "prompt", **attrs.asdict(prompt)}
            request = request.answer(line if secret is None else secret)
    except ChatError as error:
        check_refusal(error)
        return
    if request is not None:
        assert type(request) is BY_NAME[request.type].request
        assert SERVER.decode(encode(request)) == request


@given(json_lines() | mutated(json_lines()) | st.binary())
def test_a_client_survives_any_line_of_a_server(line: bytes) -> None:
    try:
        read = read_answer(line)
    except ChatError as error:
        check_refusal(error)
    else:
        assert isinstance(read, Unknown) or read_answer(encode(read)) == read


@given(json_lines() | mutated(json_lines()) | mutated(good))
def test_a_server_survives_any_json_line(line: bytes) -> None:
    try:
        request = SERVER.decode(line)
    except ChatError as error:
        check_refusal(error)
    else:
        assert SERVER.decode(encode(request)) == request


@given(plain_lines() | mutated(plain_lines()))
def test_a_server_survives_any_plain_line(line: bytes) -> None:
    check_request(line)


@given(anything)
def test_a_server_survives_any_line(line: bytes) -> None:
    check_request(line)


@given(st.sampled_from([b"register", b"login bob", b"password"]), anything)
def test_a_server_survives_any_secret(line: bytes, secret: bytes) -> None:
    check_request(line, secret)


@given(st.sampled_from([b"register", b"login bob", b"password"]), st.text(min_size=1))
def test_a_secret_is_read_as_it_was_typed(line: bytes, secret: str) -> None:
    read = read_request(line)
    while isinstance(read, NeedsSecret):
        read = read.answer(secret.encode())
    assert attrs.asdict(read)["password"] == secret  # type: ignore[arg-type]


def all_lines(reader: LineReader, chunks: Iterable[bytes]) -> Iterable[bytes | ChatError]:
    for chunk in chunks:
        reader.feed(chunk)
        while reader.has_line():
            try:
                yield reader.next_line()
            except ChatError as error:
                yield error


@given(st.lists(anything | st.sampled_from([b"\n", b"\r\n", b"\r"]), max_size=20), st.integers(1, 200))
def test_a_server_survives_any_stream(chunks: list[bytes], limit: int) -> None:
    for line in all_lines(LineReader(limit), chunks):
        if isinstance(line, ChatError):
            check_refusal(line)
        else:
            assert len(line) <= limit
            assert b"\n" not in line
            check_request(line)


FILLS = [b"\x01", b"-", b"\\", b'"', b"x", b"9", "😀".encode(), "\U000e0001".encode(), b"=", b" ", b"{"]


@pytest.mark.parametrize("fill", FILLS, ids=repr)
@pytest.mark.parametrize(
    "start",
    [
        b"", b"/", b"x", b"help --", b"help -x", b"help a ", b"send -t ", b"send --time=", b"send -u a -u ",
        b"cancel ", b"history -n ", b"rename a ", b"ping ", b"report --", b"login ",
        b"register --password=", b"{",
        b'{"type":"', b'{"', b"[",
        b'{"type":"ping","', b'{"type":"ping","id":', b'{"type":"ping","id":"',
    ],
)  # fmt: skip
def test_the_answer_to_the_longest_line_fits_into_a_line(start: bytes, fill: bytes) -> None:
    line = start + fill * ((MAX_LINE - len(start)) // len(fill))
    check_request(line)


@pytest.mark.parametrize(
    ("start", "end"),
    [(b'{"type":"', b'"}'), (b'{"type":"ping","', b'":1}'), (b'{"type":"ping","id":"', b'"}'),
     (b'{"type":"help","command":', b"}"), (b'{"type":"cancel","number":"', b'"}')],
)  # fmt: skip
@pytest.mark.parametrize("fill", [b"x", b"\\u0001", b"\\\\", "😀".encode(), b"9"], ids=repr)
def test_the_answer_to_the_longest_json_line_fits_into_a_line(start: bytes, end: bytes, fill: bytes) -> None:
    line = start + fill * ((MAX_LINE - len(start) - len(end)) // len(fill)) + end
    check_request(line)
