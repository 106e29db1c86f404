"""Rules for passwords, and the cost and safety of their hashes."""

from __future__ import annotations

from typing import Any

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import InvalidHashError
from hypothesis import given
from hypothesis import strategies as st

from tcpchat.errors import ChatError
from tcpchat.serving.passwords import COST, LONGEST, SHORTEST, Cost, hash_password, prepare, verify

CHEAP = Cost(passes=1, memory=8)
GOOD = "correct horse"
KEPT = hash_password(GOOD, CHEAP)


def refusal(password: str) -> ChatError:
    with pytest.raises(ChatError) as refused:
        prepare(password)
    assert refused.value.code == "bad-password"
    return refused.value


@pytest.mark.parametrize(
    "password",
    [
        GOOD,
        " two  spaces ",
        "ＣＡＳＥ and width",
        "пароль пароль",
        "パスワードﾊﾟｽﾜｰﾄﾞ",
        "🐎🔋📎" * 3,
        "\\\"'{}[]<>",
    ],
)
def test_the_hash_is_of_the_password_as_typed(password: str) -> None:
    assert prepare(password) == password


@pytest.mark.parametrize(
    ("password", "same"),
    [
        ("cafe\u0301 au lait", "café au lait"),
        ("correct\u00a0horse", GOOD),
        ("correct\u3000horse", GOOD),
    ],
)
def test_equivalent_input_of_different_keyboards_is_the_same_password(password: str, same: str) -> None:
    assert prepare(password) == same
    assert verify(hash_password(password, CHEAP), same, CHEAP)


@pytest.mark.parametrize("char", ["x", "é", "🐎"])
def test_a_password_has_8_to_256_characters(char: str) -> None:
    assert prepare(char * SHORTEST)
    assert prepare(char * LONGEST)
    short, long = refusal(char * (SHORTEST - 1)), refusal(char * (LONGEST + 1))
    assert (short.details["limit"], long.details["limit"]) == (SHORTEST, LONGEST) == (8, 256)
    assert short.message == "the password must have at least 8 characters"
    assert long.message == "the password must have at most 256 characters"


def test_characters_are_counted_in_the_form_that_is_hashed_too() -> None:
    assert refusal("e\u0301" * 7).details["limit"] == SHORTEST
    assert refusal("\u0958" * 200).details["limit"] == LONGEST  # each is two when composed


def test_an_overlong_password_is_refused_before_its_characters_are_checked() -> None:
    assert refusal("\x00" * 60_000).details["limit"] == LONGEST


@pytest.mark.parametrize(
    ("char", "rule"),
    [
        ("\x00", "controls"),
        ("\t", "controls"),
        ("\u200b", "precis ignorable properties"),
        ("\u202e", "precis ignorable properties"),
        ("\ud800", "other"),
        ("\u0378", "unassigned"),
    ],
)
def test_invisible_and_untypable_characters_are_refused(char: str, rule: str) -> None:
    assert refusal(GOOD + char).message == (
        f"the password must not have such characters: {rule}; "
        "use letters, digits, spaces, punctuation and symbols"
    )


@given(st.text(st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF)), st.sampled_from(["", "\x00"]))
def test_a_refusal_never_contains_the_password(text: str, char: str) -> None:
    error = refusal(text[: SHORTEST - 1] if not char else text + char)
    assert not set(text) & set(f"{error!r} {error.message} {error.details}")
    assert error.__context__ is None  # the rules' own error has it


def test_only_the_right_password_verifies() -> None:
    assert verify(KEPT, GOOD, CHEAP)
    assert not verify(KEPT, GOOD.upper(), CHEAP)
    assert not verify(KEPT, GOOD + " ", CHEAP)
    assert not verify(None, GOOD, CHEAP)


def test_two_hashes_of_a_password_differ_and_do_not_contain_it() -> None:
    assert hash_password(GOOD, CHEAP) != KEPT
    assert GOOD not in KEPT


def test_a_bad_password_is_not_hashed() -> None:
    with pytest.raises(ChatError):
        hash_password("short", CHEAP)


@pytest.mark.parametrize(
    "password", [GOOD, "wrong pony", "", "short", "x" * 60_000, "\x00" * 10, "\ud800" * 9]
)
@pytest.mark.parametrize("hash", [KEPT, None], ids=["known", "unknown"])
def test_every_failure_costs_one_verification(
    hash: str | None, password: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    costs = []
    original = PasswordHasher.verify

    def verify_and_note(self: PasswordHasher, hash: str, password: str) -> Any:
        costs.append(extract_parameters(hash))
        return original(self, hash, password)

    monkeypatch.setattr(PasswordHasher, "verify", verify_and_note)
    assert verify(hash, password, CHEAP) is (hash is KEPT and password is GOOD)
    assert costs == [extract_parameters(KEPT)]


@pytest.mark.parametrize(("hash", "password"), [(None, GOOD), (KEPT, "short")], ids=["unknown", "short"])
def test_a_password_that_matches_the_dummy_hash_is_refused(
    hash: str | None, password: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PasswordHasher, "verify", lambda *_: True)
    assert not verify(hash, password, CHEAP)


def test_a_damaged_hash_is_an_error_and_no_wrong_password() -> None:
    """It is a bug or a broken disk, and nothing that a user could do right."""
    with pytest.raises(InvalidHashError):
        verify("", GOOD, CHEAP)


def test_a_hash_of_another_cost_still_verifies() -> None:
    assert verify(KEPT, GOOD, Cost(passes=2, memory=8))


def test_the_cost_is_the_documented_one() -> None:
    hash = hash_password(GOOD)
    assert hash.startswith("$argon2id$v=19$m=65536,t=3,p=1$")
    assert Cost() == COST
