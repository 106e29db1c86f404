"""The confirmation before a load."""

from __future__ import annotations

import io

import pytest

from tcpchat.address import Address
from tcpchat.bench.plan import Plan
from tcpchat.cli import bench
from tcpchat.cli.exit_codes import CALLED_WRONGLY, FAILED, INTERRUPTED, NO_CONNECTION
from tcpchat.errors import StartError
from tests.process import free_port

PLAN = Plan(address=Address("127.0.0.1", 8000))


class Stdin:
    """A terminal, where Ctrl-C is a line of its own."""

    def __init__(self, line: str) -> None:
        self._line = line

    def isatty(self) -> bool:
        return True

    def readline(self) -> str:
        if self._line == "^C":
            raise KeyboardInterrupt
        return self._line


@pytest.mark.parametrize(
    ("answer", "code"), [("n\n", FAILED), ("\n", FAILED), ("", FAILED), ("^C", INTERRUPTED)]
)
def test_nothing_is_sent_without_a_yes(
    answer: str, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", Stdin(answer))
    assert bench.run_plan(PLAN, yes=False, json=False) == code
    out, err = capsys.readouterr()
    assert (out, "the lobby of 127.0.0.1:8000" in err, "[y/N]" in err) == ("", True, True)


def test_a_yes_starts_the_load(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def begun(*_: object) -> None:
        raise StartError("begun")

    monkeypatch.setattr("sys.stdin", Stdin("Yes\n"))
    monkeypatch.setattr(bench, "run", begun)
    assert bench.run_plan(PLAN, yes=False, json=False) == FAILED
    assert "tcpchat: begun" in capsys.readouterr().err


def test_without_a_terminal_and_yes_it_is_a_usage_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert bench.run_plan(PLAN, yes=False, json=False) == CALLED_WRONGLY
    assert "confirm it with --yes" in capsys.readouterr().err


def test_where_nobody_listens_the_code_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    plan = Plan(address=Address("127.0.0.1", free_port()), receivers=1, senders=1)
    assert bench.run_plan(plan, yes=True, json=False) == NO_CONNECTION
    assert f"tcpchat: cannot reach {plan.address}: Connection refused\n" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("rate", "senders", "warns"), [(0, 4, True), (41, 4, True), (40, 4, False), (10, 1, False)]
)
def test_that_the_servers_limit_will_refuse_the_load_is_said_before(
    rate: float,
    senders: int,
    warns: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def begun(*_: object) -> None:
        raise StartError("begun")

    monkeypatch.setattr(bench, "run", begun)
    plan = Plan(address=Address("127.0.0.1", 8000), rate=rate, senders=senders)
    assert bench.run_plan(plan, yes=True, json=False) == FAILED
    before, _, _ = capsys.readouterr().err.partition("tcpchat: begun")
    assert ("takes 10 messages a second of each sender" in before) == warns
    assert (f"--rate {10 * senders} at most" in before) == warns
