"""The texts that a load sends, and the tally of those that were received. Pure.

A text begins with a header: `bench RUN SENDER NUMBER NANOSECONDS`, where the last is the time of sending.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise
from typing import TypeAlias

import attrs

from tcpchat.bench.plan import SendLog

Run: TypeAlias = tuple[int, int, int]
"""A sender, and the first and last of consecutive numbers."""
CACHED = 64  # chunks of the stream; receivers read the same bytes at about the same time


def make_text(run: str, sender: int, number: int, at_ns: int, size: int) -> str:
    return f"bench {run} {sender} {number} {at_ns} ".ljust(size, "x")


@attrs.frozen
class Chunk:
    """The messages of the run in some bytes of the stream."""

    count: int
    runs: tuple[Run, ...]
    sent_ns: tuple[int, ...]


class Scanner:
    """Finds the texts of one run in the lines from a server.

    All receivers get the same bytes. Therefore chunks are cached: otherwise a load with many receivers would
    cost more than the server.
    """

    def __init__(self, run: str) -> None:
        self._pattern = re.compile(rb'"text":"bench %s (\d+) (\d+) (\d+) ' % run.encode())
        self._chunks: dict[bytes, Chunk] = {}

    def scan(self, lines: bytes) -> Chunk:
        """Return the messages in these whole lines."""
        chunk = self._chunks.get(lines)
        if chunk is None:
            if len(self._chunks) >= CACHED:
                del self._chunks[next(iter(self._chunks))]
            chunk = self._chunks[lines] = self._read(lines)
        return chunk

    def _read(self, lines: bytes) -> Chunk:
        found = [(int(a), int(b), int(c)) for a, b, c in self._pattern.findall(lines)]
        numbers: dict[int, list[int]] = {}
        for sender, number, _ in found:
            numbers.setdefault(sender, []).append(number)
        runs = [(sender, *ends) for sender, each in numbers.items() for ends in _runs(each)]
        return Chunk(len(found), tuple(runs), tuple(at for _, _, at in found))


def _runs(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """Return the first and last number of each part that is consecutive."""
    cuts = [0, *(i for i, (a, b) in enumerate(pairwise(numbers), 1) if b != a + 1), len(numbers)]
    return [(numbers[start], numbers[end - 1]) for start, end in pairwise(cuts)]


class Tally:
    """The messages of one receiver. Those of a sender come in order: a gap is a loss, going back a repeat."""

    def __init__(self, senders: int) -> None:
        self.count = 0
        self.doubled = 0
        self._due = [0] * senders
        self._gaps: list[Run] = []

    def take(self, chunk: Chunk) -> None:
        self.count += chunk.count
        due = self._due
        for sender, first, last in chunk.runs:
            expected = due[sender]
            if first > expected:
                self._gaps.append((sender, expected, first - 1))
            elif first < expected:
                self.doubled += min(last + 1, expected) - first
            due[sender] = max(expected, last + 1)

    def lost(self, logs: Sequence[SendLog]) -> int:
        """Return how many acknowledged messages were not received."""
        rest = [(sender, due, logs[sender].sent - 1) for sender, due in enumerate(self._due)]
        return sum(_acknowledged(logs[sender], first, last) for sender, first, last in self._gaps + rest)


def _acknowledged(log: SendLog, first: int, last: int) -> int:
    """Return how many of the numbers from `first` to `last` were acknowledged."""
    unacknowledged = log.unacknowledged
    return max(0, last - first + 1) - max(
        0, bisect_left(unacknowledged, last + 1) - bisect_left(unacknowledged, first)
    )
