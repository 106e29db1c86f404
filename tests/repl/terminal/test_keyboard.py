"""Keys of a terminal that answers questions of somebody else."""

from __future__ import annotations

import errno
import os
from typing import cast

import pytest
from prompt_toolkit.input import DummyInput, create_input, create_pipe_input
from prompt_toolkit.input.posix_pipe import PosixPipeInput
from prompt_toolkit.keys import Keys

from tcpchat.repl.terminal.keyboard import watch_key, without_reports

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


def test_an_error_of_a_terminal_that_is_gone_ends_the_input(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: int) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    with create_pipe_input() as pipe:
        keys = without_reports(pipe)
        with monkeypatch.context() as patched:
            patched.setattr(os, "read", fail)
            pipe.send_text("x")
            keys.read_keys()
            assert not keys.closed, "an interruption"
            cast("PosixPipeInput", pipe).pipe.close_write()
            keys.read_keys()
            assert keys.closed


def test_a_terminal_that_is_gone_ends_the_input() -> None:
    master, slave = os.openpty()
    with os.fdopen(slave) as terminal:
        keys = without_reports(create_input(terminal))
        os.write(master, b"x\n")
        assert keys.read_keys()[0].data == "x"
        assert keys.read_keys() == []
        assert not keys.closed
        os.close(master)  # reading is an error from now on
        keys.read_keys()
        assert keys.closed


@pytest.mark.parametrize("shift_enter", ["\x1bOM", "\x1b[27;2;13~", "\x1b[13;2u"])
def test_shift_enter_begins_a_line_where_the_terminal_sends_more_than_enter(shift_enter: str) -> None:
    with create_pipe_input() as pipe:
        keys = without_reports(pipe)
        pipe.send_text(shift_enter)
        assert [press.key for press in keys.read_keys()] == [Keys.Escape, Keys.ControlM]


def test_a_key_that_is_watched_does_nothing_else() -> None:
    watched: list[str] = []
    with create_pipe_input() as pipe:
        keys = without_reports(pipe)
        watch_key(keys, watched.append)
        pipe.send_text("\x1bOM")
        assert keys.read_keys() == []
        pipe.send_text("x")
        assert [press.key for press in keys.read_keys()] == ["x"]
    assert watched == ["\x1bOM"]
