"""The wait after each wrong password."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tcpchat.chat.guesses import FORGET, Guesses
from tests.rows import rows

ALICE, BOB = "alice", "bob"


def fail(guesses: Guesses, key: str, times: int, now: float = 0) -> None:
    for _ in range(times):
        guesses.failed(key, now)


def waits(guesses: Guesses, key: str, times: int) -> list[float]:
    """Fail again and again at one moment; return how long is to be waited after each."""
    seconds = []
    for _ in range(times):
        guesses.failed(key, 0)
        seconds.append(guesses.check(key, 0))
    return seconds


def test_who_never_failed_may_try() -> None:
    guesses = Guesses(free=0, longest=60, most=10)
    assert guesses.check(ALICE, 0) == 0


def test_free_failures_cost_nothing_and_each_further_one_twice_as_much() -> None:
    guesses = Guesses(free=3, longest=10, most=10)
    assert waits(guesses, ALICE, 10) == [0, 0, 0, 1, 2, 4, 8, 10, 10, 10]


@rows(("longest", "expected"), [(0, [0, 0]), (0.5, [0.5, 0.5]), (1, [1, 1]), (3, [1, 2])])
def test_nobody_waits_longer_than_the_longest(longest: float, expected: list[float]) -> None:
    assert waits(Guesses(free=0, longest=longest, most=10), ALICE, 2) == expected


def test_any_number_of_failures_is_a_number() -> None:
    guesses = Guesses(free=0, longest=60, most=10)
    assert waits(guesses, ALICE, 2000)[-1] == 60


def test_the_wait_is_counted_from_the_last_failure_and_asking_does_not_make_it_longer() -> None:
    guesses = Guesses(free=0, longest=60, most=10)
    fail(guesses, ALICE, 4, now=100)
    assert [guesses.check(ALICE, now) for now in (100, 101, 101, 107.75, 108, 1000)] == [8, 7, 7, 0.25, 0, 0]


def test_success_forgets_all_failures() -> None:
    guesses = Guesses(free=1, longest=60, most=10)
    fail(guesses, ALICE, 9)
    guesses.succeeded(ALICE)
    guesses.succeeded(BOB)
    assert guesses.check(ALICE, 0) == 0
    assert waits(guesses, ALICE, 2) == [0, 1]


def test_each_key_has_failures_of_its_own() -> None:
    guesses = Guesses(free=0, longest=60, most=10)
    fail(guesses, ALICE, 3)
    fail(guesses, BOB, 1)
    assert [guesses.check(key, 0) for key in (ALICE, BOB)] == [4, 1]


@rows(("longest", "forgotten"), [(60, FORGET), (900, 16 * 900)])
def test_a_key_is_forgotten_after_long_without_a_failure(longest: float, forgotten: float) -> None:
    guesses = Guesses(free=5, longest=longest, most=10)
    fail(guesses, ALICE, 50, now=0)
    guesses.failed(ALICE, forgotten - 1)  # in time, so all still count
    assert guesses.check(ALICE, forgotten - 1) == longest
    guesses.failed(ALICE, 2 * forgotten - 1)  # too late
    assert guesses.check(ALICE, 2 * forgotten - 1) == 0


def test_a_wait_as_long_as_a_day_ends_when_it_ends() -> None:
    guesses = Guesses(free=0, longest=86_400, most=10)
    fail(guesses, ALICE, 30)
    assert guesses.check(ALICE, 86_399) == 1


def test_keys_that_are_forgotten_cost_no_memory() -> None:
    guesses = Guesses(free=5, longest=60, most=1000)
    for number in range(100):
        guesses.failed(str(number), number)
    guesses.failed(ALICE, FORGET + 49.5)
    assert len(guesses._failures) == 51
    guesses.failed(ALICE, 10 * FORGET)
    assert list(guesses._failures) == [ALICE]


def test_a_flood_of_other_keys_forgets_who_failed_least_recently() -> None:
    guesses = Guesses(free=0, longest=60, most=3)
    for key in (ALICE, BOB, "carol", ALICE, "dave"):  # bob is the one
        guesses.failed(key, 0)
    assert [guesses.check(key, 0) for key in (ALICE, BOB, "carol", "dave")] == [2, 0, 1, 1]


def test_a_name_that_is_guessed_at_is_not_forgotten_by_a_flood_between() -> None:
    guesses = Guesses(free=0, longest=60, most=100)
    for now in range(50):
        guesses.failed(ALICE, now)
        for number in range(99):
            guesses.failed(f"{now} {number}", now)
        assert len(guesses._failures) <= 100
    assert guesses.check(ALICE, 49) == 60


LIMITS = st.tuples(st.integers(0, 6), st.sampled_from([0.5, 1, 7, 60, 1000]))
PAUSES = st.sampled_from([0, 0, 0, 0.1, 0.5, 1, 30, 60, 1000, FORGET, 18 * 1000])


@given(LIMITS, st.lists(PAUSES, max_size=60))
def test_in_any_span_there_are_as_many_tries_as_documented(
    limits: tuple[int, float], pauses: list[float]
) -> None:
    """Of one who tries as soon as may be, or takes a break now and then."""
    free, longest = limits
    guesses = Guesses(free, longest, most=10)
    now, tries = 0.0, []
    for pause in [*[0.0] * 12, *pauses]:
        now += pause + guesses.check(ALICE, now + pause)
        guesses.failed(ALICE, now)
        tries.append(now)
    for first, start in enumerate(tries):
        for last in range(first, len(tries)):
            span = tries[last] - start
            assert last - first + 1 <= guesses.at_once + span / longest + 1e-6


@given(LIMITS)
def test_the_bound_is_reached(limits: tuple[int, float]) -> None:
    free, longest = limits
    guesses = Guesses(free, longest, most=10)
    assert waits(guesses, ALICE, guesses.at_once + 1)[-2:] == [longest, longest]
    assert guesses.at_once == 1 or waits(guesses, BOB, guesses.at_once - 1)[-1] < longest


@given(LIMITS, st.lists(st.floats(0, 100), max_size=40))
def test_who_waits_as_told_is_not_refused_again(limits: tuple[int, float], pauses: list[float]) -> None:
    guesses = Guesses(*limits, most=10)
    now = 0.0
    for pause in pauses:
        now += pause
        guesses.failed(ALICE, now)
        now += guesses.check(ALICE, now) + 0.0005  # told rounded up to milliseconds
        assert guesses.check(ALICE, now) == 0
