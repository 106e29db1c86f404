"""Options after the text: what reads like one at the end is never part of a message by accident."""

from __future__ import annotations

import pytest

from tcpchat.commands.misplaced import SHOWN, MisplacedOptionError
from tcpchat.protocol import Edit, NeedsSecret, Report, Request, Send, read_request


def read(line: str) -> Request | NeedsSecret | None:
    return read_request(line.encode())


@pytest.mark.parametrize(
    ("line", "moved", "literal"),
    [
        ("send secret -u bob", Send(text="secret", username="bob"), Send(text="secret -u bob")),
        ("send secret -ubob", Send(text="secret", username="bob"), Send(text="secret -ubob")),
        ("send secret --username bob", Send(text="secret", username="bob"), None),
        ("send secret --username=bob ", Send(text="secret", username="bob"), None),
        ("send foo -t 10", Send(text="foo", time=10), Send(text="foo -t 10")),
        ("send foo -r ops", Send(text="foo", room="ops"), Send(text="foo -r ops")),
        ("send a  b -u bob -t 10m", Send(text="a  b", username="bob", time=600), None),
        ("send -t 5 secret -u bob", Send(text="secret", username="bob", time=5), None),
        ("send -5 degrees -u bob", Send(text="-5 degrees", username="bob"), None),
        ("send one\ttwo\t-u\tbob", Send(text="one\ttwo", username="bob"), None),
        ("edit 3 a -u bob", Edit(seq=3, text="a", username="bob"), Edit(seq=3, text="a -u bob")),
    ],
)
def test_it_is_refused_and_both_remedies_are_shown(
    line: str, moved: Request, literal: Request | None
) -> None:
    with pytest.raises(MisplacedOptionError) as refused:
        read(line)
    error = refused.value
    assert (error.code, "usage" in error.details) == ("bad-usage", True)
    assert f"{error.moved}. If it is text, put -- before it: {error.literal}" in error.message
    assert read(error.moved) == moved
    assert literal is None or read(error.literal) == literal


@pytest.mark.parametrize(
    "line",
    [
        "send -- secret -u bob",  # two dashes: all of it is text
        "send -u bob sort -u file",  # it is given already
        "send use -t for that",
        "send the option is -t foo",  # no duration
        "send write -u bob first",
        "send what is -u",
        "send so -> there",
        "send it is -5",
        "report bob he writes -u carol",  # no option of report
    ],
)
def test_other_text_is_text(line: str) -> None:
    request = read(line)
    assert isinstance(request, Send | Report)
    text = request.text if isinstance(request, Send) else request.reason or ""
    assert text
    assert line.endswith(text)


def test_a_long_text_is_not_repeated_in_full() -> None:
    with pytest.raises(MisplacedOptionError) as refused:
        read(f"send {'x' * 4000} -u bob")
    assert len(refused.value.message) < 5 * SHOWN
