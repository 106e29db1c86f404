"""How long a client that missed many messages needs to be where the others are."""

from __future__ import annotations

import time
from collections.abc import Mapping

import orjson
import trio

from benchmarks.benchmark import Benchmark, Figure, Lab
from benchmarks.loads import PAYLOAD, LoadError
from benchmarks.servers import running
from tcpchat import Client, Credentials, Reconnect, Replay
from tcpchat.protocol import Message

TEXT = "x" * PAYLOAD
PAGE = 400  # messages under way while they are said
PAUSE = 0.002  # seconds between the messages that others go on saying


def client(port: int, after: int | None = None) -> Client:
    return Client(
        f"127.0.0.1:{port}",
        credentials=Credentials(remember=False),
        replay=Replay(after=after),
        reconnect=Reconnect.never(),
    )


async def say(port: int, count: int) -> None:
    """Say so many messages, as fast as the server takes them."""
    async with client(port) as author:
        for start in range(0, count, PAGE):
            asked = [author.send_nowait(TEXT) for _ in range(min(PAGE, count - start))]
            for one in asked:
                await one.wait()


async def keep_talking(port: int) -> None:
    async with client(port) as author:
        while True:
            await author.send(TEXT)
            await trio.sleep(PAUSE)


async def leave(port: int) -> tuple[str, int]:
    """Say something and lose the connection; return the token and the number of what was said."""
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    tail = b""
    await stream.send_all(b"send here I am\n")
    while b'"type":"sent"' not in tail:
        tail += await stream.receive_some()
    lines = [orjson.loads(line) for line in tail.splitlines()]
    await trio.aclose_forcefully(stream)
    (sent,) = (line for line in lines if line["type"] == "sent")
    return lines[0]["token"], sent["seq"]


async def resume(port: int, token: str, after: int, missed: int) -> float:
    """Return the seconds from connecting to `resumed`, having checked that nothing is missing or double."""
    began = time.perf_counter()
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    await stream.send_all(f"resume {token} --after {after}\n".encode())
    data = bytearray()
    while b'"type":"resumed"' not in data[-4096:]:
        data += await stream.receive_some(1 << 20)
    took = time.perf_counter() - began
    lines = [orjson.loads(line) for line in data[: data.rindex(b"\n")].splitlines()]
    numbers = [line["seq"] for line in lines if line["type"] == "message"]
    if numbers != list(range(after + 1, after + 1 + len(numbers))) or len(numbers) < missed:
        raise LoadError(f"{len(numbers)} messages came, and not in order")
    await trio.aclose_forcefully(stream)
    return took


async def read(port: int, after: int, missed: int) -> float:
    """Return the seconds that the library needs for the same."""
    began = time.perf_counter()
    async with client(port, after) as reader:
        count = 0
        async for event in reader.events():
            count += isinstance(event, Message)
            if count >= missed:
                return time.perf_counter() - began
    raise LoadError("the server went away")


async def come_back(port: int, case: str, missed: int) -> float:
    token, after = await leave(port)
    await say(port, missed)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(keep_talking, port)
        await trio.sleep(0.1)  # until others are talking
        if case == "resume":
            took = await resume(port, token, after, missed)
        else:
            took = await read(port, after, missed)
        nursery.cancel_scope.cancel()
    return took


def measure(lab: Lab, case: str, server: str) -> Mapping[str, float]:
    with running(server, lab.folder) as reached:
        return {"s": trio.run(come_back, reached.port, case, lab.count(10_000))}


BENCHMARK = Benchmark(
    name="resume",
    title="Back after 10,000 messages",
    what="A guest leaves, others say 10,000 messages, and the guest comes back while they go on "
    "talking: with `resume TOKEN --after SEQ` on a bare socket, and with the Python library, "
    "which asks for pages of history. The seconds from connecting until the last message is "
    "there, counted and checked.",
    figures=(Figure(name="s", title="time to be where the others are", unit="s", more_is_better=False),),
    cases=dict.fromkeys(("resume", "library"), ("tcpchat",)),
    titles={"resume": "resume --after", "library": "with the library"},
    measure=measure,
)
