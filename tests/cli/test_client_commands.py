"""The arguments of the client's commands, and the calls that they become."""

from __future__ import annotations

import io
from typing import Any

import pytest

from tcpchat.cli import client_runner, run
from tcpchat.cli.app import parse_and_run
from tests.cli.conftest import refusal


@pytest.fixture(autouse=True)
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What the runner is called for: the name of the call, its arguments, and its options."""
    found: list[tuple[Any, ...]] = []

    def record(name: str) -> Any:
        def call(*arguments: Any, **options: Any) -> int:
            found.append((name, *arguments, options))
            return 0

        return call

    for name in ("talk", "send", "tail"):
        monkeypatch.setattr(client_runner, name, record(name))
    return found


def test_without_a_command_the_client_joins_or_starts_the_configured_server(
    calls: list[tuple[Any, ...]],
) -> None:
    assert parse_and_run(["--host", "::", "--port", "9000", "--plain"]) == 0
    ((name, options, how),) = calls
    assert (name, options.address, how) == (
        "talk",
        "[::1]:9000",
        {"plain": True, "json": False, "commands": False},
    )
    assert options.host is not None


def test_connect_starts_no_server(calls: list[tuple[Any, ...]]) -> None:
    assert parse_and_run(["connect", "example.org", "--name", "al", "--no-remember", "--json"]) == 0
    ((name, options, how),) = calls
    assert (name, options.address, how) == (
        "talk",
        "example.org:8000",
        {"plain": False, "json": True, "commands": False},
    )
    assert (options.name, options.remember, options.host, options.tls) == ("al", False, None, None)


@pytest.mark.parametrize(
    "typed",
    ["al@example.org", "connect al@example.org", "connect al@example.org --name al", "al@example.org:8000"],
)
def test_the_name_may_stand_before_the_host(typed: str, calls: list[tuple[Any, ...]]) -> None:
    assert run(typed.split()) == 0
    ((name, options, _),) = calls
    assert (name, options.address, options.name, options.host) == ("talk", "example.org:8000", "al", None)


def test_scripts_may_name_their_user_before_the_host_too(
    calls: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TCPCHAT_PASSWORD", "secret")
    assert run(["send", "-a", "al@example.org", "hi"]) == run(["tail", "al@example.org", "-3"]) == 0
    assert [(call[0], call[1].address, call[1].name) for call in calls] == [
        ("send", "example.org:8000", "al"),
        ("tail", "example.org:8000", "al"),
    ]
    assert calls[1][1].history == 3


def test_tls_has_a_port_of_its_own(calls: list[tuple[Any, ...]]) -> None:
    assert parse_and_run(["connect", "example.org", "--tls"]) == 0
    ((_, options, _),) = calls
    assert options.address == "example.org:8443"
    assert options.tls is not None


def test_words_are_one_message(calls: list[tuple[Any, ...]]) -> None:
    assert parse_and_run(["send", "-a", "[::1]:9000", "-u", "bob", "-t", "1m30s", "see", "you"]) == 0
    ((name, options, text, how),) = calls
    assert (name, options.address, text) == ("send", "[::1]:9000", "see you")
    assert how == {"username": "bob", "time": 90.0}


@pytest.mark.parametrize(
    ("arguments", "text", "username"),
    [
        (["my pin", "-u", "bob"], "my pin", "bob"),
        (["my", "pin", "--username=bob"], "my pin", "bob"),
        (["--", "my", "pin", "-u", "bob"], "my pin -u bob", None),
        (["my pin -u bob"], "my pin -u bob", None),
    ],
)
def test_options_may_stand_after_the_words(
    calls: list[tuple[Any, ...]], arguments: list[str], text: str, username: str | None
) -> None:
    assert parse_and_run(["send", *arguments]) == 0
    ((_, _, sent, how),) = calls
    assert (sent, how["username"]) == (text, username)


def test_without_words_the_message_is_read(
    calls: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("two\nlines\n"))
    assert parse_and_run(["send"]) == 0
    assert calls[0][2] == "two\nlines"


def test_tail_passes_count_and_follow(calls: list[tuple[Any, ...]]) -> None:
    assert parse_and_run(["tail", "example.org", "-n", "0", "-f"]) == 0
    ((name, options, how),) = calls
    assert (name, options.address, options.history) == ("tail", "example.org:8000", 0)
    assert how == {"json": False, "follow": True, "since": None, "username": None}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["connect", "a:b"], "is not HOST[:PORT]"),
        (["send", "-a", "a:b", "hi"], "is not HOST[:PORT]"),
        (["send", "-t", "soon", "hi"], "--time: "),
        (["tail", "-n", "-1"], ">= 0"),
        (["tail", "--follow", "--nope"], "--nope"),
    ],
)
def test_wrong_arguments_are_refused(
    arguments: list[str], told: str, calls: list[tuple[Any, ...]], capfd: pytest.CaptureFixture[str]
) -> None:
    assert told in refusal(capfd, 2, *arguments)
    assert calls == []


def test_nothing_to_send_is_refused(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert "there is no TEXT to send" in refusal(capfd, 2, "send")
