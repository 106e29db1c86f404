"""The tally is exact: each message of each sender, for each receiver."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from tcpchat.bench.payload import Scanner, Tally, make_text
from tcpchat.bench.plan import SendLog
from tcpchat.protocol import Message, encode

RUN = "a1"


def lines(*messages: tuple[int, int], run: str = RUN) -> bytes:
    texts = [make_text(run, sender, number, 5, 64) for sender, number in messages]
    return b"".join(map(message_line, texts))


def message_line(text: str) -> bytes:
    return encode(Message(room="lobby", seq=1, at="2026-11-21T09:00:00.123Z", sender="guest-1", text=text))


def tally(messages: Iterable[tuple[int, int]], senders: int = 2, size: int = 3) -> Tally:
    """Return the tally of a receiver that gets these, so many at a time."""
    kept, scanner, those = Tally(senders), Scanner(RUN), list(messages)
    for start in range(0, len(those), size):
        kept.take(scanner.scan(lines(*those[start : start + size])))
    return kept


def test_a_text_has_the_requested_size() -> None:
    assert len(make_text(RUN, 3, 999_999, 10**18, 100)) == 100


def test_a_complete_receiver_misses_nothing() -> None:
    got = tally((sender, number) for number in range(10) for sender in (0, 1))
    assert (got.count, got.doubled, got.lost([SendLog(sent=10), SendLog(sent=10)])) == (20, 0, 0)


def test_missing_messages_are_lost_in_the_middle_and_at_the_end() -> None:
    got = tally([(0, 0), (0, 1), (0, 4), (1, 0)])
    assert got.lost([SendLog(sent=5), SendLog(sent=1)]) == 2
    assert got.lost([SendLog(sent=7), SendLog(sent=2)]) == 5
    assert Tally(1).lost([SendLog(sent=3)]) == 3


def test_unacknowledged_messages_are_not_lost() -> None:
    got = tally([(0, 0), (0, 3)])
    assert got.lost([SendLog(sent=6, unacknowledged=(1, 4)), SendLog(sent=0)]) == 2  # 2 and 5
    assert got.lost([SendLog(sent=6, unacknowledged=(1, 2, 4, 5)), SendLog(sent=0)]) == 0


def test_repeated_messages_are_doubled() -> None:
    assert tally([(0, 0), (0, 1), (0, 1), (0, 2)]).doubled == 1
    assert tally([(0, 0), (0, 1), (0, 2), (0, 0), (0, 1), (0, 2), (0, 3)]).doubled == 3


def test_texts_of_other_users_and_other_runs_are_ignored() -> None:
    scanner = Scanner(RUN)
    assert scanner.scan(lines((0, 0), run="b2")).count == 0
    assert scanner.scan(message_line('say "text":"bench a1 0 0 0 ')).count == 0


def test_a_text_contains_its_time_of_sending() -> None:
    assert Scanner(RUN).scan(lines((0, 0), (1, 0))).sent_ns == (5, 5)


def test_the_cache_of_chunks_is_bounded() -> None:
    scanner = Scanner(RUN)
    for number in range(1000):
        assert scanner.scan(lines((0, number))).runs == ((0, number, number),)
    assert len(scanner._chunks) <= 64


@given(st.lists(st.integers(0, 20), unique=True), st.sets(st.integers(0, 20)), st.integers(1, 5))
def test_lost_messages_are_acknowledged_ones_that_were_not_received(
    missing: list[int], refused: set[int], size: int
) -> None:
    came = [(0, number) for number in range(21) if number not in missing and number not in refused]
    logs = SendLog(sent=21, unacknowledged=tuple(sorted(refused)))
    assert tally(came, 1, size).lost([logs]) == len(set(missing) - refused)
