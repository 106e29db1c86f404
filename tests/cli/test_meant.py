"""Command lines that mean another one."""

from __future__ import annotations

import pytest

from tcpchat.cli.meant import COMMANDS, is_place, meant


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("localhost", "connect localhost"),
        ("localhost:8000", "connect localhost:8000"),
        ("bob@host --tls", "connect bob@host --tls"),
        ("::1", "connect ::1"),
        (":9000 --plain", "connect :9000 --plain"),
        ("help", "--help"),
        ("help send", "send --help"),
        ("help admin mute", "admin mute --help"),
        ("admin help", "admin --help"),
        ("admin help mute", "admin mute --help"),
        ("version", "--version"),
        ("-V", "--version"),
        ("tail -3", "tail -n 3"),
        ("tail -20f", "tail -n 20 -f"),
        ("tail -f -3 localhost", "tail -f -n 3 localhost"),
        ("tail localhost -3", "tail localhost -n 3"),
        ("tail --name=bob -3", "tail --name=bob -n 3"),
    ],
)
def test_a_habit_of_other_programs_is_understood(typed: str, says: str) -> None:
    assert meant(typed.split()) == says.split()


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "connect localhost:8000",
        "connect help",
        "conect",
        "myserver",
        "--plain localhost:8000",
        "version x",
        "send -3",
        "send help",
        "admin mute help",
        "tail -n -3",
        "tail -u -3",
        "tail --since -3",
        "tail -- localhost -3",
        "tail -3x",
    ],
)
def test_what_may_mean_something_else_stays(typed: str) -> None:
    assert meant(typed.split()) == typed.split()


def test_no_command_is_a_place() -> None:
    assert not any(map(is_place, COMMANDS))
