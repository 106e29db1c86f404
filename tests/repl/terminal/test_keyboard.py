"""Keys of a terminal that answers questions of somebody else."""

from __future__ import annotations

import pytest
from prompt_toolkit.input import DummyInput, create_pipe_input
from prompt_toolkit.keys import Keys

from tcpchat.repl.terminal.keyboard import without_reports

BACKGROUND = "\x1b]11;rgb:1e1e/1e1e/1e1e\x1b\\"


@pytest.mark.parametrize("at", range(len(BACKGROUND)))
def test_an_answer_makes_no_keys_wherever_it_is_cut(at: int) -> None:
    with create_pipe_input() as pipe:
        keys = without_reports(pipe)
        pipe.send_text("a" + BACKGROUND[:at])
        found = [press.key for press in keys.read_keys()]
        pipe.send_text(BACKGROUND[at:] + "\x1b[Ab")
        found += [press.key for press in keys.read_keys()]
        assert found == ["a", Keys.Up, "b"]


def test_escape_alone_is_a_key_after_a_moment() -> None:
    with create_pipe_input() as pipe:
        keys = without_reports(pipe)
        pipe.send_text("\x1b")
        assert keys.read_keys() == []
        assert [press.key for press in keys.flush_keys()] == [Keys.Escape]


def test_a_paste_is_whole() -> None:
    with create_pipe_input() as pipe:
        keys = without_reports(pipe)
        pipe.send_text(f"\x1b[200~x{BACKGROUND}y\x1b[201~{BACKGROUND}z")
        assert [press.data for press in keys.read_keys()] == [f"x{BACKGROUND}y", "z"]


def test_an_input_that_is_no_terminal_is_left_alone() -> None:
    dummy = DummyInput()
    assert without_reports(dummy) is dummy
