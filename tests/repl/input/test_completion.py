"""Completion at the cursor."""

from __future__ import annotations

from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpchat.protocol import BY_NAME, COMMANDS, Command
from tcpchat.repl.input.choices import _SOURCES, _SOURCES_OF, MAX_CANDIDATES, CompletionContext, matching
from tcpchat.repl.input.completion import Candidate, complete
from tcpchat.repl.input.vocabulary import CLIENT_COMMANDS
from tcpchat.repl.model.place import Place
from tcpchat.repl.view.clean import clean_line

LIVE = CompletionContext(
    users=["rob", "bob", "carol", "alice", "boris"],
    me="alice",
    absent=["zoe", "brian"],
    ignored=["mallory", "Eve"],
    sessions=[(1, "laptop"), (12, "phone")],
    own=[
        (Place("@b", "bob"), 7, "psst"),
        (Place("lobby"), 31, "see you at five"),
        (Place("lobby"), 3, "hi"),
        (Place("@z", "zoe"), 2, "hi"),
    ],
    pending=[(1, "tea"), (12, "x" * 90)],
    settings={"bell": ("on", "off"), "theme": ("dark", "light")},
)
HERE = ["rob", "bob", "carol", "boris"]
OTHERS = [*HERE, "zoe", "brian"]
NAMES = [command.name for command in COMMANDS]


def offered(before: str, live: CompletionContext = LIVE, *, asked: bool = False) -> list[str]:
    return [candidate.text for candidate in complete(before, live, asked=asked)]


@pytest.mark.parametrize(
    ("before", "texts"),
    [
        ("bob", ["bob: "]),
        ("BO", ["bob: ", "boris: "]),
        ("zo", ["zoe: "]),
        ("ask bo", ["bob ", "boris "]),
        (" bo", ["bob ", "boris "]),
        ("hi\nbo", ["bob ", "boris "]),
        ("send -u car", ["carol "]),
        ("/send hi car", ["carol "]),
        ("/me waves at car", ["carol "]),
        ("/msg bob hi car", ["carol "]),
        ("/join car", []),
        ("/whois arol", ["carol"]),
        ("/rename car", []),
        ("/zoe", []),
        ("hi @car", ["@carol"]),
        ("ali", []),
        ("arol", []),
        ("", []),
        ("hi ", []),
        ("car" * 50, []),
    ],
)
def test_tab_makes_a_name_of_the_word_that_begins_it(before: str, texts: list[str]) -> None:
    assert offered(before, asked=True) == texts


def test_tab_offers_commands_before_names() -> None:
    live = attrs.evolve(LIVE, users=["hector", "usha"])
    assert offered("he", live, asked=True) == ["help"]
    assert offered("hec", live, asked=True) == ["hector: "]


def test_nobody_who_types_on_is_offered_names() -> None:
    assert offered("bo") == offered("ask bo") == offered("/send hi bo") == []


def test_numbers_are_those_of_the_place_of_the_prompt_unless_one_is_named() -> None:
    with_bob = attrs.evolve(LIVE, place=Place.direct("bob"))
    assert offered("/edit ", with_bob) == ["7", "-r", "-u"]
    assert offered("/edit -r lobby ", with_bob) == ["31", "3", "-u"]


@pytest.mark.parametrize(
    ("before", "texts"),
    [
        ("", []),
        (" ", []),
        ("h", ["help", "history"]),
        ("H", ["help", "history"]),
        ("cl", []),
        ("/", [f"/{name}" for name in [*NAMES, *(command.name for command in CLIENT_COMMANDS)]]),
        ("\\clea", ["\\clear"]),
        ("/nd", ["/send", "/unread"]),
        (" h", []),
        ("//h", []),
        ("/send ", ["-u", "-r", "-t", "--action"]),
        ("/send -", ["-u", "-r", "-t", "--action"]),
        ("/send --", ["--username", "--room", "--time", "--action"]),
        ("/send --ti", ["--time"]),
        ("/send -u", ["-u"]),
        ("/send -x", []),
        ("/send -u bob ", ["-r", "-t", "--action"]),
        ("/send --username=bob -t5 ", ["-r", "--action"]),
        ("/send hi ", []),
        ("/send hi -", []),
        ("/send -- -", []),
        ("/send -u ", OTHERS),
        ("/SEND -u bo", ["bob", "boris"]),
        ("/send --username bo", ["bob", "boris"]),
        ("/send --username=bo", ["bob", "boris"]),
        ("/send -ubo", ["bob", "boris"]),
        ("/send -u -", []),
        ("/send -u ali", []),
        ("/send -t 15", ["15s", "15m", "15h", "15d", "15w"]),
        ("/send -t 1h", ["1h", "1h30m"]),
        ("/cancel ", ["1", "12"]),
        ("/edit ", ["31", "3", "-r", "-u"]),
        ("/edit 3", ["31", "3"]),
        ("/edit -u bob ", ["7", "-r"]),
        ("/edit -u BOB 7", ["7"]),
        ("/edit -uzoe ", ["2", "-r"]),
        ("/edit --username=carol ", ["-r"]),
        ("/edit -r #Lobby ", ["31", "3", "-u"]),
        ("/edit -r=@b ", ["7", "-u"]),
        ("/edit 31 see @bo", ["@bob", "@boris"]),
        ("/cancel 12", ["12"]),
        ("/cancel 1 ", []),
        ("/scheduled --after ", ["1", "12"]),
        ("/help ", NAMES),
        ("/help exi", ["exit"]),
        ("/report ", OTHERS),
        ("/report bob ", []),
        ("/report -- bo", ["bob", "boris"]),
        ("/users -- -", []),
        ("/report bob be @ca", ["@carol"]),
        ("/rename ", []),
        ("/rename b", []),
        ("/users --after c", ["carol"]),
        ("/history -n ", []),
        ("/history --bef", ["--before"]),
        ("/history --un", ["--unread"]),
        ("/history --unread ", ["-n", "--before", "--after", "-u", "-r", "--cursor"]),
        ("/history --unread -u zo", ["zoe"]),
        ("/history --unread=", []),
        ("/whois ", OTHERS),
        ("/whois z", ["zoe"]),
        ("/ignore ", OTHERS),
        ("/unignore ", ["mallory", "Eve"]),
        ("/unignore e", ["Eve", "mallory"][:1]),
        ("/users --after z", []),
        ("/revoke ", ["1", "12"]),
        ("/revoke 12", ["12"]),
        ("/receipts ", ["on", "off"]),
        ("/receipts of", ["off"]),
        ("/login ", ["--device"]),
        ("/login al", []),
        ("/login -", ["--password", "--device"]),
        ("/password ", []),
        ("/register --p", ["--password"]),
        ("/read ", ["-u", "-r"]),
        ("read the docs @bo", ["@bob", "@boris"]),
        ("send -u @bo", ["@bob", "@boris"]),
        ("send -u ", []),
        ("read ", []),
        ("s", []),
        ("u", ["users"]),
        ("away", []),
        ("back @bo", ["@bob", "@boris"]),
        ("/read the docs @bo", []),
        ("/ignore @bo", []),
        ("/away for lunch @bo", ["@bob", "@boris"]),
        ("away for lunch @bo", ["@bob", "@boris"]),
        ("xyz ", []),
        ("set ", []),
        ("/set ", ["bell", "theme"]),
        ("/set theme ", ["dark", "light"]),
        ("/set theme l", ["light"]),
        ("/set nothing ", []),
        ("/set theme dark ", []),
        ("/to bor", ["boris"]),
        ("/clear ", []),
        ("@", [f"@{name}" for name in HERE]),
        ("hi @bo", ["@bob", "@boris"]),
        ("hi (@bo", ["@bob", "@boris"]),
        (" @bo", ["@bob", "@boris"]),
        ("//@bo", []),
        ("// @bo", ["@bob", "@boris"]),
        ("me@bo", []),
        ("@alice", []),
        ("send -u bob @ca", ["@carol"]),
        ("/send -u @ca", []),
        ("/to @ca", []),
        ("a\nb @ca", ["@carol"]),
        ("/nic", ["/nick"]),
        ("/quer", ["/query"]),
        ("nic", []),
        ("/joi", ["/join"]),
        ("/join ", []),
        ("/msg bor", ["boris"]),
        ("/w bob hi @ca", ["@carol"]),
        ("/query bor", ["boris"]),
        ("/nick b", []),
    ],
)  # fmt: skip
def test_the_candidates(before: str, texts: list[str]) -> None:
    assert offered(before) == texts


@pytest.mark.parametrize(
    ("before", "start"),
    [
        ("h", -1),
        ("/he", -3),
        ("/send -u bo", -2),
        ("/send --username=bo", -2),
        ("/send -ubo", -2),
        ("hi @bo", -3),
        ("/send ", 0),
    ],
)
def test_a_candidate_replaces_the_begun_token(before: str, start: int) -> None:
    assert {candidate.start for candidate in complete(before, LIVE)} == {start}


def test_words_that_are_commands_without_a_slash_are_completed_as_such() -> None:
    live = attrs.evolve(LIVE, commands=["send", "to"])
    assert offered("s", live) == ["send"]
    assert offered("t", live) == ["to"]
    assert offered("send -u b", live) == ["bob", "boris", "rob", "brian"]
    assert offered("to bor", live) == ["boris"]
    assert offered("cancel ", live) == []


def test_a_candidate_has_its_meaning() -> None:
    assert complete("hel", LIVE) == [Candidate("help", -3, "help", BY_NAME["help"].summary)]
    rename = BY_NAME["rename"].summary
    assert complete("/ren", LIVE) == [Candidate("/rename", -4, "/rename", f"{rename} (also /nick)")]
    assert complete("/nic", LIVE) == [Candidate("/nick", -4, "/nick", f"/rename: {rename} (also /nick)")]
    assert complete("/send -", LIVE)[0] == Candidate(
        "-u", -1, "-u/--username NAME", "send a private message to this user"
    )
    assert complete("/revoke 12", LIVE) == [Candidate("12", -2, "12", "phone")]
    assert complete("/whois z", LIVE) == [Candidate("zoe", -1, "zoe", "not connected")]
    assert complete("/cancel 12", LIVE) == [Candidate("12", -2, "12", "x" * 39 + "…")]


def test_the_durations_are_explained_in_words() -> None:
    told = {candidate.text: candidate.help for candidate in complete("/send -t 1", LIVE)}
    assert told == {
        "10": "10 seconds", "1m": "1 minute", "10m": "10 minutes", "1h": "1 hour",
        "1h30m": "1 hour and 30 minutes", "1d": "1 day", "1s": "1 second", "1w": "1 week",
    }  # fmt: skip
    assert all(BY_NAME["send"].parse(f"-t {text} x") for text in told)


@pytest.mark.parametrize("command", COMMANDS, ids=NAMES)
def test_every_option_of_every_command_is_offered_with_its_help(command: Command[Any, Any]) -> None:
    for field, option in command.options:
        found = complete(f"/{command.name} --{field.name}", LIVE)
        assert [(one.text, one.display, one.help) for one in found] == [
            (f"--{field.name}", option.written(field.name), field.metadata["help"])
        ]


def test_every_source_serves_a_metavar_that_exists() -> None:
    options = {option.metavar for command in COMMANDS for _, option in command.options}
    arguments = {argument.metavar for command in COMMANDS for _, argument in command.arguments}
    assert set(_SOURCES) <= options | arguments
    for name, sources in _SOURCES_OF.items():
        metavars = {option.metavar for _, option in BY_NAME[name].options}
        metavars |= {argument.metavar for _, argument in BY_NAME[name].arguments}
        assert set(sources) <= metavars


def test_names_that_begin_so_come_first_then_those_that_hold_it_then_its_letters() -> None:
    names = ["xaybz", "cab", "Abe", "abc", "zab", "ba", "axb"]
    assert matching("ab", names) == ["Abe", "abc", "cab", "zab", "xaybz", "axb"]
    assert matching("AB", names) == matching("ab", names)


one_line = st.characters(exclude_characters="\n")


@given(st.text(one_line, max_size=4), st.lists(st.text(one_line, max_size=6)))
def test_all_names_with_this_beginning_are_found(token: str, names: list[str]) -> None:
    folded = token.lower()
    beginning = [name for name in names if name.isascii() and name.lower().startswith(folded)]
    assert set(beginning[:MAX_CANDIDATES]) <= set(matching(token, names))


@pytest.mark.parametrize("token", ["^", "]", "-", "[", "\\", ".", "$", "&&", "a|"])
def test_no_character_is_special(token: str) -> None:
    assert matching(token, ["x", f"a{token}"]) == [f"a{token}"]


def test_at_most_so_many_are_offered() -> None:
    many = attrs.evolve(
        LIVE, users=[*(f"user{i}" for i in range(40)), "alice", *(f"u{i}" for i in range(40))]
    )
    assert len(offered("/send -u ", many)) == MAX_CANDIDATES
    assert len(offered("@u", many)) == MAX_CANDIDATES
    assert "alice" not in offered("/send -u ", many)


def test_candidates_are_clean() -> None:
    live = CompletionContext(
        users=["b\x1b[2J"], me="a", pending=[(1, "x\n\u202e")], settings={"s\x07": ("v\x07",)}
    )
    shown = [
        *complete("@", live),
        *complete("/cancel ", live),
        *complete("/set ", live),
        *complete("/set s\x07 ", live),
    ]
    assert len(shown) == 4
    for candidate in shown:
        for text in (candidate.text, candidate.display, candidate.help):
            assert clean_line(text) == text


words = st.sampled_from(
    [
        *NAMES,
        "/",
        "\\",
        "set",
        "to",
        " ",
        " ",
        "\t",
        "\n",
        "-",
        "--",
        "-u",
        "--username=",
        "-t",
        "@",
        "bo",
        "1",
        "theme",
    ]
)


@given(st.text(max_size=200) | st.lists(words | st.text(max_size=2)).map("".join))
def test_no_input_fails(before: str) -> None:
    for candidate in complete(before, LIVE):
        assert -len(before) <= candidate.start <= 0
        assert candidate.text


anything = st.text(max_size=12) | st.sampled_from(
    ["b\x1b[2J", "x\u202e", "a\u200bb", "\x9b31m", "-u", "--", "@", "\n"]
)
hostile = st.builds(
    CompletionContext,
    users=st.lists(anything, max_size=4),
    me=anything,
    absent=st.lists(anything, max_size=2),
    ignored=st.lists(anything, max_size=2),
    sessions=st.lists(st.tuples(st.integers(), anything), max_size=2),
    pending=st.lists(st.tuples(st.integers(), anything), max_size=2),
    settings=st.dictionaries(anything, st.tuples(anything), max_size=2),
)


@given(hostile, st.text(max_size=20) | st.lists(words | anything, max_size=6).map("".join))
def test_hostile_names_make_clean_candidates(live: CompletionContext, before: str) -> None:
    """Nothing that somebody made up as a name, a device or a text does anything to the terminal."""
    for candidate in complete(before, live):
        assert -len(before) <= candidate.start <= 0
        for text in (candidate.text, candidate.display, candidate.help):
            assert clean_line(text) == text
