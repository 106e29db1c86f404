"""The handling of failures that all commands share."""

from __future__ import annotations

import pytest

from tcpchat.cli.exit_codes import cause, complain


def test_the_cause_is_the_only_error_of_a_group() -> None:
    error = ValueError("x")
    assert cause(error) is error
    assert cause(ExceptionGroup("outer", [ExceptionGroup("inner", [error])])) is error
    several = ExceptionGroup("several", [error, error])
    assert cause(several) is several


def test_a_complaint_is_one_line_without_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    complain("a\x1b[2J\nb")
    err = capsys.readouterr().err
    assert err.startswith("tcpchat: a")
    assert err.count("\n") == 1
    assert "\x1b" not in err
