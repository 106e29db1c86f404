"""Asks the server of a data folder; without one, does in this process what the server would do."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import trio

from tcpchat.admin.context import Office
from tcpchat.admin.dispatch import RECEIVE, Desk
from tcpchat.admin.socket import knock
from tcpchat.chat.awakening import Awakening
from tcpchat.chat.chat import Chat
from tcpchat.chat.room import RECENT
from tcpchat.errors import InUseError, StartError
from tcpchat.log import Log
from tcpchat.protocol import MAX_LINE_OUT, LineReader, Request, encode
from tcpchat.serving.delivery import Pipeline
from tcpchat.serving.hashing import Hasher
from tcpchat.settings import Settings
from tcpchat.store.queries.snapshot import load
from tcpchat.store.reader import Reader
from tcpchat.store.sqlite import DATABASE, SqliteStore
from tcpchat.times import MILLISECONDS, Clock

Line = dict[str, Any]
Take = Callable[[Line], None]
"""Takes an event that comes before the reply."""


async def ask(
    folder: Path, request: Request, take: Take, *, log: Log, clock: Clock, new: bool = False
) -> Line:
    """Have one request of the operator done and return the reply.

    A folder without data is not made unless it may be `new`. Raises StartError where it cannot be done.
    """
    try:
        stream = await knock(folder)
    except OSError as error:
        raise StartError(f"the server of {folder} cannot be asked: {error}") from None
    if stream is not None:
        async with stream:
            return await _ask_server(stream, request, take)
    if not new and not (folder / DATABASE).exists():
        raise StartError(f"there is no data in {folder}; give the server's --data")
    try:
        store = SqliteStore(folder)
    except InUseError as error:
        message = f"{error}; it does not answer its operator: it is starting or stopping, or its log says why"
        raise StartError(message) from None
    try:
        return await _do_here(store, request, take, log, clock)
    finally:
        store.close()


async def _ask_server(stream: trio.SocketStream, request: Request, take: Take) -> Line:
    reader = LineReader(MAX_LINE_OUT)
    try:
        await stream.send_all(encode(request))
        while data := await stream.receive_some(RECEIVE):
            reader.feed(bytes(data))
            while reader.has_line():
                line: Line = orjson.loads(reader.next_line())
                if line["type"] != "record":
                    return line
                take(line)
    except trio.BrokenResourceError:
        pass
    raise StartError("the server ended before it answered; see with the next command what was done")


async def _do_here(store: SqliteStore, request: Request, take: Take, log: Log, clock: Clock) -> Line:
    """Do it as the server would, with the same code, while no server can start."""
    settings = Settings()
    since = clock.now() - int(settings.rules.grace_seconds * MILLISECONDS)
    snapshot = load(store, RECENT, since)
    chat = Chat(settings, snapshot, clock, partial(secrets.token_hex, 8), secrets.token_urlsafe)
    pipeline = Pipeline(chat, store, log, partial(secrets.token_hex, 4))
    lines: list[Line] = []

    async def write(data: bytes) -> None:
        line: Line = orjson.loads(data)
        if line["type"] == "record":
            take(line)
        else:
            lines.append(line)

    reader = Reader(store)
    awakening = Awakening(chat, reader, pipeline.wait_settled)
    office = Office(
        chat=chat,
        reader=reader,
        hashes=Hasher(),
        awakening=awakening,
        connections=(),
        commit=pipeline.commit,
    )
    desk = Desk(office, log, partial(secrets.token_hex, 4))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(pipeline.run)
        await desk.answer(lambda: encode(request).removesuffix(b"\n"), write)
        await pipeline.wait_idle()
        nursery.cancel_scope.cancel()
    return lines[0]
