"""How the client starts in a terminal: the input line first, then the network.

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

from tcpchat.repl.model.preferences import SETTINGS, Preferences
from tcpchat.repl.options import Options
from tcpchat.repl.terminal.terminal import Terminal

if TYPE_CHECKING:
    from tcpchat.repl.controller import Controller

PAUSE = 0.02  # seconds; nobody sees it, and it saves most of the wake-ups in a busy room
SWITCH_INTERVAL = 0.0005  # seconds that a thread which imports may keep a key from being shown


def run_terminal(plan: Options) -> None:
    """Chat in this terminal until the person leaves.

    Raises ConnectError, StartError if a server cannot be hosted, DisconnectedError if the client gave up.
    """
    sys.setswitchinterval(SWITCH_INTERVAL)
    preferences = Preferences(plan.config and plan.config / SETTINGS)
    history = plan.state and plan.state / "history"
    terminal = Terminal(f"connecting to {plan.address} …", preferences["theme"], history)
    loop = asyncio.new_event_loop()  # not asyncio.run, which takes over SIGINT
    try:
        loop.run_until_complete(_run(plan, terminal, preferences))
    finally:
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()


async def _run(plan: Options, terminal: Terminal, preferences: Preferences) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):  # Ctrl-C is a key, not this signal
        loop.add_signal_handler(number, terminal.leave_now)
    drawing = loop.create_task(terminal.run())
    talking = loop.create_task(_talk(plan, terminal, preferences))
    await asyncio.wait({drawing, talking}, return_when=asyncio.FIRST_COMPLETED)
    if not talking.done():
        talking.cancel()
        await asyncio.wait({talking})
    terminal.close()
    await drawing
    for line in terminal.early.unsent():
        print(line, file=sys.stderr)
    if not talking.cancelled():
        talking.result()


async def _talk(plan: Options, terminal: Terminal, preferences: Preferences) -> None:
    await terminal.drawn.wait()
    guest = await asyncio.to_thread(import_module, "tcpchat.repl.terminal.guest")
    session = await asyncio.to_thread(import_module, "tcpchat.repl.session")
    plan = attrs.evolve(plan, pause=PAUSE)
    try:
        await guest.run_trio(
            partial(session.converse, plan, terminal, preferences, partial(_attach, terminal))
        )
    finally:
        terminal.talk = None  # what it says would ask Trio for the time


async def _attach(terminal: Terminal, talk: Controller) -> None:
    terminal.attach(talk)
