"""Names for what a key sends."""

from __future__ import annotations

import pytest

from tcpchat.repl.view.key_help import named, sent


@pytest.mark.parametrize(
    ("keys", "shown"),
    [
        ("\x1bOM", "Esc O M"),
        ("\r", "CR"),
        ("\n", "LF"),
        ("\x1b\r", "Esc CR"),
        ("\x01", "Ctrl-A"),
        ("\x00", "Ctrl-@"),
        ("\x7f", "DEL"),
        (" ", "Space"),
        ("±", "±"),
        ("\x9b", "<U+009B>"),
    ],
)
def test_what_cannot_be_read_has_a_name(keys: str, shown: str) -> None:
    assert named(keys) == shown


def test_the_bytes_are_shown_too() -> None:
    assert sent("±") == "that key sends ± (bytes c2 b1); it did nothing else"
    assert "(bytes 1b 5b 41)" in sent("\x1b[A")
    assert "(bytes ff)" in sent("\udcff")
