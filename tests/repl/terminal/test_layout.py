"""The completer and the history of the input line."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.history import FileHistory, InMemoryHistory

from tcpchat.repl.input.completion import Candidate
from tcpchat.repl.terminal.layout import LiveCompleter, history_of


def test_the_completer_asks_each_time_for_the_text_before_the_cursor() -> None:
    asked: list[tuple[str, bool]] = []

    def candidates(before: str, by_tab: bool) -> list[Candidate]:
        asked.append((before, by_tab))
        return [Candidate("/send", -2, "/send", "send a message")]

    completer = LiveCompleter(candidates)
    (found,) = completer.get_completions(Document("/s bob", 2), CompleteEvent())
    tab = CompleteEvent(completion_requested=True)
    assert list(completer.get_completions(Document("/s", 2), tab)) == [found]
    assert asked == [("/s", False), ("/s", True)]
    assert (found.text, found.start_position) == ("/send", -2)
    assert found.display_meta_text == "send a message"


def test_the_history_is_a_file_that_only_its_user_may_read(tmp_path: Path) -> None:
    path = tmp_path / "state" / "history"
    history = history_of(path)
    assert isinstance(history, FileHistory)
    history.append_string("hello")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert list(history_of(path).load_history_strings()) == ["hello"]


@pytest.mark.parametrize("path", [None, Path("/dev/null/history")])
def test_without_a_file_it_lasts_as_long_as_the_program(path: Path | None) -> None:
    assert isinstance(history_of(path), InMemoryHistory)


def test_a_line_that_cannot_be_stored_is_remembered_and_the_next_one_is_stored(tmp_path: Path) -> None:
    path = tmp_path / "history"
    history = history_of(path)
    path.unlink()
    path.mkdir()  # as good as a full disk: it cannot be written to
    history.append_string("first")
    path.rmdir()
    history.append_string("second")
    assert history.get_strings() == ["first", "second"]
    assert list(history_of(path).load_history_strings()) == ["second"]
