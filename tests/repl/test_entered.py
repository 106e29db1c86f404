"""What a typed line means, and that no typo says aloud what was meant for one."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpchat.commands import BY_NAME, COMMANDS
from tcpchat.commands.help import Help
from tcpchat.commands.history import History
from tcpchat.commands.report import Report
from tcpchat.commands.send import Send
from tcpchat.commands.users import Users
from tcpchat.errors import ChatError
from tcpchat.repl.entered import (
    AS_TEXT,
    LOCAL,
    LOCAL_BY_NAME,
    Ask,
    AskSecret,
    Doubt,
    Local,
    Nothing,
    Say,
    understand,
)
from tcpchat.repl.words import NEAR_EVERYTHING


@pytest.mark.parametrize(
    ("line", "meaning"),
    [
        ("", Nothing()),
        (" \t\n ", Nothing()),
        ("//", Nothing()),
        ("hi  all ", Say("hi  all ")),
        ("//text", Say("text")),
        ("///text", Say("/text")),
        ("// text", Say(" text")),
        (" send -u bob", Say("send -u bob")),
        ("\t/help", Say("/help")),
        ("  hi", Say(" hi")),
        ('{"type":"ping"}', Say('{"type":"ping"}')),
        ("{ -u", Say("{ -u")),
        ("help", Ask(Help())),
        ("HELP send", Ask(Help(command="send"))),
        ("/users", Ask(Users())),
        ("\\Users", Ask(Users())),
        ("send -u bob hi  you ", Ask(Send(text="hi  you ", username="bob"))),
        ("/send //", Ask(Send(text="//"))),
        ("history -n 5", Ask(History(count=5))),
        ("/set", Local("set", "")),
        ("\\SET theme  dark ", Local("set", "theme  dark")),
        ("/to bob", Local("to", "bob")),
        ("/clear", Local("clear", "")),
        ("to bob", Say("to bob")),
        ("set it up", Say("set it up")),
        ("clear", Say("clear")),
        ("@bob hi", Say("@bob hi")),
    ],
)
def test_what_a_line_means(line: str, meaning: object) -> None:
    assert understand(line) == meaning


@pytest.mark.parametrize(
    ("line", "meaning"),
    [
        ("a\nb ", Say("a\nb ")),
        ("history\nis old", Say("history\nis old")),
        ("ls -t\nfoo", Doubt("ls -t\nfoo", "ls", None)),
        ("  def f():\n    pass", Say("  def f():\n    pass")),
        (" /etc\n/usr", Say("/etc\n/usr")),
        (" send\nx", Say("send\nx")),
        ("{\n}", Say("{\n}")),
        ("send a\n  b\n", Ask(Send(text="a\n  b\n"))),
        ("send\n  a \nb", Ask(Send(text="  a \nb"))),
        ("send -u bob\na\n\nb", Ask(Send(text="a\n\nb", username="bob"))),
        ("/report\nbob a\nb", Ask(Report(username="bob", reason="a\nb"))),
        ("sned -u bob\na", Doubt("sned -u bob\na", "sned", "send -u bob\na")),
        ("histroy\nx", Say("histroy\nx")),
    ],
)
def test_several_lines_are_text_unless_they_begin_as_a_send(line: str, meaning: object) -> None:
    assert understand(line) == meaning


@pytest.mark.parametrize(
    ("line", "corrected"),
    [
        ("sned hi", "send hi"),
        ("SNED hi", "send hi"),
        ("sendd  hi ", "send  hi "),
        ("snd -u bob hi", "send -u bob hi"),
        ("s3nd hi", "send hi"),
        ("hepl", "help"),
        ("user", "users"),
        ("hell", "help"),
        ("exut", "exit"),
        ("histroy 5", "history 5"),
        ("hisotyr", "history"),
        ("schedlued", "scheduled"),
        ("schedule", "scheduled"),
        ("reprot bob spam", "report bob spam"),
        ("end -t 5 hi", "send -t 5 hi"),
        ("sent --username=bob hi", "send --username=bob hi"),
        ("send-u bob hi", "send -u bob hi"),
        ("Send--username=bob hi", "Send --username=bob hi"),
        ("tell -u bob hi", None),
    ],
)
def test_a_mistyped_command_is_asked_about(line: str, corrected: str | None) -> None:
    assert understand(line) == Doubt(line, line.split(maxsplit=1)[0], corrected)


@pytest.mark.parametrize(
    "line",
    [
        "hello", "hello all", "hell no", "hell, no", "user bob is rude", "users' rights", "user's here",
        "sending it", "sent", "sent it", "status: done", "ping? no", "report’s out", "Send, please",
        "end of story", "exist? no", "edit: typo", "being here", "thing", "king of the hill", "cancer is bad",
        "Schedule is tight", "history's lesson", "renaming", "statues fall", "a -5 degrees", "so -> there",
        "well -x", "send-off at noon", "re", "set", "told you", "schema's", "pong it is", "self help",
    ],
)  # fmt: skip
def test_what_people_say_is_not_asked_about(line: str) -> None:
    assert understand(line) == Say(line)


@pytest.mark.parametrize(
    ("line", "code", "message", "usage"),
    [
        ("send", "bad-usage", "send needs TEXT", BY_NAME["send"].usage),
        ("users are rude", "bad-usage", "users does not take 'are'", BY_NAME["users"].usage),
        ("send -x hi", "bad-usage", "Put -- before text", BY_NAME["send"].usage),
        ("/clear all", "bad-usage", "clear does not take 'all'", "/clear"),
        ("/to a b", "bad-usage", "to does not take 'b'", "/to [NAME]"),
        ("/sned hi", "unknown-command", "there is no command /sned; did you mean /send?", None),
        ("\\cler", "unknown-command", "did you mean \\clear?", None),
        ("/etc/passwd", "unknown-command", "there is no command /etc/passwd.", None),
        ("/", "unknown-command", "there is no command after /", None),
        ("/ send hi", "unknown-command", "there is no command after /", None),
        ("/a\nb", "unknown-command", "there is no command /a", None),
    ],
)
def test_a_refusal_says_why_and_how_to_say_it_as_text(
    line: str, code: str, message: str, usage: str | None
) -> None:
    with pytest.raises(ChatError) as refused:
        understand(line)
    assert refused.value.code == code
    assert message in refused.value.message
    assert AS_TEXT in refused.value.message.lower()
    assert refused.value.details.get("usage") == usage


@given(st.text(max_size=40) | st.text("/\\ -usendhlp=\n{", max_size=12))
def test_only_what_begins_with_a_slash_or_a_command_is_refused(line: str) -> None:
    try:
        meaning = understand(line)
    except ChatError:
        first = re.split(r"[ \t\n]", line, maxsplit=1)[0].lower()
        assert line.startswith(("/", "\\")) or first in BY_NAME
        return
    assert not (isinstance(meaning, Say) and line.startswith(("/", "\\")) and not line.startswith("//"))


@given(st.text(max_size=40).filter(str.strip))
def test_any_text_can_be_said(text: str) -> None:
    assert understand("//" + text) == Say(text)
    if "\n" not in text:
        assert understand(" " + text) == Say(text)


@given(st.sampled_from(["send", "users"]), st.integers(0, 4), st.sampled_from("aexz"))
def test_no_typo_of_a_private_message_is_sent(name: str, place: int, char: str) -> None:
    typos = {
        name[:place] + char + name[place:],
        name[:place] + name[place + 1 :],
        name[:place] + char + name[place + 1 :],
    }
    for typo in typos - set(BY_NAME) - {""}:
        assert isinstance(understand(f"{typo} -u bob secret"), Doubt)


def test_the_corrected_line_can_be_understood() -> None:
    for command in COMMANDS:
        for example in command.examples:
            if not example.startswith("{"):
                doubt = understand("x" + example)
                if command.name in NEAR_EVERYTHING:
                    continue
                assert isinstance(doubt, Doubt)
                assert (doubt.corrected or "").removeprefix("/") == example
                assert isinstance(understand(doubt.corrected or ""), Ask | AskSecret)


def test_the_commands_of_the_client_are_not_the_servers() -> None:
    assert not set(LOCAL_BY_NAME) & set(BY_NAME)
    assert all(command.usage.split()[0] == command.name and command.summary for command in LOCAL)
