"""The start of the client in a terminal: the input line first, then the network.

Trio and the rest of the client are imported in a thread once the line can be typed on, since that takes as
long again.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING

import attrs

from tcpchat import streams
from tcpchat.repl.drafts import Drafts
from tcpchat.repl.model.preferences import SETTINGS, Preferences
from tcpchat.repl.options import Options
from tcpchat.repl.terminal.terminal import Terminal
from tcpchat.repl.view.theme import MONO

if TYPE_CHECKING:
    from tcpchat.repl.controller import Controller

PAUSE = 0.02  # seconds; nobody sees it, and it saves most of the wake-ups in a busy room
KEPT = "what you typed and did not send is kept for the next start here"
SWITCH_INTERVAL = 0.0005  # seconds that a thread which imports may keep a key from being shown


def run_terminal(options: Options) -> None:
    """Chat in this terminal until the person leaves.

    Raises ConnectError, StartError if a server cannot be hosted, DisconnectedError if the client gave up.
    """
    sys.setswitchinterval(SWITCH_INTERVAL)
    forced = {} if streams.wants_colours() else {"theme": MONO}
    preferences = Preferences(options.config and options.config / SETTINGS, forced)
    history = options.state and options.state / "history"
    terminal = Terminal(f"connecting to {options.address} …", preferences["theme"], history)
    loop = asyncio.new_event_loop()  # not asyncio.run, which takes over SIGINT
    try:
        loop.run_until_complete(_run(options, terminal, preferences))
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


@attrs.define
class _Keeper:
    """Keeps what is typed and not sent, once."""

    _terminal: Terminal
    _drafts: Drafts
    kept: bool = False

    def keep(self, *, all_lines: bool) -> None:
        """Write the draft, if there is one and the disk takes it."""
        draft = None if self.kept else self._terminal.draft(all_lines=all_lines)
        if draft is not None:
            self.kept = self._drafts.keep(draft)


async def _run(options: Options, terminal: Terminal, preferences: Preferences) -> None:
    loop = asyncio.get_running_loop()
    drafts = Drafts(options.state if options.remember else None, options.address)
    if (before := drafts.take()) is not None:
        terminal.restore(before)
    keeper = _Keeper(terminal, drafts)

    def leave_now() -> None:
        keeper.keep(all_lines=True)  # at once: a window that is closed may give a second and no more
        terminal.leave_now()

    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):  # Ctrl-C is a key, not this signal
        loop.add_signal_handler(number, leave_now)
    drawing = loop.create_task(terminal.run())
    chatting = loop.create_task(_chat(options, terminal, preferences, keeper))
    await asyncio.wait({drawing, chatting}, return_when=asyncio.FIRST_COMPLETED)
    if terminal.is_gone:
        keeper.keep(all_lines=True)
    if not chatting.done():
        chatting.cancel()
        await asyncio.wait({chatting})
    terminal.close()
    await drawing
    for line in () if terminal.is_gone else (*terminal.typeahead.unsent(), *([KEPT] if keeper.kept else ())):
        print(line, file=sys.stderr)
    if not chatting.cancelled():
        chatting.result()


async def _chat(options: Options, terminal: Terminal, preferences: Preferences, keeper: _Keeper) -> None:
    await terminal.drawn.wait()
    guest = await asyncio.to_thread(import_module, "tcpchat.repl.terminal.guest")
    session = await asyncio.to_thread(import_module, "tcpchat.repl.session")
    options = attrs.evolve(options, pause=PAUSE)
    try:
        await guest.run_trio(
            partial(session.converse, options, terminal, preferences, partial(_attach, terminal))
        )
    finally:
        keeper.keep(all_lines=False)
        terminal.detach()  # the controller would ask Trio for the time


async def _attach(terminal: Terminal, controller: Controller) -> None:
    terminal.attach(controller)
