from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tcpchat.times import SystemClock, format_duration, parse_delay, parse_duration, parse_past, timestamp

MINUTE, HOUR, DAY = 60, 3600, 86400


@pytest.mark.parametrize(
    ("at", "written"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1, "1970-01-01T00:00:00.001Z"),
        (999, "1970-01-01T00:00:00.999Z"),
        (1_795_251_600_123, "2026-11-21T09:00:00.123Z"),
        (1_709_164_800_000, "2024-02-29T00:00:00.000Z"),
    ],
)
def test_a_timestamp_is_utc_with_three_digits_of_milliseconds(at: int, written: str) -> None:
    assert timestamp(at) == written


@given(st.integers(0, 4_000_000_000_000))
def test_a_timestamp_is_read_back_as_the_same_millisecond(at: int) -> None:
    read = datetime.fromisoformat(timestamp(at))
    assert (read - datetime.fromtimestamp(0, UTC)) / timedelta(milliseconds=1) == at


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("90", 90),
        ("1.5", 1.5),
        ("0.001", 0.001),
        ("999999999999", 999_999_999_999),
        ("45s", 45),
        ("10m", 10 * MINUTE),
        ("1h30m", HOUR + 30 * MINUTE),
        ("2d", 2 * DAY),
        ("1d1h1m1s", DAY + HOUR + MINUTE + 1),
        ("1d1s", DAY + 1),
        ("90m", 90 * MINUTE),
        ("0s", 0),
        ("1.5h", HOUR + 30 * MINUTE),
        ("0.25m", 15),
        ("1h 30m", HOUR + 30 * MINUTE),
        ("2w", 14 * DAY),
        ("1w 1d 1h 1m 1s", 8 * DAY + HOUR + MINUTE + 1),
    ],
)
def test_a_duration_is_seconds_or_units_from_the_largest_down(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "m", "x", "5x", "10 m", " 10", "10 ", "10m ", "-5", "+5", "1e5", ".5", "5.", "1,5",
        "1.5h30m", "1h1.5m", "1h  30m", " 1h", "1d1w",
        "5m1h", "1m1m", "10M", "1_000", "0x10", "inf", "nan", "٣", "٣m", "10m\n", "1.1234567",
        "1234567890123456", "1234567890123456d",
    ],
)  # fmt: skip
def test_a_bad_duration_is_refused_with_examples(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a duration: give seconds, or for example 10m, 1h30m, 2d"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0, "0s"),
        (-1, "0s"),
        (0.001, "1s"),
        (1, "1s"),
        (1.001, "2s"),
        (59, "59s"),
        (59.5, "1m"),
        (60, "1m"),
        (61, "1m1s"),
        (5400, "1h30m"),
        (30 * DAY, "30d"),
        (DAY + HOUR + MINUTE + 1, "1d1h1m1s"),
    ],
)
def test_a_duration_is_written_for_people_and_rounded_up(seconds: float, written: str) -> None:
    assert format_duration(seconds) == written


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize(
    ("now", "text", "then"),
    [
        ("2026-11-30T13:00:00", "14:30", "2026-11-30T13:30:00"),
        ("2026-11-30T13:00:00", "13:00", "2026-12-01T12:00:00"),
        ("2026-11-30T13:00:00", "14:00", "2026-12-01T13:00:00"),
        ("2026-11-30T13:00:00", "tomorrow 9:00", "2026-12-01T08:00:00"),
        ("2026-11-30T13:00:00", "today 23:59", "2026-11-30T22:59:00"),
        ("2026-10-24T13:00:00", "tomorrow 9:00", "2026-10-25T08:00:00"),  # the clock goes back in between
        ("2026-03-28T13:00:00", "9:00", "2026-03-29T07:00:00"),
        ("2026-11-30T13:00:00", "90", "2026-11-30T13:01:30"),
    ],
)
def test_a_time_of_day_is_the_next_one_in_the_zone_of_the_machine(
    berlin: None, now: str, text: str, then: str
) -> None:
    begin, end = (datetime.fromisoformat(f"{at}Z").timestamp() for at in (now, then))
    assert parse_delay(text, begin) == end - begin


@pytest.mark.parametrize(
    ("text", "then"),
    [
        ("14:30", "2026-11-29T13:30:00"),
        ("14:00", "2026-11-30T13:00:00"),
        ("9:00", "2026-11-30T08:00:00"),
        ("yesterday 9:00", "2026-11-29T08:00:00"),
        ("1.5h", "2026-11-30T11:30:00"),
        ("2026-07-01T22:30:00Z", "2026-07-01T22:30:00"),
        ("2026-07-01T22:30+02:00", "2026-07-01T20:30:00"),
    ],
)
def test_a_past_time_is_the_last_one_in_the_zone_of_the_machine(berlin: None, text: str, then: str) -> None:
    now, past = (datetime.fromisoformat(f"{at}Z").timestamp() for at in ("2026-11-30T13:00:00", then))
    assert parse_past(text, now) == past


@pytest.mark.parametrize("text", ["tomorrow 9:00", "today 23:59", "soon", "2026-07-01"])
def test_another_past_time_is_refused(berlin: None, text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a duration|is still to come"):
        parse_past(text, datetime.fromisoformat("2026-11-30T13:00:00Z").timestamp())


@pytest.mark.parametrize("text", ["24:00", "09:60", "tomorrow", "yesterday 9:00", "today 0:00", "9:00 "])
def test_another_time_of_day_is_refused(berlin: None, text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a duration|is over"):
        parse_delay(text, 13 * HOUR)


@given(st.integers(0, 10**12))
def test_a_duration_that_was_formatted_parses_as_the_same(seconds: int) -> None:
    assert parse_duration(format_duration(seconds)) == seconds


def test_the_system_clock_counts_milliseconds_since_1970() -> None:
    before = time.time()
    now = SystemClock().now()
    assert before - 1 <= now / 1000 <= time.time() + 1


def test_the_monotonic_clock_counts_seconds_that_do_not_shrink() -> None:
    clock = SystemClock()
    before = time.monotonic()
    assert before <= clock.monotonic() <= clock.monotonic() <= time.monotonic()
