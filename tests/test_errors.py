from __future__ import annotations

from typing import Any

import orjson
import pytest

from tcpchat.errors import CODES, ChatError
from tcpchat.protocol import as_error, encode


def test_a_code_that_is_not_listed_is_a_bug_and_not_a_reply() -> None:
    with pytest.raises(ValueError, match="'no-such-code' is not in CODES"):
        ChatError("no-such-code", "why")


@pytest.mark.parametrize("code", CODES)
def test_every_code_makes_a_line(code: str) -> None:
    line = encode(as_error(ChatError(code, "why")), 7)
    assert orjson.loads(line) == {"type": "error", "re": 7, "code": code, "message": "why"}


@pytest.mark.parametrize("code", CODES)
def test_every_code_is_explained(code: str) -> None:
    assert len(CODES[code]) > len(code)


def test_details_become_fields() -> None:
    details: dict[str, Any] = {
        "retry_after": 0.5,
        "limit": 3,
        "field": "text",
        "name": "bob",
        "until": "2026-11-21T09:00:00.123Z",
        "reason": "spam",
        "usage": "rename NAME",
        "suggestion": "send",
        "text": "hi",
        "reference": "c0ffee",
    }
    line = orjson.loads(encode(as_error(ChatError("muted", "why", **details))))
    assert line == {"type": "error", "code": "muted", "message": "why"} | details


def test_the_id_of_the_request_is_no_detail() -> None:
    error = ChatError("muted", "why", re="a1", limit=3)
    assert (error.re, error.details) == ("a1", {"limit": 3})


def test_the_message_is_what_a_log_shows() -> None:
    assert str(ChatError("muted", "you are muted")) == "you are muted"
