"""An environment without settings for the tests of the command line, and the shape of a refusal."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tcpchat.cli.app import parse_and_run


@pytest.fixture(autouse=True)
def clean_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing come from the machine: no settings, no files around, a wide terminal for the help."""
    for name in os.environ:
        if name.startswith("TCPCHAT_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "500")
    monkeypatch.chdir(tmp_path)


def refusal(capfd: pytest.CaptureFixture[str], code: int, *arguments: str) -> str:
    """Run the command; return the one line that it wrote to stderr, which ended it with this code."""
    assert parse_and_run(arguments) == code
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("tcpchat: ")
    assert err.endswith("\n")
    assert len(err.splitlines()) == 1
    return err
