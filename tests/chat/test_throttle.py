"""The throttle of guesses at passwords and of registrations."""

from __future__ import annotations

import pytest

from tcpchat.chat.throttle import (
    ADDRESS_GUESSES,
    ANYWHERE_GUESSES,
    LONGEST,
    NAME_GUESSES,
    REGISTRATIONS,
    Throttle,
)
from tcpchat.errors import ChatError
from tests.chat.harness import Clock

HERE, THERE = "192.0.2.1", "198.51.100.1"


def allowed(throttle: Throttle, name: str, address: str, most: int = 1000) -> int:
    """Return how many wrong guesses there may be at this moment."""
    for number in range(most):
        try:
            throttle.count_guess(name, address)
        except ChatError:
            return number
    return most


def address(number: int) -> str:
    return f"10.0.{number // 256}.{number % 256}"


def test_a_name_may_be_guessed_at_so_often_from_one_address() -> None:
    throttle = Throttle(Clock())
    assert allowed(throttle, "alice", HERE) == NAME_GUESSES + 1
    assert allowed(throttle, "alice", THERE) == NAME_GUESSES + 1, "the owner is not locked out"
    assert allowed(throttle, "bob", HERE) == NAME_GUESSES + 1


def test_many_names_may_be_guessed_at_so_often_from_one_address() -> None:
    throttle = Throttle(Clock())
    counts = [allowed(throttle, f"user {number}", HERE, most=1) for number in range(ADDRESS_GUESSES + 5)]
    assert sum(counts) == ADDRESS_GUESSES + 1
    assert allowed(throttle, "another", THERE, most=1) == 1


def test_a_name_may_be_guessed_at_so_often_from_all_addresses_together() -> None:
    throttle = Throttle(Clock())
    counts = [allowed(throttle, "alice", address(number), most=1) for number in range(ANYWHERE_GUESSES + 5)]
    assert sum(counts) == ANYWHERE_GUESSES + 1


def test_all_addresses_of_an_ipv6_network_count_together() -> None:
    throttle = Throttle(Clock())
    assert sum(allowed(throttle, "alice", f"2001:db8::{number:x}", most=1) for number in range(10)) == 6
    assert allowed(throttle, "alice", "2001:db8:0:1::1", most=1) == 1


def test_a_refused_guess_says_how_long_to_wait_and_costs_nothing() -> None:
    clock = Clock()
    throttle = Throttle(clock)
    allowed(throttle, "alice", HERE)
    for _ in range(3):
        with pytest.raises(ChatError, match="too many wrong passwords; wait 1 s") as refused:
            throttle.count_guess("alice", HERE)
        assert refused.value.code == "rate-limited"
        assert refused.value.details["retry_after"] == 1
    clock.seconds += 1
    throttle.count_guess("alice", HERE)


def test_nobody_waits_longer_than_the_longest() -> None:
    clock = Clock()
    throttle = Throttle(clock)
    for _ in range(50):
        clock.seconds += LONGEST
        throttle.count_guess("alice", HERE)
    with pytest.raises(ChatError) as refused:
        throttle.count_guess("alice", HERE)
    assert refused.value.details["retry_after"] == LONGEST


def test_guesses_at_once_are_counted_before_the_answer_is_known() -> None:
    throttle = Throttle(Clock())
    for _ in range(NAME_GUESSES + 1):
        throttle.count_guess("alice", HERE)
    throttle.was_not_tried("alice", HERE)
    assert allowed(throttle, "alice", HERE) == 1, "one of them was none"


def test_the_right_password_forgives_the_name_from_there_and_not_the_address() -> None:
    throttle = Throttle(Clock())
    for _ in range(NAME_GUESSES):
        throttle.count_guess("alice", HERE)
    throttle.count_guess("alice", HERE)
    throttle.was_right("alice", HERE)
    assert allowed(throttle, "alice", HERE, most=NAME_GUESSES) == NAME_GUESSES
    counts = [allowed(throttle, f"user {number}", HERE, most=1) for number in range(ADDRESS_GUESSES)]
    assert sum(counts) == ADDRESS_GUESSES + 1 - 2 * NAME_GUESSES


def test_an_address_may_register_so_often() -> None:
    clock = Clock()
    throttle = Throttle(clock)
    for _ in range(REGISTRATIONS + 1):
        throttle.count_registration(HERE)
    with pytest.raises(ChatError, match="too many registrations from your address; wait 1 s"):
        throttle.count_registration(HERE)
    throttle.count_registration(THERE)
    clock.seconds += 1
    throttle.count_registration(HERE)
