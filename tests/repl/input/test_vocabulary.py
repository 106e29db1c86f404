"""The words of the client's commands, and the lines that tell a password or are about one."""

from __future__ import annotations

import pytest

from tcpchat.protocol import BY_NAME
from tcpchat.repl.input.vocabulary import (
    ALIASES,
    ALL_NAMES,
    CLIENT_COMMANDS,
    CLIENT_COMMANDS_BY_NAME,
    Alias,
    concerns_password,
    tells_secret,
)

TOKEN = "kJ0uV3yXk4Qm5c6m1mRr7b3bE6H3VXJ9wqk2b7n0Yd8"


def test_the_commands_of_the_client_are_not_the_servers() -> None:
    assert not set(CLIENT_COMMANDS_BY_NAME) & set(BY_NAME)
    assert all(command.usage.split()[0] == command.name and command.summary for command in CLIENT_COMMANDS)


@pytest.mark.parametrize("alias", ALIASES, ids=lambda alias: alias.name)
def test_an_alias_means_a_command(alias: Alias) -> None:
    assert alias.name not in ALL_NAMES
    assert alias.usage.split()[0] == alias.name
    assert alias.command in ALL_NAMES
    assert not tells_secret(f"/{alias.name} bob hi")


@pytest.mark.parametrize(
    ("line", "tells"),
    [
        ("register", False),
        ("login alice", False),
        ("/login alice", False),
        ("login is broken again", True),
        ("users", False),
        ("say --passwordless", False),
        ("login alice --device phone", True),
        ("/register x", True),
        ("/regster x", True),
        ("/regster", False),
        ("/passwd x", True),
        ("/identify x", True),
        (" login alice x", True),
        ("sned --password x", True),
        ("x --new=y", True),
        (f"resume {TOKEN}", True),
        ("logic is fun", False),
    ],
)
def test_lines_with_secrets_are_recognised(line: str, tells: bool) -> None:
    assert tells_secret(line) is tells


@pytest.mark.parametrize(
    ("line", "concerns"),
    [
        ("/login", True),
        ("/LOGIN bob", True),
        ("/register x", True),
        ("/password", True),
        ("/lgoin bob x", True),
        ("/users", False),
        ("/to bob", False),
        ("hello", False),
    ],
)
def test_a_line_about_a_password_may_be_followed_by_one(line: str, concerns: bool) -> None:
    assert concerns_password(line) is concerns
