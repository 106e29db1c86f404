"""The input line and the lines around it, as prompt-toolkit wants them described."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.filters import Condition, is_done
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.layout import (
    BufferControl,
    ConditionalContainer,
    Container,
    Dimension,
    FormattedTextControl,
    HSplit,
    Layout,
    VerticalAlign,
    Window,
)
from prompt_toolkit.layout.menus import CompletionsMenu
from prompt_toolkit.layout.processors import (
    AppendAutoSuggestion,
    HighlightIncrementalSearchProcessor,
    PasswordProcessor,
)
from prompt_toolkit.widgets import SearchToolbar

if TYPE_CHECKING:
    from prompt_toolkit.document import Document
    from prompt_toolkit.formatted_text import AnyFormattedText, FormattedText

    from tcpchat.repl.input.completion import Candidate

MENU = 8  # lines
INPUT = 12  # lines of the input that are seen at once


class LiveCompleter(Completer):
    """Asks for the candidates of the moment, and whether a person asked for them with Tab."""

    def __init__(self, candidates: Callable[[str, bool], Iterable[Candidate]]) -> None:
        self._candidates = candidates

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        for found in self._candidates(document.text_before_cursor, complete_event.completion_requested):
            yield Completion(
                found.text, start_position=found.start, display=found.display, display_meta=found.help
            )


class TypedLine(Buffer):
    """Leaves it to its accept handler whether a line is kept in the history; passwords must not be."""

    pasted = False
    """The text begins with several pasted lines."""

    def paste(self, text: str) -> None:
        """Insert pasted text."""
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        begins = not self.document.text_before_cursor.strip() and "\n" in text.strip("\n")
        self.insert_text(text)
        self.pasted = begins or self.pasted

    def reset(self, document: Document | None = None, append_to_history: bool = False) -> None:  # noqa: FBT001, FBT002  # as in Buffer
        super().reset(document, append_to_history)
        self.pasted = False

    def validate_and_handle(self) -> None:
        assert self.accept_handler is not None
        self.accept_handler(self)


@attrs.frozen(kw_only=True)
class Surroundings:
    """The lines around the input, each called for whenever it is drawn."""

    prefix: Callable[[int, int], AnyFormattedText]
    waiting: Callable[[], FormattedText]
    toolbar: Callable[[], FormattedText]
    asks_password: Callable[[], bool]


def layout(buffer: Buffer, password: Buffer, around: Surroundings) -> Layout:
    """Return the rows of the input: waiting messages, the line, the search, the menu, the toolbar."""
    search = SearchToolbar()
    control = BufferControl(
        buffer=buffer,
        search_buffer_control=search.control,
        input_processors=[HighlightIncrementalSearchProcessor(), AppendAutoSuggestion()],
        preview_search=True,
    )
    text = Window(
        control,
        height=Dimension(min=1, max=INPUT),
        wrap_lines=True,
        dont_extend_height=True,
        get_line_prefix=around.prefix,
    )
    hidden = Window(
        BufferControl(buffer=password, input_processors=[PasswordProcessor()]),
        height=1,
        dont_extend_height=True,
        get_line_prefix=around.prefix,
    )
    hides = Condition(around.asks_password)
    waiting = Window(FormattedTextControl(around.waiting), dont_extend_height=True)
    # Not styled to its end: a terminal that is made narrower would wrap the blanks, which pushes lines away.
    toolbar = Window(FormattedTextControl(around.toolbar), height=1, dont_extend_height=True)
    rows: list[Container] = [
        ConditionalContainer(waiting, Condition(lambda: bool(around.waiting()))),
        ConditionalContainer(hidden, hides),
        ConditionalContainer(text, ~hides),
        search.__pt_container__(),
        CompletionsMenu(max_height=MENU, scroll_offset=1),
        ConditionalContainer(toolbar, ~is_done),
    ]
    return Layout(HSplit(rows, align=VerticalAlign.TOP), focused_element=text)


class TypedLines(FileHistory):
    """The file of typed lines. One that cannot be stored is remembered as long as the program runs."""

    def store_string(self, string: str) -> None:
        with suppress(OSError):  # the disk is full, say: the next line is tried again
            super().store_string(string)


def history_of(path: Path | None) -> History:
    """Return the lines of earlier sessions, from a file that only its user may read."""
    if path is None:
        return InMemoryHistory()
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.touch(mode=0o600)
    except OSError:
        return InMemoryHistory()
    return TypedLines(path)
