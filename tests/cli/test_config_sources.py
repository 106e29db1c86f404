"""Settings from flags, the environment and a file: which one wins, and what is wrong where."""

from __future__ import annotations

from pathlib import Path

import pytest

from tcpchat.cli.app import read_settings
from tcpchat.settings import Limits, Listening, Running, Settings
from tests.cli.conftest import refusal


def settings(*arguments: str) -> Settings:
    """Return the settings that `tcpchat serve` would run with."""
    return read_settings(["serve", *arguments])


def test_without_anything_the_defaults_hold() -> None:
    assert settings() == Settings()


def test_flags_win_over_the_environment_and_that_over_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "chat.toml"
    file.write_text('port = 1\nhistory = 1\nhost = ["::1", "127.0.0.2"]\nlog-format = "json"\n')
    monkeypatch.setenv("TCPCHAT_PORT", "2")
    monkeypatch.setenv("TCPCHAT_HISTORY", "2")
    monkeypatch.setenv("TCPCHAT_TEXT_CHARACTERS", "2")
    found = settings("--port", "3", "--config", str(file))
    assert found.listening == Listening(host=("::1", "127.0.0.2"), port=3)
    assert found.rules.history == 2
    assert found.limits == Limits(text_characters=2)
    assert found.running == Running(log_format="json")


def test_the_file_may_be_named_by_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "chat.toml").write_text("backlog_bytes = 5\n")
    monkeypatch.setenv("TCPCHAT_CONFIG", "chat.toml")
    assert settings().limits.backlog_bytes == 5


def test_hosts_are_given_one_by_one_or_as_a_list(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings("--host", "::1", "--host", "localhost").listening.host == ("::1", "localhost")
    monkeypatch.setenv("TCPCHAT_HOST", "::1 localhost")
    assert settings().listening.host == ("::1", "localhost")


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [("TCPCHAT_PORT", "x", '"x"'), ("TCPCHAT_PORT", "70000", "<= 65535"), ("TCPCHAT_EPHEMERAL", "?", "bool")],
)
def test_a_wrong_value_in_the_environment_names_its_variable(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    monkeypatch.setenv(name, value)
    line = refusal(capfd, 2, "serve")
    assert name in line
    assert told in line


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("port = 'x'", ["port", "unable to convert"]),
        ("port = 70000", ["port", "<= 65535"]),
        ("port = true", ["port", "unable to convert"]),
        ("prot = 1", ["prot", "Unknown option"]),
        ("port =", ["is not TOML"]),
        ("\udcff", ["is not TOML"]),
        ("[serve]\nport = 1", ["[serve]", "must not be in a table"]),
        ("[listening]\nport = 1", ["listening", "Unknown option"]),
    ],
)
def test_an_error_in_a_file_names_the_file(
    capfd: pytest.CaptureFixture[str], tmp_path: Path, text: str, told: list[str]
) -> None:
    (tmp_path / "chat.toml").write_bytes(text.encode(errors="surrogateescape"))
    line = refusal(capfd, 2, "serve", "--config", "chat.toml")
    assert "chat.toml" in line
    assert all(part in line for part in told), line


def test_a_mistyped_variable_is_pointed_out(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TCPCHAT_HISTROY", "5")
    monkeypatch.setenv("TCPCHAT_NAME", "alice")  # the client's
    assert settings() == Settings()
    told = (
        "tcpchat: the environment variable TCPCHAT_HISTROY is not a setting; did you mean TCPCHAT_HISTORY?\n"
    )
    assert capsys.readouterr().err == told
