"""Drawing for terminals that count other columns than the client does."""

from __future__ import annotations

import io

import pyte
import pytest
from prompt_toolkit.data_structures import Size
from prompt_toolkit.utils import get_cwidth

from tcpchat.repl.terminal.output import ChatOutput
from tcpchat.repl.view.widths import columns

FLAG, FAMILY, WARNING = "🇩🇪", "👨\u200d👩\u200d👧", "⚠️"


class Paper(io.StringIO):
    """What was written, on the screen of a terminal that counts 4 columns for a flag."""

    encoding = "utf-8"

    @property
    def screen(self) -> pyte.Screen:
        screen = pyte.Screen(20, 2)
        pyte.Stream(screen).feed(self.getvalue())
        return screen


@pytest.fixture
def paper() -> Paper:
    return Paper()


@pytest.fixture
def output(paper: Paper) -> ChatOutput:
    return ChatOutput(paper, lambda: Size(rows=2, columns=20), term="xterm")


@pytest.mark.parametrize("text", [FLAG, FAMILY, WARNING, "漢字", "नि"])
def test_prompt_toolkit_counts_as_we_do(text: str) -> None:
    assert get_cwidth(text) == columns(text)


@pytest.mark.parametrize("text", [FLAG, f"{FLAG}x{FLAG}", "🤷\u200d♂️", "👍🏽"])
def test_the_cursor_is_where_it_should_be_after_each_character(
    output: ChatOutput, paper: Paper, text: str
) -> None:
    for char in text:
        output.write(char)
    output.flush()
    assert paper.screen.cursor.x == columns(text)


def test_what_follows_a_flag_is_drawn_beside_it(output: ChatOutput, paper: Paper) -> None:
    for char in FLAG + "ab":
        output.write(char)
    output.cursor_backward(1)
    output.write("c")
    output.flush()
    assert paper.screen.buffer[0][2].data + paper.screen.buffer[0][3].data == "ac"


def test_the_cursor_moves_from_where_it_should_be(output: ChatOutput, paper: Paper) -> None:
    output.cursor_forward(3)
    output.write("🇩")
    output.cursor_forward(2)
    output.flush()
    assert paper.screen.cursor.x == 6


def test_a_new_line_begins_in_the_first_column(output: ChatOutput, paper: Paper) -> None:
    output.write("🇩")
    output.write("\r\n")
    output.write("🇩")
    output.flush()
    assert (paper.screen.cursor.x, paper.screen.cursor.y) == (1, 1)


def test_the_cursor_is_left_where_a_message_ends_and_after_letters(output: ChatOutput, paper: Paper) -> None:
    for text in ("alice  ", FLAG * 9, "😀", "\r\n", "x", "漢"):
        output.write(text)
    output.flush()
    assert "G" not in paper.getvalue()
