"""The time that a client needs to catch up after many missed messages."""

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
BATCH = 400  # messages in flight while they are sent
PAUSE = 0.002  # seconds between the messages that others send meanwhile


def client(port: int, after: int | None = None) -> Client:
    return Client(
        f"127.0.0.1:{port}",
        credentials=Credentials(remember=False),
        replay=Replay(after=after),
        reconnect=Reconnect.never(),
    )


async def send_many(port: int, count: int) -> None:
    """Send so many messages, as fast as the server accepts them."""
    async with client(port) as author:
        for start in range(0, count, BATCH):
            calls = [author.send_nowait(TEXT) for _ in range(min(BATCH, count - start))]
            for call in calls:
                await call.wait()


async def keep_sending(port: int) -> None:
    async with client(port) as author:
        while True:
            await author.send(TEXT)
            await trio.sleep(PAUSE)


async def leave(port: int) -> tuple[str, int]:
    """Send a message and lose the connection; return the token and the number of the message."""
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
    """Return the seconds from connecting to `resumed`. Raises LoadError for lost or repeated messages."""
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
        raise LoadError(f"{len(numbers)} messages arrived, or not in order")
    await trio.aclose_forcefully(stream)
    return took


async def read(port: int, after: int, missed: int) -> float:
    """Return the seconds that the library needs for the same messages."""
    began = time.perf_counter()
    async with client(port, after) as reader:
        count = 0
        async for event in reader.events():
            count += isinstance(event, Message)
            if count >= missed:
                return time.perf_counter() - began
    raise LoadError("the server closed the connection")


async def come_back(port: int, case: str, missed: int) -> float:
    token, after = await leave(port)
    await send_many(port, missed)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(keep_sending, port)
        await trio.sleep(0.1)  # until others are sending
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
    what="A guest disconnects, others send 10,000 messages, and the guest reconnects while they "
    "continue: with `resume TOKEN --after SEQ` on a bare socket, and with the Python library, "
    "which requests pages of history. The seconds from connecting until the last message has "
    "arrived; messages are counted and their order is checked.",
    figures=(Figure(name="s", title="time to catch up", unit="s", more_is_better=False),),
    cases=dict.fromkeys(("resume", "library"), ("tcpchat",)),
    titles={"resume": "resume --after", "library": "with the library"},
    measure=measure,
)
