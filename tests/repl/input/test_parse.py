"""The meaning of a typed line, and that nothing meant for one person becomes text for all by accident."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpchat.errors import ChatError
from tcpchat.protocol import (
    BY_NAME,
    COMMANDS,
    Exit,
    GetHelp,
    ListUsers,
    ReadHistory,
    Rename,
    Report,
    Send,
    SetAway,
)
from tcpchat.repl.input.parse import (
    AS_TEXT,
    RUNS_BARE,
    Ambiguous,
    Call,
    Misplaced,
    NeedsPassword,
    Nothing,
    RunCommand,
    SendText,
    understand,
)
from tcpchat.repl.input.vocabulary import (
    ALL_NAMES,
    HIDDEN,
    tells_secret,
)

TOKEN = "kJ0uV3yXk4Qm5c6m1mRr7b3bE6H3VXJ9wqk2b7n0Yd8"


@pytest.mark.parametrize(
    ("line", "meaning"),
    [
        ("", Nothing()),
        (" \t\n ", Nothing()),
        ("//", SendText("//")),
        ("hi  all ", SendText("hi  all ")),
        ("//text", SendText("//text")),
        ("///text", SendText("///text")),
        ("// a comment", SendText("// a comment")),
        ("// a comment\nint x;", SendText("// a comment\nint x;")),
        ("//usr/bin/foo", SendText("//usr/bin/foo")),
        ("//read the file first", SendText("//read the file first")),
        ("//users\nint x;", SendText("//users\nint x;")),
        ("//rename", SendText("/rename")),
        ("//users", SendText("/users")),
        ("//Send -u bob hi", SendText("/Send -u bob hi")),
        ("//to", SendText("/to")),
        ("//users,", SendText("//users,")),
        (" send -u bob", SendText("send -u bob")),
        ("\t/help", SendText("/help")),
        ("  hi", SendText(" hi")),
        ('{"type":"ping"}', SendText('{"type":"ping"}')),
        ("{ -u", SendText("{ -u")),
        ("help", Call(GetHelp())),
        ("Users ", Call(ListUsers())),
        ("history", Call(ReadHistory())),
        ("EXIT", Call(Exit())),
        ("/help send", Call(GetHelp(command="send"))),
        ("/users", Call(ListUsers())),
        ("\\Users", Call(ListUsers())),
        ("/send -u bob hi  you ", Call(Send(text="hi  you ", username="bob"))),
        ("/send //", Call(Send(text="//"))),
        ("/history -n 5", Call(ReadHistory(count=5))),
        ("/away lunch, back at one", Call(SetAway(text="lunch, back at one"))),
        ("/set", RunCommand("set", "")),
        ("\\SET theme  dark ", RunCommand("set", "theme  dark")),
        ("/to bob", RunCommand("to", "bob")),
        ("/clear", RunCommand("clear", "")),
        ("@bob hi", SendText("@bob hi")),
    ],
)
def test_the_meaning_of_a_line(line: str, meaning: object) -> None:
    assert understand(line) == meaning


@pytest.mark.parametrize(
    ("line", "meaning"),
    [
        ("/nick zoe", Call(Rename(name="zoe"))),
        ("/msg bob hi  you ", Call(Send(text="hi  you ", username="bob"))),
        ("\\W bob hi", Call(Send(text="hi", username="bob"))),
        ("/msg bob your turn -u carol", Call(Send(text="your turn -u carol", username="bob"))),
        ("/me waves", Call(Send(text="waves", action=True))),
        ("/query bob", RunCommand("to", "bob")),
        ("/part", RunCommand("to", "")),
        ("/names", Call(ListUsers())),
        ("/who", Call(ListUsers())),
        ("/quit", Call(Exit())),
        ("//nick zoe", SendText("/nick zoe")),
        ("who is there", SendText("who is there")),
        ("msg bob", SendText("msg bob")),
    ],
)
def test_names_of_other_chats_are_the_commands_that_they_mean(line: str, meaning: object) -> None:
    assert understand(line) == meaning


@pytest.mark.parametrize("line", ["msg bob my pin", "W bob my pin"])
def test_a_private_message_in_the_words_of_other_chats_is_asked_about(line: str) -> None:
    assert understand(line) == Ambiguous(line, "/send -u bob my pin", None)


@pytest.mark.parametrize("name", ALL_NAMES)
@pytest.mark.parametrize("rest", [" it up", "\tbob", " -u bob hi", "\nis old", " "])
def test_a_line_that_begins_with_a_command_is_asked_about(name: str, rest: str) -> None:
    for line in (name + rest, name.upper() + rest):
        if rest.strip() or name not in RUNS_BARE:
            assert understand(line) == Ambiguous(line, f"/{line}", name)
    assert isinstance(understand(name), Call if name in RUNS_BARE else Ambiguous)


@pytest.mark.parametrize(
    "line",
    [
        "send me\nthis thing", "help\nme", "exit\n", "/usr/bin/env python\nprint(1)", "// a comment\nint x;",
        "//users\nint x;", "report alice\nshe shouts", " indented\ncode", "\\section{One}\ntext",
    ],
)  # fmt: skip
def test_pasted_lines_are_text(line: str) -> None:
    assert understand(line, pasted=True) == SendText(line)


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("/send -u bob my pin\nis 1234", "/send -u bob my pin\nis 1234"),
        ("/users\nand more", "/users\nand more"),
        ("/sned -u bob my pin\nis 1234", "/sned -u bob my pin\nis 1234"),
        ("send -u bob my pin\nis 1234", "/send -u bob my pin\nis 1234"),
    ],
)
def test_a_paste_that_looks_private_is_asked_about(line: str, command: str) -> None:
    assert understand(line, pasted=True) == Ambiguous(line, command, None)


@pytest.mark.parametrize("line", ["quit", " QUIT "[1:]])
def test_quit_alone_is_asked_about(line: str) -> None:
    assert understand(line) == Ambiguous(line, "/exit", None)
    assert understand("quit it") == SendText("quit it")


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("sned -u bob secret", "/send -u bob secret"),
        ("SNED -t 5 x", "/send -t 5 x"),
        ("sned --username=bob  secret ", "/send --username=bob  secret "),
        ("sned -u bob\na", "/send -u bob\na"),
        ("s3nd -u bob hi", "/send -u bob hi"),
        ("sent --username=bob hi", "/send --username=bob hi"),
        ("send-u bob hi", "/send -u bob hi"),
        ("Send--username=bob hi", "/send --username=bob hi"),
        ("lgoin --password hunter2 bob", "/login --password hunter2 bob"),
    ],
)
def test_a_mistyped_private_message_is_asked_about(line: str, command: str) -> None:
    assert understand(line) == Ambiguous(line, command, None)


@pytest.mark.parametrize(
    ("line", "moved", "literal"),
    [
        ("/send secret -u bob", "/send -u bob secret", "/send -- secret -u bob"),
        ("/send one\ntwo -u bob", "/send -u bob one\ntwo", "/send -- one\ntwo -u bob"),
        ("/send one\n-u bob", "/send -u bob one", "/send -- one\n-u bob"),
        ("\\SEND foo -t 10", "/send -t 10 foo", "/send -- foo -t 10"),
    ],
)
def test_an_option_after_the_text_is_asked_about(line: str, moved: str, literal: str) -> None:
    meaning = understand(line)
    assert isinstance(meaning, Misplaced)
    assert (meaning.moved, meaning.literal) == (moved, literal)
    assert "options come before the text" in meaning.refusal


@pytest.mark.parametrize("line", ["sned secret -u bob", "sent secret --username=bob"])
def test_a_mistyped_command_with_such_an_option_is_asked_about(line: str) -> None:
    _, _, rest = line.partition(" ")
    assert understand(line) == Ambiguous(line, f"/send {rest}", None)


@pytest.mark.parametrize(
    "line",
    [
        "hello", "hell, no", "sned hi", "sending it", "sent it", "users' rights", "status: done", "ping?",
        "ls -t\nfoo", "tell -u bob", "a -5 degrees", "so -> there", "well -x", "send-off at noon",
        "Send, please", "passwords leak", "@send -u", "é", "-u bob", "send_it now",
    ],
)  # fmt: skip
def test_anything_else_is_text(line: str) -> None:
    assert understand(line) == SendText(line)


@pytest.mark.parametrize(
    ("line", "meaning"),
    [
        ("a\nb ", SendText("a\nb ")),
        ("histroy\nx", SendText("histroy\nx")),
        ("  def f():\n    pass", SendText("  def f():\n    pass")),
        (" /etc\n/usr", SendText("/etc\n/usr")),
        (" send\nx", SendText("send\nx")),
        (" read\nx", SendText("read\nx")),
        ("{\n}", SendText("{\n}")),
        ("/send a\n  b\n", Call(Send(text="a\n  b\n"))),
        ("/send\n  a \nb", Call(Send(text="  a \nb"))),
        ("/send -u bob\na\n\nb", Call(Send(text="a\n\nb", username="bob"))),
        ("/report\nbob a\nb", Call(Report(username="bob", reason="a\nb"))),
    ],
)
def test_several_lines(line: str, meaning: object) -> None:
    assert understand(line) == meaning


# An answer that was kept.


@pytest.mark.parametrize(
    ("line", "meaning"),
    [
        ("send hello", Call(Send(text="hello"))),
        ("SEND -u bob hi", Call(Send(text="hi", username="bob"))),
        ("read the docs", SendText("read the docs")),
        ("Read", SendText("Read")),
        ("to bob", RunCommand("to", "bob")),
        ("history is old", SendText("history is old")),
        ("history", Call(ReadHistory())),
        ("users all", Ambiguous("users all", "/users all", "users")),
    ],
)
def test_an_answer_can_be_kept_for_each_word(line: str, meaning: object) -> None:
    kept = {"send": "command", "read": "text", "to": "command", "history": "text", "away": "?"}
    assert understand(line, kept) == meaning


@pytest.mark.parametrize("line", ["send -u bob secret", "send --time=5 x"])
def test_a_kept_text_does_not_count_for_private_looking_lines(line: str) -> None:
    assert understand("send it", {"send": "text"}) == SendText("send it")
    assert understand(line, {"send": "text"}) == Ambiguous(line, f"/{line}", "send")


@pytest.mark.parametrize("name", sorted(HIDDEN))
def test_a_possible_password_is_never_text_unasked(name: str) -> None:
    line = f"{name} hunter2"
    assert understand(line, {name: "text"}) == Ambiguous(line, f"/{line}", name)
    assert not Ambiguous(line, f"/{line}", name).keeps_text


# Passwords.


@pytest.mark.parametrize(
    ("line", "command", "values"),
    [
        ("/register", "register", {}),
        ("/password", "password", {}),
        ("/login alice", "login", {"name": "alice"}),
        ("/Login alice --device phone", "login", {"name": "alice", "device": "phone"}),
        ("/password --password old", "password", {"password": "old"}),
    ],
)
def test_a_password_that_is_left_out_is_asked_for(line: str, command: str, values: object) -> None:
    meant = understand(line)
    assert isinstance(meant, NeedsPassword)
    assert (meant.incomplete.command.name, meant.incomplete.values) == (command, values)


@pytest.mark.parametrize(
    ("line", "asks"),
    [
        ("login alice", True),
        ("register", True),
        ("login alice x", False),
        ("send hi", False),
        ("quit", False),
    ],
)
def test_an_ambiguous_line_knows_whether_a_password_would_follow(line: str, asks: bool) -> None:
    meant = understand(line)
    assert isinstance(meant, Ambiguous)
    assert meant.asks_password is asks


@pytest.mark.parametrize(
    "line",
    [
        "login alice hunter2", "login alice\nhunter2", "LOGIN alice hunter2", "register hunter2",
        "register\nhunter2", "password hunter2 hunter3", "lgoin --password hunter2 bob", "resume hunter2",
    ],
)  # fmt: skip
def test_a_question_does_not_repeat_a_password(line: str) -> None:
    meant = understand(line)
    assert isinstance(meant, Ambiguous)
    assert meant.shown == f"{line.split(maxsplit=1)[0]} …"
    assert tells_secret(line)


@pytest.mark.parametrize(
    "line",
    [
        "/login alice hunter2", "/register hunter2", "/password hunter2", "/login bob --pasword hunter2",
        "/login alice\nhunter2", "/password --new=hunter2 --old x",
    ],
)  # fmt: skip
def test_a_refusal_does_not_repeat_a_password(line: str) -> None:
    with pytest.raises(ChatError) as refused:
        understand(line)
    assert "hunter2" not in str(refused.value) + str(refused.value.details)
    assert AS_TEXT in refused.value.message
    assert tells_secret(line)


@pytest.mark.parametrize("name", ["login", "whois", "revoke", "unignore", "resume"])
def test_a_command_alone_that_needs_more_gives_the_usage(name: str) -> None:
    with pytest.raises(ChatError) as refused:
        understand(f"/{name}")
    assert refused.value.details["usage"] == BY_NAME[name].usage
    assert refused.value.message.startswith(f"{name} needs ")


# Refusals.


@pytest.mark.parametrize(
    ("line", "code", "message", "usage"),
    [
        ("/send", "bad-usage", "send needs TEXT", BY_NAME["send"].usage),
        ("/users are rude", "bad-usage", "users does not take 'are'", BY_NAME["users"].usage),
        ("/send -x hi", "bad-usage", "Put -- before text", BY_NAME["send"].usage),
        ("/clear all", "bad-usage", "clear does not take 'all'", "/clear"),
        ("/to a b", "bad-usage", "to does not take 'b'", "/to [NAME]"),
        ("/sned hi", "unknown-command", "there is no command /sned; did you mean /send?", None),
        ("/tell bob hi", "unknown-command", "there is no command /tell; did you mean /msg?", None),
        ("/querry bob", "unknown-command", "there is no command /querry; did you mean /query?", None),
        ("/msg bob", "bad-usage", "/msg is /send -u: send needs TEXT", "/msg NAME TEXT"),
        ("/who is there", "bad-usage", "/who is /users: users does not take 'is'", "/who"),
        ("/query bob hi", "bad-usage", "/query is /to: to does not take 'hi'", "/query [NAME]"),
        ("\\cler", "unknown-command", "did you mean \\clear?", None),
        ("/etc/passwd", "unknown-command", "there is no command /etc/passwd.", None),
        ("/", "unknown-command", "there is no command after /", None),
        ("/ send hi", "unknown-command", "there is no command after /", None),
        ("/a\nb", "unknown-command", "there is no command /a", None),
    ],
)
def test_a_refusal_explains_and_shows_how_to_send_text(
    line: str, code: str, message: str, usage: str | None
) -> None:
    with pytest.raises(ChatError) as refused:
        understand(line)
    assert refused.value.code == code
    assert message in refused.value.message
    assert AS_TEXT in refused.value.message.lower()
    assert refused.value.details.get("usage") == usage


@given(st.text(max_size=40) | st.text("/\\ -usendhlp=\n{", max_size=12))
def test_only_lines_with_a_slash_are_refused(line: str) -> None:
    try:
        meaning = understand(line)
    except ChatError:
        assert line.startswith(("/", "\\"))
        return
    if isinstance(meaning, SendText):
        assert not line.startswith(("/", "\\")) or line.startswith("//")
        assert line.startswith((" ", "\t", "//")) or re.split(r"[ \t\n]", line)[0].lower() not in ALL_NAMES


@given(st.text(max_size=40).filter(str.strip))
def test_any_text_can_be_sent(text: str) -> None:
    if re.split(r"[ \t\n]", text)[0].lower() not in ALL_NAMES:
        assert understand("//" + text) == SendText("//" + text)
    if "\n" not in text:
        assert understand(" " + text) == SendText(text)


@given(st.sampled_from(["send", "history", "read"]), st.integers(0, 4), st.sampled_from("aexz"))
def test_no_typo_of_a_private_message_is_sent(name: str, place: int, char: str) -> None:
    typos = {
        name[:place] + char + name[place:],
        name[:place] + name[place + 1 :],
        name[:place] + char + name[place + 1 :],
    }
    for typo in typos - set(BY_NAME) - {""}:
        assert isinstance(understand(f"{typo} -u bob secret"), Ambiguous)


def test_the_command_of_an_ambiguous_line_can_be_understood() -> None:
    for command in COMMANDS:
        for example in command.examples:
            if not example.startswith("{") and example not in RUNS_BARE:
                meant = understand(example)
                assert isinstance(meant, Ambiguous)
                assert isinstance(understand(meant.command), Call | NeedsPassword)
