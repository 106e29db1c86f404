"""A summary says what happened, and what to do about it."""

from __future__ import annotations

import pytest

from tcpchat.address import Address
from tcpchat.bench.plan import Plan, Receiving, Sending, SendLog
from tcpchat.bench.summary import Latency, Summary, as_json, as_text, summarize

PLAN = Plan(address=Address(), receivers=2, senders=1, seconds=2)


def summary(sending: Sending | None = None, *receiving: Receiving) -> Summary:
    sending = sending or Sending(logs=(SendLog(sent=1000),), latencies=(1.0, 2.0, 9.0), seconds=2, core=0.1)
    parts = receiving or (Receiving(deliveries=2000, latencies=(3.0,), last_at=12, core=0.2),)
    return summarize(PLAN, 0.5, 10, sending, parts)


def test_a_good_result() -> None:
    assert as_text(summary()).splitlines() == [
        "joined        2 receivers and 1 sender in 0.5 s",
        "sent          1,000 in 2.0 s",
        "acknowledged  1,000, 500 a second; p50 2.0 ms, p99 9.0 ms, max 9.0 ms",
        "delivered     2,000, 1,000 a second; p50 3.0 ms, p99 3.0 ms, max 3.0 ms",
        "lost          none: every receiver got every acknowledged message",
        "doubled       none",
    ]
    assert summary().ok


def test_a_refusal_names_the_setting_and_is_no_loss() -> None:
    refused = {"rate-limited": (3, "you may send 10 messages a second")}
    told = summary(Sending(logs=(SendLog(sent=5, unacknowledged=(1, 2, 3)),), refused=refused, seconds=1))
    assert (told.acknowledged, told.ok) == (2, True)
    assert "refused       3 as rate-limited: you may send 10 messages a second" in as_text(told)
    assert "--messages-per-second 0" in as_text(told)
    assert as_json(told)["refused"] == {"rate-limited": 3}


@pytest.mark.parametrize(
    ("part", "line"),
    [
        (Receiving(lost=4), "lost          4"),
        (Receiving(doubled=1), "doubled       1"),
        (Receiving(closed={"slow-consumer": 2}), "closed        2 connections by the server: slow-consumer"),
    ],
)
def test_losses_repeats_and_closed_connections_are_failures(part: Receiving, line: str) -> None:
    told = summary(None, Receiving(deliveries=10), part)
    assert line in as_text(told).splitlines()
    assert not told.ok
    assert not as_json(told)["ok"]


def test_second_replies_and_closed_senders_are_failures() -> None:
    again = summary(Sending(logs=(SendLog(sent=5),), answered_again=2, seconds=1))
    assert "repeated      2 replies" in as_text(again)
    assert (again.ok, as_json(again)["answered_again"]) == (False, 2)
    thrown_out = Sending(logs=(SendLog(sent=5),), closed={"banned": 1, "idle": 1}, seconds=1)
    closed = summary(thrown_out, Receiving(closed={"idle": 2}))
    assert (closed.closed, closed.ok) == ({"banned": 1, "idle": 3}, False)


def test_missing_replies_are_a_failure_and_so_is_an_empty_load() -> None:
    told = summary(Sending(logs=(SendLog(sent=5, unacknowledged=(4,)),), unanswered=1, seconds=1))
    assert "unanswered    1" in as_text(told)
    assert not told.ok
    assert not summary(Sending(logs=(SendLog(sent=0),))).ok


@pytest.mark.parametrize(("core", "limited"), [(0.91, True), (0.89, False)])
def test_a_load_that_is_itself_the_limit_says_so(core: float, limited: bool) -> None:
    told = summary(None, Receiving(core=core), Receiving())
    assert told.limited_by_load == limited
    assert ("may be faster" in as_text(told)) == limited
    sending = Sending(logs=(SendLog(sent=1),), core=core)
    assert summary(sending).limited_by_load == limited


@pytest.mark.parametrize(("seconds", "early"), [(1.26, True), (2.01, False)])
def test_a_load_that_was_ended_early_says_so(seconds: float, early: bool) -> None:
    told = summary(Sending(logs=(SendLog(sent=1000),), seconds=seconds))
    assert as_json(told)["ended_early"] == early
    assert ("Ended early, after 1.3 s: this is the result so far." in as_text(told).splitlines()) == early


@pytest.mark.parametrize(
    ("count", "p50", "p99"),
    [(1, 1, 1), (2, 1, 2), (99, 50, 99), (100, 50, 99), (101, 51, 100), (700, 350, 693)],
)
def test_latencies_are_nearest_ranks(count: int, p50: int, p99: int) -> None:
    """Of the numbers from 1 on, the rank is the value."""
    assert Latency.of(reversed(range(1, count + 1))) == Latency(p50, p99, count)


def test_there_is_no_latency_without_values() -> None:
    assert Latency.of([]) is None
