from __future__ import annotations

from itertools import islice
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpchat.client import Reconnect


def waits(policy: Reconnect, count: int, random: float = 0.0) -> list[float]:
    return list(islice(attrs.evolve(policy, random=lambda: random).waits(), count))


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (Reconnect(), [0.5, 1, 2, 4, 8, 16, 30, 30]),
        (Reconnect(first=1, factor=3, most=20), [1, 3, 9, 20, 20]),
        (Reconnect(first=2, factor=1), [2, 2, 2]),
        (Reconnect(first=60, most=5), [5, 5]),
    ],
)
def test_waits_grow_by_the_factor_up_to_the_most(policy: Reconnect, expected: list[float]) -> None:
    assert waits(policy, len(expected)) == expected


@pytest.mark.parametrize(
    ("jitter", "random", "expected"),
    [(0.5, 1, [5, 10]), (0.5, 0.5, [7.5, 15]), (0, 1, [10, 20]), (1, 1, [0, 0]), (1, 0.25, [7.5, 15])],
)
def test_jitter_shortens_each_wait_and_does_not_accumulate(
    jitter: float, random: float, expected: list[float]
) -> None:
    assert waits(Reconnect(first=10, jitter=jitter), 2, random) == expected


@given(st.lists(st.floats(0, 1), min_size=8, max_size=8), st.floats(0, 1))
def test_jitter_stays_within_its_bounds(numbers: list[float], jitter: float) -> None:
    given_out = iter(numbers)
    policy = Reconnect(jitter=jitter, random=lambda: next(given_out))
    for wait, full in zip(policy.waits(), waits(policy, 8), strict=False):
        assert full * (1 - jitter) <= wait <= full
        if full == 30:
            break


def test_each_wait_has_its_own_random_number() -> None:
    numbers = iter([0.0, 1.0, 0.0])
    policy = Reconnect(factor=1, first=2, random=lambda: next(numbers))
    assert list(islice(policy.waits(), 3)) == [2, 1, 2]


def test_a_policy_can_be_never() -> None:
    assert Reconnect.never().give_up == 0
    assert Reconnect().give_up is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"first": 0}, {"first": -1}, {"most": 0}, {"factor": 0.9}, {"jitter": -0.1}, {"jitter": 1.1},
        {"give_up": -1},
    ],
)  # fmt: skip
def test_a_policy_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    (name,) = wrong
    with pytest.raises(ValueError, match=name):
        Reconnect(**wrong)


@pytest.mark.parametrize(
    "right",
    [
        {"first": 0.001}, {"most": 0.001}, {"factor": 1}, {"jitter": 0}, {"jitter": 1}, {"give_up": 0},
        {"give_up": None},
    ],
)  # fmt: skip
def test_a_policy_at_its_bounds_is_accepted(right: dict[str, Any]) -> None:
    Reconnect(**right)
