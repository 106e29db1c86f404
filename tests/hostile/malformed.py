"""Bytes that are not lines, and lines that are not requests."""

from __future__ import annotations

from tests.hostile.attack import attack
from tests.hostile.target import Attacker, Target, codes

MB = 1024 * 1024


@attack(short=8, full=1024)
def no_newline_for_a_gigabyte(target: Target, megabytes: int) -> str:
    with target.attacker() as attacker:
        chunk = b"x" * MB
        for _ in range(megabytes):
            attacker.send(chunk)
        attacker.send(b"\nping\n")
        error = attacker.next("error")
        assert (error["code"], error["limit"]) == ("line-too-long", 65536)
        assert attacker.next("pong")
    return "line-too-long once, and the connection stays open"


@attack(short=50_000, full=1_000_000)
def a_million_empty_lines(target: Target, lines: int) -> str:
    with target.attacker() as attacker:
        answers = attacker.pump(b"\n" * 10_000, lines // 10_000)
    assert not answers
    return "no answer, and the connection stays open"


def _refused(target: Target, lines: list[tuple[bytes, str]], times: int) -> str:
    """Send each line so often; each gets its error, and the connection stays open."""
    answers = []
    with target.attacker() as attacker:
        for line, code in lines:
            for _ in range(times):
                attacker.send(line + b"\n")
                error = attacker.next("error")
                assert error["code"] == code, (line[:80], error)
                answers.append(error)
        attacker.send(b"ping\n")
        assert attacker.next("pong")
    return codes(answers)


@attack(short=5, full=500)
def deep_nesting(target: Target, times: int) -> str:
    most = 60_000
    lines = [
        (b'{"type":"ping","id":' + b"[" * most, "bad-json"),
        (b'{"a":' * (most // 5), "bad-json"),
        (b'{"type":"send","text":' + b"[" * 1000 + b"]" * 1000 + b"}", "wrong-type"),
    ]
    return _refused(target, lines, times)


@attack(short=5, full=500)
def huge_numbers(target: Target, times: int) -> str:
    lines = [
        (b'{"type":"ping","id":' + b"9" * 60_000 + b"}", "bad-json"),
        (b'{"type":"send","text":"x","time":1e999}', "bad-json"),
        (b'{"type":"send","text":"x","time":1e300}', "too-far-ahead"),
        (b'{"type":"history","count":9007199254740993}', "wrong-type"),
        (b'{"type":"history","after":-9007199254740991}', "bad-value"),
        (b"history -n " + b"9" * 60_000, "bad-usage"),
        (b"send -t " + b"9" * 60_000 + b" x", "bad-usage"),
        (b"cancel 99999999999999999999", "bad-usage"),
    ]
    return _refused(target, lines, times)


@attack(short=5, full=500)
def invalid_UTF_8_lone_surrogates_and_NUL(target: Target, times: int) -> str:  # noqa: N802  # as it is spelled
    lines = [
        (b"\xff" * 60_000, "bad-encoding"),
        (b"send \xc3", "bad-encoding"),
        (b"send \xed\xa0\x80", "bad-encoding"),
        (b'{"type":"send","text":"\xff"}', "bad-encoding"),
        (b'{"type":"send","text":"\\ud800"}', "bad-json"),
        (b'{"type":"rename","name":"a\\u0000b"}', "bad-name"),
        (b"rename a\0b", "bad-name"),
        (b"\0" * 60_000, "unknown-command"),
    ]
    return _refused(target, lines, times)


def _on_the_plain_port(target: Target, first: bytes, times: int) -> list[str]:
    answers = set()
    for _ in range(times):
        with Attacker(target.port) as stranger:
            stranger.send(first)
            answers.add(codes(line for line in stranger.rest() if line["type"] != "joined"))
    return sorted(answers)


@attack(short=5, full=1000)
def HTTP_bytes_on_the_plain_port(target: Target, times: int) -> str:  # noqa: N802
    post = b"POST /send HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nsend spam\r\n"
    (answer,) = _on_the_plain_port(target, post, times)
    assert "http-refused" in answer
    return answer


HELLO = bytes.fromhex("16030100c4010000c00303") + bytes(range(185)) + b"\n"
"""Roughly a TLS ClientHello; the random bytes of a real one may contain a newline too."""


@attack(short=5, full=1000)
def TLS_bytes_on_the_plain_port(target: Target, times: int) -> str:  # noqa: N802
    answers = set()
    for _ in range(times):
        with Attacker(target.port) as stranger:
            stranger.send(HELLO)
            while (line := stranger.line())["type"] in {"welcome", "joined", "left"}:
                pass
            answers.add(codes([line]))
    return ", ".join(sorted(answers))
