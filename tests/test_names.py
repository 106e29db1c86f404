from __future__ import annotations

from contextlib import suppress

import pytest
from confusable_homoglyphs.confusables import confusables_data
from hypothesis import assume, example, given
from hypothesis import strategies as st

from tcpchat.errors import ChatError
from tcpchat.names import LONGEST_NAME, RESERVED, RESERVED_NAMES, canonical, enforce, imitates, skeleton
from tcpchat.protocol import GUEST, LOBBY

LONGEST = 32
SCRIPTS = [
    "abzABZ019_-.'\"\\æøßſ\u0130éÅ\u0301\u0308ａＺ",  # Latin, composed, decomposed and wide
    "αΣςωΆάϊ",
    "абвЙйё",
    "アィガあが日本ｱｶﾞﾟー々",
    "가각힣漢한ᄀ",
    "אבת״",
    "ابة٣",
]
names = st.one_of(*(st.text(alphabet, min_size=1, max_size=8) for alphabet in SCRIPTS))


def refusal(name: str, longest: int = LONGEST) -> ChatError:
    with pytest.raises(ChatError) as refused:
        enforce(name, longest)
    return refused.value


@pytest.mark.parametrize(
    "name",
    [
        "a", "7", "_", "guest-7", "o'brien", "a.b", "a-b", "ß", "é", "ñandú", "дарья", "αβγ", "ώ",
        "日本", "ひらがな", "カタカナ", "日本ひらカタ", "한국", "한국漢", "漢ㄅ", "שלום", "ابة", "हिन्दी",
    ],
)  # fmt: skip
def test_a_good_name_is_kept_as_it_is(name: str) -> None:
    assert enforce(name, LONGEST) == name


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("ALICE", "alice"),
        ("Дарья", "дарья"),
        ("ΏΡΑ", "ώρα"),
        ("ａｌｉｃｅ", "alice"),
        ("ＢＯＢ", "bob"),
        ("ｶﾀｶﾅ", "カタカナ"),
        ("e\u0301", "é"),
        ("A\u030a", "å"),
    ],
)
def test_a_name_is_kept_in_lower_case_one_width_and_composed(name: str, kept: str) -> None:
    assert enforce(name, LONGEST) == kept


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("", "at least one character"),
        ("a\x00", "no control or invisible"),
        ("a\x1b[31m", "no control or invisible"),
        ("a\nb", "no control or invisible"),
        ("a\x7f", "no control or invisible"),
        ("a\x85b", "no control or invisible"),
        ("a\u200bb", "no control or invisible"),  # zero-width space
        ("a\u200cb", "no control or invisible"),  # zero-width non-joiner
        ("a\u200db", "no control or invisible"),  # zero-width joiner
        ("a\u2060b", "no control or invisible"),  # word joiner
        ("a\ufeffb", "no control or invisible"),  # byte order mark
        ("a\u00adb", "no control or invisible"),  # soft hyphen
        ("a\u202eb", "no control or invisible"),  # right-to-left override
        ("a\u200fb", "no control or invisible"),  # right-to-left mark
        ("a\u2066b", "no control or invisible"),  # left-to-right isolate
        ("a\U000e0041", "no control or invisible"),  # tag
        ("a\ud800", "no control or invisible"),  # half a surrogate pair
        ("a b", "no spaces"),
        ("a ", "no spaces"),
        ("a\u00a0b", "no spaces"),
        ("a\u3000b", "no spaces"),
        ("a\u2028b", "no spaces"),
        (".a", "begins with a letter"),
        ("{", "begins with a letter"),
        ("\u0301a", "begins with a letter"),
        ("a😀", "letters, digits and ASCII punctuation only"),
        ("a€", "letters, digits and ASCII punctuation only"),
        ("a\ue000", "letters, digits and ASCII punctuation only"),
        ("a\u0378", "letters, digits and ASCII punctuation only"),  # not assigned
        ("ﬁ", "letters, digits and ASCII punctuation only"),  # ligature
        ("a²", "letters, digits and ASCII punctuation only"),
        ("1א", "letters, digits and ASCII punctuation only"),  # against the rule of RFC 5893 on direction
        ("אa", "letters, digits and ASCII punctuation only"),
        ("pаypal", "one script"),
        ("αbc", "one script"),
        ("дaрья", "one script"),
        ("日本д", "one script"),
        ("カ한", "one script"),
        ("aカ", "one script"),
    ],
)
def test_a_bad_name_is_refused_with_its_rule(name: str, rule: str) -> None:
    error = refusal(name)
    assert error.code == "bad-name"
    assert rule in error.message
    assert error.details["name"] == name


def test_the_reserved_characters_are_these() -> None:
    assert set(RESERVED) == set(",*?!@:#&%+~/\\")


@pytest.mark.parametrize("char", RESERVED)
@pytest.mark.parametrize("name", ["{}ab", "a{}b", "ab{}"])
def test_a_reserved_character_is_refused_with_its_meaning_and_a_better_name(char: str, name: str) -> None:
    error = refusal(name.format(char))
    assert error.code == "bad-name"
    assert f"do not contain '{char}', which {RESERVED[char]}; use letters" in error.message
    assert error.message.endswith(f"for example {name.format('-').strip('-')}")


@pytest.mark.parametrize("char", RESERVED)
def test_a_reserved_character_is_refused_in_its_wide_form_too(char: str) -> None:
    wide = chr(ord(char) + 0xFEE0)
    assert f"do not contain '{char}'" in refusal(f"a{wide}b").message


@pytest.mark.parametrize(
    ("name", "example"),
    [
        ("-x", "for example x"),
        ("c++", "for example c"),
        ("#Ops", "for example ops"),
        ("@@bob", "for example bob"),
        ("nick!user@host", "for example nick-user-host"),
        ("+", "'-' and '.'"),
        ("a, b", "'-' and '.'"),
        ("a\x1b,", "'-' and '.'"),
        ("a\u202e,", "'-' and '.'"),
    ],
)
def test_a_better_name_is_one_that_can_be_taken(name: str, example: str) -> None:
    error = refusal(name)
    assert error.message.endswith(example)
    before, found, better = error.message.partition("for example ")
    assert not found or enforce(better, LONGEST) == better, before


def test_a_name_does_not_begin_like_an_option() -> None:
    assert "do not begin with '-', which begins an option" in refusal("-u").message
    assert enforce("u-", LONGEST) == "u-"


@pytest.mark.parametrize(
    ("name", "found"),
    [("C++", "c++"), ("Ｘ＠y", "x@y"), ("Bob", "bob"), ("-U", "-U"), ("Two words", "Two words"), ("", "")],
)
def test_a_name_from_before_the_rule_is_found(name: str, found: str) -> None:
    assert canonical(name) == found


@pytest.mark.parametrize("name", ["ﾞ", "ﾟ"])
def test_the_form_that_is_kept_begins_with_a_letter_too(name: str) -> None:
    """Half-width marks count as letters, and become combining characters."""
    assert "begins with a letter" in refusal(name).message


def test_a_name_of_the_longest_length_is_good_and_one_more_is_not() -> None:
    assert enforce("x" * LONGEST, LONGEST) == "x" * LONGEST
    error = refusal("x" * (LONGEST + 1))
    assert (error.code, error.details["limit"]) == ("bad-name", LONGEST)


def test_length_is_that_of_the_kept_form_too() -> None:
    grows = "\u0130" * 3  # each becomes i and a dot above
    assert len(enforce(grows, 6)) == 6
    assert refusal(grows, 5).details["limit"] == 5


def test_without_a_limit_a_name_has_as_many_characters_as_fit_into_a_line() -> None:
    assert enforce("x" * LONGEST_NAME, 0) == "x" * LONGEST_NAME
    with pytest.raises(ChatError, match="at most 128"):
        enforce("x" * (LONGEST_NAME + 1), 0)


def test_a_refusal_does_not_repeat_a_long_name_in_full() -> None:
    error = refusal("x" * 10_000)
    assert error.details["name"] == "x" * 64
    assert len(error.message) < 200


@given(names)
@example("ﾞ")
def test_the_kept_form_stays_as_it_is(name: str) -> None:
    try:
        kept = enforce(name, 0)
    except ChatError:
        assume(False)  # noqa: FBT003
    assert enforce(kept, 0) == kept


@given(st.text())
def test_a_name_of_any_characters_is_kept_or_refused(name: str) -> None:
    with suppress(ChatError):
        assert 1 <= len(enforce(name, LONGEST)) <= LONGEST


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("paypal", "paypa1"),
        ("modern", "modem"),
        ("coco", "сосо"),
        ("bob", "b0b"),
        ("alice", "ALICE"),
        ("i", "ı"),
        ("é", "e\u0301"),
        ("ø", "o\u0338"),
        ("rn", "m"),
        ("a", "а"),
        ("p", "р"),
        ("v", "ν"),
        ("o", "ο"),
        ("c", "ᴄ"),
    ],
)
def test_look_alikes_have_one_skeleton(one: str, other: str) -> None:
    assert skeleton(one) == skeleton(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("alice", "alicia"),
        ("bob", "rob"),
        ("a", "b"),
        ("guest-1", "guest-2"),
        ("e", "é"),
        ("日", "曰本"),
        ("и", "n"),
    ],
)
def test_names_that_look_different_have_different_skeletons(one: str, other: str) -> None:
    assert skeleton(one) != skeleton(other)


@given(st.text() | names)
def test_a_skeleton_is_its_own_skeleton(name: str) -> None:
    assert skeleton(skeleton(name)) == skeleton(name)


def test_the_skeleton_of_every_confusable_character_is_its_own() -> None:
    """Else a character and what it is mapped to look alike and differ."""
    characters = [char.strip("\u200e") for char in confusables_data]
    wrong = [char for char in characters if skeleton(skeleton(char)) != skeleton(char)]
    assert not wrong


@given(names)
def test_skeletons_do_not_depend_on_case(name: str) -> None:
    assert skeleton(name.upper()) == skeleton(name) == skeleton(name.casefold())


PROMISED = (
    "lobby", "everyone", "all", "here", "server", "operator", "admin", "system", "root", "anonymous", "robot",
    "deleted", "me",
)  # fmt: skip


def test_the_place_the_house_and_everybody_are_in_the_table() -> None:
    assert set(PROMISED) <= set(RESERVED_NAMES)
    assert LOBBY in RESERVED_NAMES
    assert all(name == name.lower() and why.startswith("stands for") for name, why in RESERVED_NAMES.items())


@pytest.mark.parametrize("name", sorted(RESERVED_NAMES))
def test_a_reserved_name_is_refused_in_every_form(name: str) -> None:
    wide = "".join(chr(ord(char) + 0xFEE0) for char in name)
    for form in (name, name.upper(), name.title(), wide, f"_{name}_", f"{name}.", f"{name}-"):
        assert imitates(form) == name
        with pytest.raises(ChatError) as refused:
            enforce(form, 32)
        assert refused.value.code == "bad-name"
        assert f"{RESERVED_NAMES[name]}; choose another" in refused.value.message


@pytest.mark.parametrize(
    ("name", "alike"),
    [
        ("l0bby", "lobby"),
        ("1obby", "lobby"),
        ("lobb\u0443", "lobby"),  # with a Cyrillic letter
        ("a11", "all"),
        ("adrnin", "admin"),
        ("\u0430dmin", "admin"),
        ("r00t", "root"),
        ("0perat0r", "operator"),
        ("\u0435v\u0435r\u0443on\u0435", "everyone"),
        ("rne", "me"),
    ],
)
def test_a_look_alike_is_refused_and_told_so(name: str, alike: str) -> None:
    with pytest.raises(ChatError, match=f"it looks like {alike}, which stands for"):
        enforce(name, 32)


@pytest.mark.parametrize("name", ["alice", "admins", "server2", "ghost", "allen", "meg", "youssef", "rooty"])
def test_other_names_are_free(name: str) -> None:
    assert imitates(name) is None
    assert enforce(name, 32) == name


def test_no_reserved_name_is_proposed() -> None:
    with pytest.raises(ChatError) as refused:
        enforce("@all", 32)
    assert "for example" not in refused.value.message


def test_the_names_of_guests_are_not_reserved_here() -> None:
    assert imitates(f"{GUEST}1") is None
