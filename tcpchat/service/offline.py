"""The operator's requests to a data folder: sent to its server, or done in this process if none runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import trio

from tcpchat.admin.dispatch import RECEIVE
from tcpchat.admin.socket import connect
from tcpchat.errors import InUseError, StartError
from tcpchat.files import reason
from tcpchat.log import Log
from tcpchat.protocol import MAX_LINE_OUT, LineReader, Request, encode
from tcpchat.service.node import Node
from tcpchat.settings import Settings
from tcpchat.store.sqlite import DATABASE, SqliteStore
from tcpchat.times import Clock

Line = dict[str, Any]
Take = Callable[[Line], None]
"""Receives an event that comes before the reply."""


async def ask(
    folder: Path, request: Request, take: Take, *, log: Log, clock: Clock, new: bool = False
) -> Line:
    """Send one request of the operator and return the reply.

    A folder without data is created only if `new`. Raises StartError if the request could not be tried.
    """
    try:
        stream = await connect(folder)
    except OSError as error:
        raise StartError(f"cannot reach the server of {folder}: {reason(error)}") from None
    if stream is not None:
        async with stream:
            return await _ask_server(stream, request, take)
    if not new and not (folder / DATABASE).exists():
        raise StartError(f"there is no data in {folder}; give --data as for the server")
    try:
        store = SqliteStore(folder)
    except InUseError as error:
        message = f"{error} and does not answer: it is starting or stopping, or its log says why"
        raise StartError(message) from None
    try:
        return await _ask_node(Node(Settings(), store, log, clock), request, take)
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
    raise StartError("the server stopped before it replied; check whether the command took effect")


async def _ask_node(node: Node, request: Request, take: Take) -> Line:
    """Do it with the server's own code, while the store's lock lets no server start."""
    lines: list[Line] = []

    async def write(data: bytes) -> None:
        line: Line = orjson.loads(data)
        if line["type"] == "record":
            take(line)
        else:
            lines.append(line)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(node.pipeline.run)
        try:
            await node.operator.answer(lambda: encode(request).removesuffix(b"\n"), write)
        finally:
            node.pipeline.stop()
    return lines[0]
