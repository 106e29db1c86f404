"""Who is mentioned in a text."""

from __future__ import annotations

import pytest

from tcpchat.chat.directory import Directory
from tcpchat.chat.hub import MENTIONS, Hub
from tcpchat.names import LONGEST_NAME, RESERVED, skeleton
from tcpchat.store.rows import NameRow
from tests.chat.test_hub import join

NAMES = ("al", "bob", "c.d", "e-f", "x" * LONGEST_NAME, "\u00e9lise", "al+b")


def mentioned(text: str, hub: Hub | None = None) -> list[str]:
    hub = hub or Hub()
    join(hub, *NAMES)
    return [user.name for user in hub.mentioned(text)]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("@bob", ["bob"]),
        ("hi @bob how are you", ["bob"]),
        ("@bob @al @bob", ["bob", "al"]),
        ("@bob@al", ["bob"]),
        ("@BOB and @Al", ["bob", "al"]),
        ("@\u00c9lise", ["\u00e9lise"]),
        ("@nobody @bobby @bo", []),
        ("@b0b", []),
        ("@", []),
        ("@ bob", []),
        ("@@bob", ["bob"]),
        ("bob", []),
        ("@" + "x" * LONGEST_NAME, ["x" * LONGEST_NAME]),
    ],
)
def test_a_mention_is_an_at_and_a_name_in_any_case(text: str, names: list[str]) -> None:
    assert mentioned(text) == names


@pytest.mark.parametrize(
    "around", ["{},", "{}.", "{}:", "{}!", "{}?!", "({})", "\u201c{}\u201d", "\n{}\n", "/{}"]
)
@pytest.mark.parametrize("name", ["bob", "c.d", "e-f"])
def test_punctuation_around_a_mention_does_not_matter(around: str, name: str) -> None:
    assert mentioned(around.format(f"@{name}")) == [name]


@pytest.mark.parametrize(
    "text", ["al@bob", "write to al@bob.example", "a.b-@bob", "x_@bob", "1@bob", "\u00e9@bob"]
)
def test_an_address_is_no_mention(text: str) -> None:
    assert mentioned(text) == []


@pytest.mark.parametrize("char", RESERVED)
def test_a_reserved_character_ends_a_mention(char: str) -> None:
    assert mentioned(f"@bob{char}x") == ["bob"]
    assert mentioned(f"@bob.{char}x") == ["bob"]


def test_a_name_from_before_the_rule_on_characters_is_mentioned_whole() -> None:
    assert mentioned("@al+b") == mentioned("(@AL+B).") == ["al+b"]
    assert mentioned("@al+c") == ["al"]


def test_of_very_many_some_count() -> None:
    assert mentioned("@nobody " * (MENTIONS - 1) + "@bob @al") == ["bob"]
    assert mentioned("@bob " * MENTIONS + "@al") == ["bob"]
    assert mentioned("al@bob " * 1000 + "@bob") == ["bob"], "what is no mention does not count"


def test_who_is_not_in_memory_is_mentioned_too() -> None:
    kept = NameRow("id of zoe", skeleton("zoe"), "zoe", 1, None)
    hub = Hub(Directory([kept], []))
    assert hub.mentioned("hi @Zoe!") == [kept]


def test_a_text_of_nothing_but_ats_costs_little() -> None:
    assert mentioned("@" * 100_000) == []
    assert mentioned("@" + "a" * 100_000) == []
