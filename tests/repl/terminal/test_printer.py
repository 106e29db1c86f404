"""Output above the input: in order, not too often, and not without end."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Awaitable, Callable

from prompt_toolkit.application import Application
from prompt_toolkit.data_structures import Size
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.layout import Layout, Window
from prompt_toolkit.output.vt100 import Vt100_Output
from prompt_toolkit.styles import Style

from tcpchat.repl.terminal.printer import INTERVAL, WAITING, Printer


def run(story: Callable[[Printer, io.StringIO], Awaitable[None]]) -> str:
    """Run a story beside an application; return what was written."""
    written = io.StringIO()

    async def main() -> None:
        with create_pipe_input() as keys:
            output = Vt100_Output(written, lambda: Size(rows=24, columns=80))
            app: Application[None] = Application(layout=Layout(Window()), input=keys, output=output)
            printer = Printer(app, lambda: Style([]))
            drawn = asyncio.Event()
            app.after_render += lambda _: drawn.set()
            running = asyncio.create_task(app.run_async())
            await drawn.wait()
            await story(printer, written)
            app.exit()
            await running
            printer.print()

    asyncio.run(main())
    return written.getvalue()


def test_lines_within_a_moment_are_written_at_once_and_in_order() -> None:
    async def story(printer: Printer, written: io.StringIO) -> None:
        printer.show([("", "one"), ("", "\n")])
        await asyncio.sleep(INTERVAL * 2)
        before = written.getvalue()
        assert "one" in before
        for text in ("two", "three"):
            printer.show([("", text), ("", "\n")])
        await asyncio.sleep(INTERVAL * 3)
        after = written.getvalue()[len(before) :]
        assert after.index("two") < after.index("three")

    run(story)


def test_waiting_lines_are_written_at_the_end() -> None:
    async def story(printer: Printer, written: io.StringIO) -> None:
        printer.show([("", "one\n")])
        await asyncio.sleep(INTERVAL * 2)
        printer.show([("", "the last line\n")])

    assert "the last line" in run(story)


def test_a_terminal_that_is_stopped_costs_bounded_memory() -> None:
    async def story(printer: Printer, written: io.StringIO) -> None:
        for number in range(WAITING + 10):
            printer.show([("", f"line {number}\n")])
        assert len(printer._out) <= WAITING
        assert printer._out[0] == ("class:notice", "· lines were left out here\n")
        printer._out = printer._out[-3:]

    run(story)
