from __future__ import annotations

import pytest

from tests.rows import rows


def test_every_row_is_tried_and_all_that_fail_are_told() -> None:
    tried = []

    @rows(("number", "limit"), [(1, 2), (2, 2), (0, 2), (9, 2)])
    def check(number: int, limit: int) -> None:
        tried.append(number)
        assert number < limit

    with pytest.raises(BaseExceptionGroup, match="2 of 4 rows fail") as failed:
        check()
    assert tried == [1, 2, 0, 9]
    notes = [error.__notes__ for error in failed.value.exceptions]
    assert notes == [["in the row (2, 2)"], ["in the row (9, 2)"]]


def test_an_error_that_does_not_come_fails_its_row() -> None:
    @rows("divisor", [0, 1], ids=["zero", "one"])
    def check(divisor: int) -> None:
        with pytest.raises(ZeroDivisionError):
            print(1 / divisor)

    with pytest.raises(BaseExceptionGroup) as failed:
        check()
    assert [error.__notes__ for error in failed.value.exceptions] == [["in the row one"]]


def test_a_row_that_passes_everywhere_is_no_error() -> None:
    @rows("number", range(3))
    def check(number: int) -> None:
        assert number >= 0

    check()
