"""Limits of one user, one address and all together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpchat.chat.limits import ConnectionSlots, Meter, TokenBucket
from tcpchat.errors import ChatError
from tests.rows import rows

ADDRESS, OTHER = "192.0.2.1", "192.0.2.2"


def take_many(bucket: TokenBucket, count: int, now: float) -> list[float]:
    return [bucket.take(now) for _ in range(count)]


def test_a_bucket_allows_a_burst_and_not_one_more() -> None:
    assert take_many(TokenBucket(10, 3), 4, now=5) == [0, 0, 0, 0.1]


def test_a_bucket_fills_at_its_rate() -> None:
    bucket = TokenBucket(2, 1)
    assert take_many(bucket, 2, now=0) == [0, 0.5]
    assert bucket.take(0.25) == 0.25
    assert take_many(bucket, 2, now=0.5) == [0, 0.5]


def test_a_bucket_holds_no_more_than_its_burst() -> None:
    bucket = TokenBucket(10, 3)
    take_many(bucket, 3, now=0)
    assert take_many(bucket, 4, now=1000) == [0, 0, 0, 0.1]


def test_what_is_refused_costs_nothing() -> None:
    bucket = TokenBucket(1, 1)
    bucket.take(0)
    assert take_many(bucket, 100, now=0.5) == [0.5] * 100
    assert bucket.take(1) == 0


def test_a_rate_of_0_is_no_limit() -> None:
    assert take_many(TokenBucket(0, 0), 1000, now=0) == [0] * 1000


def test_a_burst_of_0_is_no_limit() -> None:
    assert take_many(TokenBucket(1, 0), 1000, now=0) == [0] * 1000


def test_a_burst_below_1_still_lets_one_through() -> None:
    assert take_many(TokenBucket(1, 0.5), 2, now=0) == [0, 1]


def test_a_clock_that_steps_back_takes_nothing_away() -> None:
    bucket = TokenBucket(1, 1)
    assert bucket.take(100) == 0
    assert bucket.take(50) == 1
    assert bucket.take(51) == 0


def test_other_limits_hold_from_now_on() -> None:
    bucket = TokenBucket(1, 5)
    assert take_many(bucket, 2, now=0) == [0, 0]
    bucket.allow(2, 2)
    assert take_many(bucket, 3, now=0) == [0, 0, 0.5], "no more than the new burst is left"
    bucket.allow(0, 0)
    assert take_many(bucket, 100, now=0) == [0] * 100
    bucket.allow(1, 2)
    assert take_many(bucket, 3, now=0) == [0, 0, 1], "who had no limit begins with a burst"


def test_a_cost_of_many_is_owed() -> None:
    bucket = TokenBucket(1, 2)
    assert bucket.take(0, 5) == 0
    assert bucket.take(0) == 4
    assert bucket.take(4) == 0


@given(
    st.floats(0.01, 1000),
    st.floats(0, 100),
    st.lists(st.floats(0, 10), max_size=50),
)
def test_who_waits_as_told_is_not_refused_again(rate: float, burst: float, pauses: list[float]) -> None:
    bucket = TokenBucket(rate, burst)
    now = 0.0
    for pause in pauses:
        now += pause
        if wait := bucket.take(now):
            now += wait + 0.0005  # told rounded up to milliseconds
            assert bucket.take(now) == 0


@given(st.floats(0.1, 100), st.floats(1, 100), st.lists(st.floats(0, 1), max_size=50))
def test_nobody_gets_more_than_burst_and_rate_allow(rate: float, burst: float, pauses: list[float]) -> None:
    bucket = TokenBucket(rate, burst)
    now, allowed = 0.0, 0
    for pause in pauses:
        now += pause
        allowed += bucket.take(now) == 0
    assert allowed <= burst + now * rate + 1e-6


def test_the_last_slot_can_be_taken_and_not_one_more() -> None:
    slots = ConnectionSlots(total=2, per_address=0)
    slots.take(ADDRESS)
    slots.take(OTHER)
    with pytest.raises(ChatError) as refused:
        slots.take(ADDRESS)
    assert (refused.value.code, refused.value.details["limit"]) == ("server-full", 2)
    assert refused.value.details["retry_after"] > 0
    assert slots.taken == 2


def test_the_last_slot_of_an_address_can_be_taken_and_not_one_more() -> None:
    slots = ConnectionSlots(total=0, per_address=2)
    slots.take(ADDRESS)
    slots.take(ADDRESS)
    with pytest.raises(ChatError) as refused:
        slots.take(ADDRESS)
    assert (refused.value.code, refused.value.details) == ("address-full", {"limit": 2})
    slots.take(OTHER)
    assert slots.taken == 3


def test_the_addresses_of_one_ipv6_network_share_their_slots() -> None:
    slots = ConnectionSlots(total=0, per_address=2)
    slots.take("2001:db8::1")
    slots.take("2001:db8::2")
    with pytest.raises(ChatError, match="your address has reached its limit of 2 connections"):
        slots.take("2001:db8::3")
    slots.take("2001:db8:0:1::1")
    slots.free("2001:db8::1")
    slots.take("2001:db8::3")


def test_a_slot_given_back_is_there_for_the_next() -> None:
    slots = ConnectionSlots(total=2, per_address=1)
    for _ in range(3):
        slots.take(ADDRESS)
        slots.free(ADDRESS)
    slots.take(ADDRESS)
    slots.take(OTHER)
    assert slots.taken == 2


def test_an_address_refused_for_lack_of_slots_is_not_counted() -> None:
    slots = ConnectionSlots(total=1, per_address=1)
    slots.take(ADDRESS)
    with pytest.raises(ChatError):
        slots.take(OTHER)
    slots.free(ADDRESS)
    slots.take(OTHER)
    assert slots.taken == 1


def test_0_is_no_limit_of_slots() -> None:
    slots = ConnectionSlots(total=0, per_address=0)
    for _ in range(1000):
        slots.take(ADDRESS)
    assert slots.taken == 1000


def test_addresses_that_are_gone_cost_no_memory() -> None:
    slots = ConnectionSlots(total=0, per_address=1)
    for number in range(100):
        slots.take(str(number))
        slots.free(str(number))
    assert not slots._by_owner


def test_a_meter_forgets_what_is_60_seconds_ago() -> None:
    meter = Meter()
    meter.add(3, 1000.0)
    meter.add(4, 1030.5)
    assert meter.last_minute(1059.9) == 7
    assert meter.last_minute(1060.0) == 4
    assert meter.last_minute(1089.9) == 4
    assert meter.last_minute(1090.0) == 0


@rows("later", range(60, 181))
def test_a_meter_that_nobody_looked_at_for_long_forgets_all_the_same(later: int) -> None:
    meter = Meter()
    meter.add(3, 1000)
    assert meter.last_minute(1000 + later) == 0


@given(st.lists(st.tuples(st.integers(0, 100), st.floats(0, 90)), max_size=30), st.floats(0, 90))
def test_a_meter_counts_the_last_60_seconds(steps: list[tuple[int, float]], then: float) -> None:
    meter, now, added = Meter(), 0.0, []
    for count, pause in steps:
        now += pause
        meter.add(count, now)
        added.append((count, int(now)))
    now += then
    assert meter.last_minute(now) == sum(count for count, at in added if at > int(now) - 60)
