"""The plain-line parser, and the way from a line to a request."""

from __future__ import annotations

from typing import Any

import attrs
import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tcpchat.commands.command import whole_number
from tcpchat.errors import ChatError
from tcpchat.protocol import (
    BY_NAME,
    COMMANDS,
    Command,
    ListScheduled,
    ListUsers,
    Login,
    NeedsSecret,
    Option,
    ReadHistory,
    Report,
    Request,
    Send,
    read_request,
)
from tcpchat.times import parse_duration

BLANKS = (" ", "\t")
texts = st.text(st.characters(codec="utf-8", exclude_characters="\n"), min_size=1)
not_blank_first = texts.filter(lambda text: not text.startswith(BLANKS))


def is_like_an_option(text: str) -> bool:
    bare = text.removeprefix("-").removeprefix("-")
    begins_with_letter = bare[:1].isascii() and bare[:1].isalpha()
    return text.startswith("-") and (
        begins_with_letter or text.split("\t", maxsplit=1)[0].split(" ", maxsplit=1)[0] == "--"
    )


def read(line: str) -> Request | None:
    """Read a line, with "secret" for each secret that it leaves to the next one."""
    request = read_request(line.encode())
    while isinstance(request, NeedsSecret):
        request = request.answer(b"secret")
    return request


def refusal(line: str) -> ChatError:
    with pytest.raises(ChatError) as refused:
        read(line)
    return refused.value


def plain(command: Command[Any, Any]) -> list[str]:
    return [example for example in command.examples if not example.startswith("{")]


def named(command: Command[Any, Any]) -> str:
    return command.name


@given(not_blank_first.filter(lambda text: not is_like_an_option(text)))
@example('hi  all, it\'s "me" \\ ')
@example("hi\t\ttabs")
@example("a\r")
@example("a -u bob -- b")
@example("\u00a0\x00\u2028\u202e")
@example("-")
@example("---b")
def test_the_text_of_send_is_kept_as_typed(text: str) -> None:
    assert read("send " + text) == Send(text=text)


@given(not_blank_first)
@example("-u bob hi")
@example("--")
@example("-- hi")
@example("--username=bob")
def test_after_two_dashes_all_is_text(text: str) -> None:
    assert read("send -- " + text) == Send(text=text)
    assert read("send -u bob -- " + text) == Send(text=text, username="bob")


@pytest.mark.parametrize(
    "text", ["-5 degrees", "-> there", "-", "---", "-.-", "- a", "-- >", "\u2013u", "-é"]
)
def test_a_dash_without_a_letter_is_text(text: str) -> None:
    expected = text.removeprefix("-- ")
    assert read(f"send {text}") == Send(text=expected)


@pytest.mark.parametrize(
    ("line", "request_"),
    [
        ("send -u bob hi", Send(text="hi", username="bob")),
        ("send --username bob hi", Send(text="hi", username="bob")),
        ("send --username=bob hi", Send(text="hi", username="bob")),
        ("send --username=a=b hi", Send(text="hi", username="a=b")),
        ("send --username= hi", Send(text="hi", username="")),
        ("send -u bob -t 5 hi", Send(text="hi", username="bob", time=5)),
        ("send -t 5 -u bob hi", Send(text="hi", username="bob", time=5)),
        ("send --time=1h30m --username=bob hi", Send(text="hi", username="bob", time=5400)),
        ("send \t-u \t bob  \thi  all ", Send(text="hi  all ", username="bob")),
        ("send\thi", Send(text="hi")),
        ("send -- hi -u bob", Send(text="hi -u bob")),
        ("history", ReadHistory()),
        ("history -n 5 --before 7", ReadHistory(count=5, before=7)),
        ("history --count=5 --after=0", ReadHistory(count=5, after=0)),
        ("history -u bob ", ReadHistory(username="bob")),
        ("history --", ReadHistory()),
        ("history --unread", ReadHistory(unread=True)),
        ("history --unread -u bob --cursor 7", ReadHistory(unread=True, username="bob", cursor=7)),
        ("history -n 5 --unread", ReadHistory(count=5, unread=True)),
        ("login bob", Login(name="bob", password="secret")),
        ("login --password=x bob --device phone", Login(name="bob", password="x", device="phone")),
        ("users --after bob", ListUsers(after="bob")),
        ("scheduled --after 7", ListScheduled(after=7)),
        ("report bob", Report(username="bob")),
        ("report  bob  he  shouts ", Report(username="bob", reason="he  shouts ")),
        ("report bob -- -u", Report(username="bob", reason="-u")),
        ("report -- bob -u", Report(username="bob", reason="-u")),
    ],
)
def test_options_come_before_text_in_any_form_and_order(line: str, request_: Request) -> None:
    assert read(line) == request_


@pytest.mark.parametrize(
    ("line", "why", "field"),
    [
        ("send", "send needs TEXT", "text"),
        ("send ", "send needs TEXT", "text"),
        ("send --", "send needs TEXT", "text"),
        ("send -- ", "send needs TEXT", "text"),
        ("send -u bob", "send needs TEXT", "text"),
        ("rename", "rename needs NAME", "name"),
        ("report", "report needs NAME", "username"),
        ("rename al ice", "rename does not take 'ice'", None),
        ("ping pong", "ping does not take 'pong'", None),
        ("history 5", "history does not take '5'", None),
        ("send -u", "-u needs NAME after it", "username"),
        ("send --time", "--time needs DURATION after it", "time"),
        ("send -u a -u b hi", "-u is given twice", "username"),
        ("send -u a --username=b hi", "--username is given twice", "username"),
        ("send -t soon hi", "'soon' is not a duration", "time"),
        ("send --time= hi", "'' is not a duration", "time"),
        ("send -x hi", "send has no option -x. Put -- before text that begins with -.", None),
        ("send -U bob hi", "send has no option -U", None),
        ("send --user bob hi", "send has no option --user. Did you mean --username?", None),
        ("send --usrname=bob hi", "send has no option --usrname. Did you mean --username?", None),
        ("send --key a hi", "send has no option --key", None),
        ("ping -x", "ping has no option -x.", None),
        ("history -None 5", "history has no option -N.", None),
        ("history --unread=x", "--unread takes no value", "unread"),
        ("history --unread=", "--unread takes no value", "unread"),
        ("history --unread true", "history does not take 'true'", None),
        ("history --unread --unread", "--unread is given twice", "unread"),
        ("history --unraed", "Did you mean --unread?", None),
        ("login", "login needs NAME", "name"),
        ("login bob correcthorse", "too many arguments for login", None),
        ("register --password", "--password needs PASSWORD after it", "password"),
        ("history -n x", "'x' is not a whole number", "count"),
        ("history -n 1.5", "'1.5' is not a whole number", "count"),
        ("history -n -1", "'-1' is not a whole number", "count"),
        ("cancel -5", "'-5' is not a whole number", "number"),
        ("cancel ٣", "'٣' is not a whole number", "number"),
        ("report bob -u", "report has no option -u. Put --", None),
    ],
)
def test_bad_usage_says_why_and_how_it_is_right(line: str, why: str, field: str | None) -> None:
    error = refusal(line)
    usage = BY_NAME[line.split(maxsplit=1)[0]].usage
    assert (error.code, error.details["usage"], error.details.get("field")) == ("bad-usage", usage, field)
    assert why in error.message


@pytest.mark.parametrize(
    ("name", "usage"),
    [
        ("ping", "ping"),
        ("rename", "rename NAME"),
        ("cancel", "cancel [NUMBER]"),
        ("report", "report NAME [REASON]"),
        ("users", "users [--after NAME]"),
        ("send", "send [-u/--username NAME] [-r/--room ROOM] [-t/--time DURATION] [--action] TEXT"),
        ("login", "login [--password PASSWORD] [--device DEVICE] NAME"),
    ],
)
def test_usage_comes_from_the_fields(name: str, usage: str) -> None:
    assert BY_NAME[name].usage == usage


@pytest.mark.parametrize("command", COMMANDS, ids=named)
def test_short_options_are_one_letter_and_unique(command: Command[Any, Any]) -> None:
    shorts = [option.short for _, option in command.options if option.short]
    assert all(len(short) == 1 for short in shorts)
    assert len(set(shorts)) == len(shorts)


@pytest.mark.parametrize("command", COMMANDS, ids=named)
def test_every_option_reads_the_same_in_each_of_its_forms(command: Command[Any, Any]) -> None:
    needed = [argument for field, argument in command.arguments if field.default is attrs.NOTHING]
    required = " ".join("x" if argument.parse is str else "7" for argument in needed)
    for field, option in command.options:
        if option.metavar is None:
            continue
        value = value_for(option)
        forms = [f"--{field.name} {value}", f"--{field.name}={value}"]
        forms += [f"-{option.short} {value}"] if option.short else []
        requests = [read(f"{command.name} {form} {required}") for form in forms]
        assert getattr(requests[0], field.name) == option.parse(value)
        assert all(request == requests[0] for request in requests)


def value_for(option: Option) -> str:
    return "bob" if option.parse is str else "7"


@pytest.mark.parametrize("lead", ["", "/", "\\", " ", "\t ", "  /"])
@pytest.mark.parametrize("word", ["send", "SEND", "Send"])
def test_the_first_word_is_the_command_in_any_case_after_a_slash(lead: str, word: str) -> None:
    assert read(f"{lead}{word} Hi") == Send(text="Hi")


@pytest.mark.parametrize("line", ["", " ", "\t", "  \t "])
def test_an_empty_line_is_no_request(line: str) -> None:
    assert read(line) is None


@pytest.mark.parametrize(
    ("line", "near"),
    [
        ("sned hi", "send"),
        ("SNED hi", "send"),
        ("/hepl", "help"),
        ("\\hstory", "history"),
        ("user", "users"),
        ("//help", "help"),
        ("hello everybody", None),
        ("xyzzy", None),
        ("/", None),
        ("/ help", None),
        ("привет", None),
        ("-u bob hi", None),
        ("send\u00a0hi", "send"),
        ("x" * 60_000, None),
        ('/{"type":"ping"}', None),
        ("\x00", None),
    ],
)
def test_an_unknown_command_is_answered_with_the_nearest(line: str, near: str | None) -> None:
    error = refusal(line)
    assert (error.code, error.details["suggestion"]) == ("unknown-command", near)
    assert near is None or f"did you mean {near}?" in error.message
    assert "Type help" in error.message
    assert len(error.message) < 400


def test_a_line_that_is_not_utf_8_is_refused_with_the_place() -> None:
    with pytest.raises(ChatError, match="byte 7 is 0xff") as refused:
        read_request(b"send h\xff")
    assert refused.value.code == "bad-encoding"


@pytest.mark.parametrize("command", COMMANDS, ids=named)
def test_every_example_is_read_as_a_request_of_its_command(command: Command[Any, Any]) -> None:
    for line in command.examples:
        assert type(read(line)) is command.request
    assert plain(command)


SAME: list[tuple[str, dict[str, Any]]] = [
    ("help", {"type": "help"}),
    ("help send", {"type": "help", "command": "send"}),
    ("send hi  all, it's me", {"type": "send", "text": "hi  all, it's me"}),
    ("send -u bob -t 10m hi", {"type": "send", "username": "bob", "time": 600, "text": "hi"}),
    ("send -t 1.5 -- -5 degrees", {"type": "send", "time": 1.5, "text": "-5 degrees"}),
    ("edit 812 hi  all", {"type": "edit", "seq": 812, "text": "hi  all"}),
    ("edit -u bob 3 hi", {"type": "edit", "username": "bob", "seq": 3, "text": "hi"}),
    ("history", {"type": "history"}),
    ("history -n 100 --before 812", {"type": "history", "count": 100, "before": 812}),
    ("history -u bob --after 0", {"type": "history", "username": "bob", "after": 0}),
    ("history --unread", {"type": "history", "unread": True}),
    ("history", {"type": "history", "unread": False}),
    ("log", {"type": "log"}),
    ("log --after 812 -n 100 -r lobby", {"type": "log", "after": 812, "count": 100, "room": "lobby"}),
    ("users", {"type": "users"}),
    ("users --after bob", {"type": "users", "after": "bob"}),
    ("rename alice", {"type": "rename", "name": "alice"}),
    ("resume kJ0_-uV3", {"type": "resume", "token": "kJ0_-uV3"}),
    ("resume kJ0_-uV3 --after 812", {"type": "resume", "token": "kJ0_-uV3", "after": 812}),
    ("register", {"type": "register", "password": "secret"}),
    ("register --device phone", {"type": "register", "password": "secret", "device": "phone"}),
    ("login bob", {"type": "login", "name": "bob", "password": "secret"}),
    ("password", {"type": "password", "password": "secret", "new": "secret"}),
    ("logout", {"type": "logout"}),
    ("sessions", {"type": "sessions"}),
    ("revoke 2", {"type": "revoke", "number": 2}),
    ("away", {"type": "away"}),
    ("away lunch, back  at one", {"type": "away", "text": "lunch, back  at one"}),
    ("back", {"type": "back"}),
    ("whois bob", {"type": "whois", "name": "bob"}),
    ("ignore", {"type": "ignore"}),
    ("ignore bob", {"type": "ignore", "name": "bob"}),
    ("unignore bob", {"type": "unignore", "name": "bob"}),
    ("read", {"type": "read"}),
    ("read -u bob 3", {"type": "read", "username": "bob", "seq": 3}),
    ("read --room lobby 3", {"type": "read", "room": "lobby", "seq": 3}),
    ("unread", {"type": "unread"}),
    ("rooms --all --after dev", {"type": "rooms", "all": True, "after": "dev"}),
    ("create ops", {"type": "create", "name": "ops"}),
    ("create --private ops it  is", {"type": "create", "name": "ops", "private": True, "topic": "it  is"}),
    ("join #ops", {"type": "join", "name": "#ops"}),
    ("leave ops", {"type": "leave", "name": "ops"}),
    ("members -r ops --after bob", {"type": "members", "room": "ops", "after": "bob"}),
    ("invite -r ops bob", {"type": "invite", "room": "ops", "username": "bob"}),
    ("invites", {"type": "invites"}),
    ("decline ops", {"type": "decline", "name": "ops"}),
    ("topic -r ops it  is", {"type": "topic", "room": "ops", "text": "it  is"}),
    ("topic -r ops", {"type": "topic", "room": "ops"}),
    ("role -r ops bob owner", {"type": "role", "room": "ops", "username": "bob", "role": "owner"}),
    ("remove -r ops bob", {"type": "remove", "room": "ops", "username": "bob"}),
    (
        "remove -r ops bob too  loud",
        {"type": "remove", "room": "ops", "username": "bob", "reason": "too  loud"},
    ),
    ("close -r ops", {"type": "close", "room": "ops"}),
    ("conversations --after @00", {"type": "conversations", "after": "@00"}),
    ("receipts", {"type": "receipts"}),
    ("receipts off", {"type": "receipts", "on": False}),
    ("scheduled", {"type": "scheduled"}),
    ("scheduled --after 2", {"type": "scheduled", "after": 2}),
    ("cancel", {"type": "cancel"}),
    ("cancel 2", {"type": "cancel", "number": 2}),
    ("report bob", {"type": "report", "username": "bob"}),
    ("report bob he shouts", {"type": "report", "username": "bob", "reason": "he shouts"}),
    ("status", {"type": "status"}),
    ("ping", {"type": "ping"}),
    ("schema", {"type": "schema"}),
    ("exit", {"type": "exit"}),
]


@pytest.mark.parametrize(("words", "fields"), SAME)
def test_plain_words_and_json_say_the_same(words: str, fields: dict[str, Any]) -> None:
    assert read(words) == read_request(orjson.dumps(fields))


def test_the_table_above_has_every_command() -> None:
    assert {fields["type"] for _, fields in SAME} == set(BY_NAME)


def test_usage_shows_a_flag_by_its_name_alone() -> None:
    assert " [--unread] " in BY_NAME["history"].usage


@pytest.mark.parametrize("value", ["true", "", 0, 1, None, [], {}])
def test_a_flag_in_json_is_true_or_false_and_nothing_else(value: object) -> None:
    with pytest.raises(ChatError) as refused:
        read_request(orjson.dumps({"type": "history", "unread": value}))
    assert (refused.value.code, refused.value.details["field"]) == ("wrong-type", "unread")


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("007", 7), ("9" * 15, 10**15 - 1)])
def test_a_whole_number_has_up_to_15_digits(text: str, number: int) -> None:
    assert whole_number(text) == number


@pytest.mark.parametrize("text", ["", "-1", "+1", "1.0", "1e3", "1_0", " 1", "1\n", "٣", "9" * 16])
def test_what_is_no_whole_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a whole number"):
        whole_number(text)


def test_a_duration_is_seconds() -> None:
    assert parse_duration("1h30m") == 5400


@given(st.binary() | st.binary().map(b"send ".__add__) | st.binary().map(b"{".__add__))
def test_whatever_the_bytes_only_a_chat_error_comes_out(line: bytes) -> None:
    try:
        request = read_request(line)
    except ChatError:
        return
    if isinstance(request, NeedsSecret):
        assert request.command in COMMANDS
    else:
        assert request is None or request.type in BY_NAME
