"""The texts that a load sends, and the account of which of them came. Pure.

A text says which run, which sender, its number and when it was sent: `bench RUN SENDER NUMBER NANOSECONDS x`.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise
from typing import TypeAlias

import attrs

from tcpchat.bench.plan import Said

Run: TypeAlias = tuple[int, int, int]
"""A sender, and the first and the last of numbers that came one after the other."""
_REMEMBERED = 64  # pieces of the stream; receivers read the same bytes at about the same time


def write(run: str, sender: int, number: int, at_ns: int, size: int) -> str:
    return f"bench {run} {sender} {number} {at_ns} ".ljust(size, "x")


@attrs.frozen
class Piece:
    """What some bytes of the stream hold."""

    count: int
    runs: tuple[Run, ...]
    sent_ns: tuple[int, ...]


class Finder:
    """Finds the texts of one run in what a server sends.

    All receivers get the same bytes, so a piece that was read before is looked up and not read again: without
    that, a load of many receivers would cost more than the server.
    """

    def __init__(self, run: str) -> None:
        self._pattern = re.compile(rb'"text":"bench %s (\d+) (\d+) (\d+) ' % run.encode())
        self._pieces: dict[bytes, Piece] = {}

    def find(self, lines: bytes) -> Piece:
        """Return what whole lines hold."""
        piece = self._pieces.get(lines)
        if piece is None:
            if len(self._pieces) >= _REMEMBERED:
                del self._pieces[next(iter(self._pieces))]
            piece = self._pieces[lines] = self._read(lines)
        return piece

    def _read(self, lines: bytes) -> Piece:
        found = [(int(a), int(b), int(c)) for a, b, c in self._pattern.findall(lines)]
        numbers: dict[int, list[int]] = {}
        for sender, number, _ in found:
            numbers.setdefault(sender, []).append(number)
        runs = [(sender, *ends) for sender, those in numbers.items() for ends in _runs(those)]
        return Piece(len(found), tuple(runs), tuple(at for _, _, at in found))


def _runs(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """Return first and last of each part in which every number is one more than the one before."""
    cuts = [0, *(i for i, (a, b) in enumerate(pairwise(numbers), 1) if b != a + 1), len(numbers)]
    return [(numbers[start], numbers[end - 1]) for start, end in pairwise(cuts)]


class Account:
    """What one receiver got. A sender's messages come in order: a gap is a loss, a step back a repeat."""

    def __init__(self, senders: int) -> None:
        self.count = 0
        self.doubled = 0
        self._due = [0] * senders
        self._gaps: list[Run] = []

    def take(self, piece: Piece) -> None:
        self.count += piece.count
        due = self._due
        for sender, first, last in piece.runs:
            expected = due[sender]
            if first > expected:
                self._gaps.append((sender, expected, first - 1))
            elif first < expected:
                self.doubled += min(last + 1, expected) - first
            due[sender] = max(expected, last + 1)

    def lost(self, said: Sequence[Said]) -> int:
        """Return how many messages that the server acknowledged did not come."""
        rest = [(sender, due, said[sender].sent - 1) for sender, due in enumerate(self._due)]
        return sum(_kept(said[sender], first, last) for sender, first, last in self._gaps + rest)


def _kept(said: Said, first: int, last: int) -> int:
    """Return how many of these numbers were acknowledged."""
    not_kept = said.not_kept
    return max(0, last - first + 1) - max(0, bisect_left(not_kept, last + 1) - bisect_left(not_kept, first))
