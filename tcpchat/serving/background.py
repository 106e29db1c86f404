"""What happens by the clock: who came and went is told, and scheduled messages are sent."""

from __future__ import annotations

from contextlib import suppress
from typing import NoReturn

import trio

from tcpchat.chat.awakening import Awakening
from tcpchat.chat.chat import Chat
from tcpchat.chat.entry import Entry, PruneEntry
from tcpchat.errors import ChatError
from tcpchat.protocol import Error
from tcpchat.serving.delivery import Pipeline
from tcpchat.times import MILLISECONDS

NEWCOMER = 0.25  # seconds in which a new connection can say who it is, before others hear of it
PRESENCE = 0.1  # seconds from somebody's coming or going to telling it …
PRESENCE_PER_RECEIVER = 0.0001  # … and so much more for each who hears it: a telling costs a write each
RECEIPTS = 0.1  # seconds between two writings of what was delivered and read; many messages make one
IDENTITY = 0.1  # seconds between two writings of who left and who is back; many do so at once
IDENTITY_RETRY = 1.0  # seconds after which what the disk refused is written again
PRUNE = 60.0  # seconds between two looks for what need not be kept any more
DUE = 128  # scheduled messages in a batch: very many may be due at once, and others are to get in between
LONGEST_SLEEP = 60.0  # seconds; the time of day may be set while something waits for it


async def tell_presence(chat: Chat, pipeline: Pipeline) -> NoReturn:
    """Tell who came, went and has another name: after a moment, so that many make one telling.

    A newcomer has a longer moment, in which who was here before says so by `resume`, and nobody hears of the
    guest that it came as.
    """
    presence, newcomers = chat.hub.presence, chat.hub.newcomers
    while True:
        changed = trio.Event()
        presence.on_change = changed.set
        if not presence and not newcomers:
            await changed.wait()
        await trio.sleep(PRESENCE + PRESENCE_PER_RECEIVER * len(chat.hub.connections))
        chat.hub.let_all_listen(chat.clock.monotonic() - NEWCOMER)
        pipeline.tell()


async def tell_receipts(chat: Chat, pipeline: Pipeline) -> NoReturn:
    """Write how far private messages were delivered and read, and tell who wrote them."""
    marks = chat.marks
    while True:
        changed = trio.Event()
        marks.on_change = changed.set
        if not marks:
            await changed.wait()
        await trio.sleep(RECEIPTS)
        entry = marks.records()
        await pipeline.wait_released(pipeline.submit(entry))
        if isinstance(entry.reply, Error):
            await trio.sleep(IDENTITY_RETRY)


async def send_scheduled(chat: Chat, pipeline: Pipeline, awakening: Awakening) -> NoReturn:
    """Send what comes due."""
    schedule = chat.schedule
    while True:
        earlier = trio.Event()
        schedule.on_earlier = earlier.set
        due = schedule.next_due()
        wait = LONGEST_SLEEP
        if due is not None:
            wait = min(wait, max(0.0, (due - chat.clock.now()) / MILLISECONDS))
        with trio.move_on_after(wait):
            await earlier.wait()
        for user in chat.asleep(DUE):
            with suppress(ChatError):  # whom the disk does not give now it may give later
                await awakening.user(user)
        places = [pipeline.submit(entry) for entry in chat.due(DUE)]
        if places:  # many that are due at once come in batches, with others in between
            await pipeline.wait_released(places[-1])


async def let_absent_go(chat: Chat) -> NoReturn:
    """Tell of who did not come back soon, and forget who did not come back at all."""
    while True:
        absent = trio.Event()
        chat.people.identities.on_absent = absent.set
        with trio.move_on_after(min(LONGEST_SLEEP, chat.people.let_go_in())):
            await absent.wait()
        chat.people.let_go()


async def write_identities(chat: Chat, pipeline: Pipeline) -> NoReturn:
    """Write who left and who is back, and now and then delete what need not be kept any more."""
    identities, monotonic = chat.people.identities, chat.clock.monotonic
    prune_at = monotonic() + PRUNE
    while True:
        unwritten = trio.Event()
        identities.on_unwritten = unwritten.set
        entry: Entry | None = identities.records()
        if entry is None:
            with trio.move_on_after(max(0.0, prune_at - monotonic())):
                await unwritten.wait()
            entry = identities.records()
        if entry is None:
            prune_at = monotonic() + PRUNE
            entry = PruneEntry(chat.prune())
        await pipeline.wait_released(pipeline.submit(entry))
        await trio.sleep(IDENTITY_RETRY if isinstance(entry.reply, Error) else IDENTITY)
