"""Errors of the command line that name the right form."""

from __future__ import annotations

import pytest

from tcpchat.cli import run
from tcpchat.cli.app import app
from tcpchat.cli.sentences import HABITS


def complaint(capfd: pytest.CaptureFixture[str], arguments: list[str]) -> str:
    """Return what the command line is refused with."""
    assert run(arguments) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1
    return err.removeprefix("tcpchat: ").rstrip("\n")


@pytest.mark.parametrize(
    ("typed", "advice"),
    [
        ("connect localhost 8000", "HOST and PORT are one word: tcpchat connect HOST:8000"),
        ("localhost 8000", "HOST and PORT are one word: tcpchat connect HOST:8000"),
        ("tail localhost 9000", "HOST and PORT are one word: tcpchat tail HOST:9000"),
        ("connect a b", "tcpchat connect takes one HOST[:PORT]"),
        ("connect a/8000", "'a/8000' is not HOST[:PORT]"),
        ("http://a:8000", "'http://a:8000' is not HOST[:PORT]"),
        ("connect @a", "'@a' has no name before the @"),
        ("connect bob@a --name al", "bob@a and --name al are two names; give one of them"),
        ("send -a bob@a --name al hi", "two names"),
        ("bench bob@a", "'bob@a' is not HOST[:PORT]"),
        ("--plain localhost:8000", "before the options: tcpchat localhost:8000"),
        ("serve 9000", "tcpchat serve --port 9000"),
        ("serve ::1:x", "see tcpchat serve --help"),
        ("serve localhost:9000", "tcpchat serve --host localhost --port 9000"),
        ("admin mute carol 10s", "the duration is --for 10s"),
        ("admin ban 192.0.2.7 10 m", "the duration is --for 10m"),
        ("admin ban carol for 1h30m", "the duration is --for 1h30m"),
        ("admin ban carol --for 10 m", "such as --for 10m"),
        ("admin mute carol too loud", "the reason is --reason 'too loud'"),
        ("admin unmute carol 10s", '"10s" is one word too many; see tcpchat admin unmute --help'),
        ("users", "in the chat, which tcpchat joins, type /users"),
        ("help whois", "type /whois"),
        ("quit", "type /quit"),
        ("leave", "type /leave"),
        ("help conect", 'Did you mean "connect"?'),
        ("myserver", "to join the chat on a host of that name: tcpchat connect myserver"),
        ("what?", "Commands: connect, send, tail, serve, admin, bench."),
        ("send -x", "Text that begins with - stands behind --: tcpchat send -- -x"),
        ("send --usrname bob hi", "Did you mean --username?"),
        ("tail -20x", "-20x"),
    ],
)
def test_the_error_names_the_right_form(capfd: pytest.CaptureFixture[str], typed: str, advice: str) -> None:
    assert advice in complaint(capfd, typed.split())


@pytest.mark.parametrize(
    ("command", "option", "advice"),
    [(command, option, advice) for command, habits in HABITS.items() for option, advice in habits.items()],
)
def test_an_option_of_another_program_has_ours_beside_it(
    capfd: pytest.CaptureFixture[str], command: str, option: str, advice: str
) -> None:
    line = complaint(capfd, [*command.split(), option, "x"])
    assert line == f"Unknown option: {option}; {advice}"


@pytest.mark.parametrize("text", ["-3", "-1.5"])
def test_a_number_below_zero_is_text(text: str) -> None:
    _, bound, _ = app.parse_args(["send", text, "of 7"], exit_on_error=False, print_error=False)
    assert bound.args == (text, "of 7")
