"""Sentences that begin with the name of a command are said, and passwords are not."""

from __future__ import annotations

import pytest

from tcpchat.commands import BY_NAME
from tcpchat.commands.away import Away
from tcpchat.commands.back import Back
from tcpchat.commands.conversations import Conversations
from tcpchat.commands.ignore import Ignore
from tcpchat.commands.login import Login
from tcpchat.commands.logout import Logout
from tcpchat.commands.read import Read
from tcpchat.commands.receipts import Receipts
from tcpchat.commands.resume import Resume
from tcpchat.commands.revoke import Revoke
from tcpchat.commands.sessions import Sessions
from tcpchat.commands.unignore import Unignore
from tcpchat.commands.unread import Unread
from tcpchat.commands.whois import Whois
from tcpchat.errors import ChatError
from tcpchat.protocol import Request
from tcpchat.repl.entered import AS_TEXT, Ask, AskSecret, Doubt, Say, tells_secret, understand
from tcpchat.repl.words import is_word

KNOWN = {"bob", "carol"}
TOKEN = "kJ0uV3yXk4Qm5c6m1mRr7b3bE6H3VXJ9wqk2b7n0Yd8"


@pytest.mark.parametrize(
    "line",
    [
        "read\n812", "ignore\nbob",
        "back in five", "back, finally", "Back again", "back to work", "back home\nat last",
        "read the docs", "read 812 pages", "read it", "read: the docs", "ready", "ready?", "red", "bread",
        "away from keyboard today", "away lunch", "away!", "way better", "way",
        "ignore that", "ignore that.", "ignore him", "ignore bob, please", "ignore the noise", "ignored",
        "login is broken again", "login doesn't work", "login works", "login failed!", "Login page is down",
        "login for alice is broken\nagain",
        "password is too short", "password reset does nothing", "passwords leak", "passport control",
        "register here: https://example.org", "register at the desk", "registered", "registry is full",
        "unread messages pile up", "unread counts are wrong", "unreal", "logout does nothing",
        "logic circuits are fun", "logins fail", "logan is here",
        "sessions are long", "session is over", "lessons learned", "seasons change", "versions differ",
        "conversations like this", "conversation over", "conversion rate",
        "receipts are lost", "receipts off we go", "receipt please", "recipes are great",
        "resume the game", "resume work", "resumed", "presume so",
        "revoke it", "revoke 2 of them", "revoked", "evoke memories",
        "whois that guy", "who's there", "whos there", "unignore them all",
    ],
)  # fmt: skip
def test_a_sentence_is_said(line: str) -> None:
    assert understand(line, KNOWN) == Say(line)


@pytest.mark.parametrize(
    ("line", "request_"),
    [
        ("back", Back()),
        ("BACK ", Back()),
        ("away", Away()),
        ("/away lunch, back at one", Away(text="lunch, back at one")),
        ("/back", Back()),
        ("read", Read()),
        ("read 812", Read(seq=812)),
        ("read -u bob", Read(username="bob")),
        ("read --room=lobby 3", Read(room="lobby", seq=3)),
        ("unread", Unread()),
        ("whois bob", Whois(name="bob")),
        ("whois nobody-knows", Whois(name="nobody-knows")),
        ("ignore", Ignore()),
        ("ignore bob", Ignore(name="bob")),
        ("ignore Bob", Ignore(name="Bob")),
        ("/ignore that", Ignore(name="that")),
        ("unignore dave", Unignore(name="dave")),
        ("logout", Logout()),
        ("sessions", Sessions()),
        ("conversations", Conversations()),
        ("conversations --after @1", Conversations(after="@1")),
        ("receipts", Receipts()),
        ("receipts OFF", Receipts(on=False)),
        ("revoke 2", Revoke(number=2)),
        (f"resume {TOKEN}", Resume(token=TOKEN)),
        (f"resume {TOKEN} --after 8", Resume(token=TOKEN, after=8)),
        ("/resume x", Resume(token="x")),
        ("login bob --password x", Login(name="bob", password="x")),
    ],
)
def test_a_line_that_fits_is_the_command(line: str, request_: Request) -> None:
    assert understand(line, KNOWN) == Ask(request_)


@pytest.mark.parametrize(
    ("line", "command", "values"),
    [
        ("register", "register", {}),
        ("password", "password", {}),
        ("login alice", "login", {"name": "alice"}),
        ("Login alice --device phone", "login", {"name": "alice", "device": "phone"}),
        ("/login is", "login", {"name": "is"}),
        ("password --password old", "password", {"password": "old"}),
    ],
)
def test_a_password_that_is_left_out_is_asked_for(line: str, command: str, values: object) -> None:
    meant = understand(line, KNOWN)
    assert isinstance(meant, AskSecret)
    assert (meant.incomplete.command.name, meant.incomplete.values) == (command, values)


@pytest.mark.parametrize(
    "line",
    [
        "login alice hunter2", "login alice correct horse battery", "login alice\nhunter2",
        "LOGIN alice hunter2", "register hunter2", "register\nhunter2", "password hunter2",
        "password hunter2 hunter3", "lgoin alice hunter2", "lgoin alice\nhunter2", "regster hunter2",
        "passwrod hunter2", "passwd hunter2",
    ],
)  # fmt: skip
def test_a_line_that_may_hold_a_password_is_not_said(line: str) -> None:
    assert understand(line, KNOWN) == Doubt(line, line.split(maxsplit=1)[0], None)
    assert tells_secret(line)


@pytest.mark.parametrize(
    ("line", "corrected"),
    [
        ("ignore bobb", "/ignore bobb"),
        ("ignroe bob", "ignore bob"),
        ("ignroe bobb", "/ignore bobb"),
        ("whosi bob", "whois bob"),
        ("unrad", "unread"),
        ("lgoin bob", "login bob"),
        ("raed -u bob", "read -u bob"),
        ("lgoin bob --password hunter2", "login bob --password hunter2"),
    ],
)
def test_what_is_nearly_a_command_is_asked_about(line: str, corrected: str) -> None:
    assert understand(line, KNOWN) == Doubt(line, line.split(maxsplit=1)[0], corrected)


@pytest.mark.parametrize(
    "line",
    [
        "/login alice hunter2", "/register hunter2", "/password hunter2", "login bob --pasword hunter2",
        "/login alice\nhunter2", "password --new=hunter2 --old x",
    ],
)  # fmt: skip
def test_a_refusal_does_not_repeat_a_password(line: str) -> None:
    with pytest.raises(ChatError) as refused:
        understand(line, KNOWN)
    assert "hunter2" not in str(refused.value) + str(refused.value.details)
    assert AS_TEXT in refused.value.message
    assert tells_secret(line)


@pytest.mark.parametrize("name", ["login", "whois", "revoke", "unignore", "resume"])
def test_a_command_alone_that_needs_more_gives_the_usage(name: str) -> None:
    with pytest.raises(ChatError) as refused:
        understand(name)
    assert refused.value.details["usage"] == BY_NAME[name].usage


@pytest.mark.parametrize(
    ("line", "tells"),
    [
        ("register", False),
        ("login alice", False),
        ("/login alice", False),
        ("login is broken again", False),
        ("users", False),
        ("say --passwordless", False),
        ("login alice --device phone", True),
        ("/register x", True),
        ("/regster x", True),
        ("/passwd x", True),
        ("/identify x", True),
        (" login alice x", True),
        ("sned --password x", True),
        ("x --new=y", True),
        (f"resume {TOKEN}", True),
        ("resume the game", False),
    ],
)
def test_what_tells_a_secret_is_not_kept(line: str, tells: bool) -> None:
    assert tells_secret(line) is tells


def test_the_commands_of_before_are_no_such_words() -> None:
    for name in (
        "help",
        "send",
        "history",
        "users",
        "rename",
        "scheduled",
        "cancel",
        "report",
        "status",
        "exit",
    ):
        assert not is_word(BY_NAME[name])
    assert is_word(BY_NAME["away"])
