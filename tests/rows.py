"""Tables of cases that one test runs through, for tests that compute something and have no fixtures.

`pytest.mark.parametrize` makes a test of each row, which takes a hundred times as long as most rows do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest

Test = Callable[..., None]


def rows(
    names: str | tuple[str, ...], table: Iterable[Any], ids: Iterable[str] = ()
) -> Callable[[Test], Test]:
    """Run a test for every row of a table, as `parametrize` names them; report all rows that fail."""
    columns = (names,) if isinstance(names, str) else names
    table, labels = list(table), list(ids)
    assert table
    assert len(labels) in {0, len(table)}

    def decorate(test: Test) -> Test:
        def run() -> None:
            errors: list[BaseException] = []
            for index, row in enumerate(table):
                try:
                    test(**dict(zip(columns, (row,) if isinstance(names, str) else row, strict=True)))
                except (Exception, pytest.fail.Exception) as error:
                    label = labels[index] if labels else f"{row!r:.200}"
                    error.add_note(f"in the row {label}")
                    errors.append(error)
            if errors:
                raise BaseExceptionGroup(f"{len(errors)} of {len(table)} rows fail", errors)

        run.__name__, run.__qualname__, run.__doc__ = test.__name__, test.__qualname__, test.__doc__
        run.__module__ = test.__module__
        return run

    return decorate
