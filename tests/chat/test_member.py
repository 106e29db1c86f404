"""A member's read markers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tcpchat.chat.member import Member
from tcpchat.chat.room import Kind, Room

NUMBERS = st.integers(0, 9)


@given(st.lists(st.tuples(NUMBERS, NUMBERS)))
def test_read_markers_only_go_up_each_on_its_own(moves: list[tuple[int, int]]) -> None:
    member = Member(Room("lobby", Kind.LOBBY), 3, 5)
    for move in moves:
        member.advance(*move)
    assert member.read == max([3, *(read for read, _ in moves)])
    assert member.delivered == max([5, *(delivered for _, delivered in moves)])
