"""Measure how long a client that missed many messages needs to be where the others are.

    python benchmarks/resume.py [--missed 10000] [--rounds 5]

A server on loopback, with its data in a folder that goes away. A guest leaves, others say so many messages,
and the guest comes back: once with `resume TOKEN --after SEQ` on a bare socket, once with the library, which
asks for pages of history. Each time until the last message is there and counted; in the room somebody goes on
talking meanwhile. Absolute figures are this machine's of this minute.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial

import orjson
import trio

from tcpchat import Client, Reconnect
from tcpchat.protocol import Message

PORT = 18010
PAYLOAD = "x" * 64


async def say(count: int) -> None:
    """Say so many messages, as fast as the server takes them."""
    async with Client(f"127.0.0.1:{PORT}", reconnect=Reconnect.never(), remember=False) as client:
        for start in range(0, count, 400):
            asked = [client.send_nowait(PAYLOAD) for _ in range(min(400, count - start))]
            for one in asked:
                await one.wait()


async def keep_talking() -> None:
    async with Client(f"127.0.0.1:{PORT}", reconnect=Reconnect.never(), remember=False) as client:
        while True:
            await client.send(PAYLOAD)
            await trio.sleep(0.002)


async def leave() -> tuple[str, int]:
    """Say something and lose the connection; return the token and the number of what was said."""
    stream = await trio.open_tcp_stream("127.0.0.1", PORT)
    tail = b""
    await stream.send_all(b"send here I am\n")
    while b'"type":"sent"' not in tail:
        tail += await stream.receive_some()
    lines = [orjson.loads(line) for line in tail.splitlines()]
    await trio.aclose_forcefully(stream)
    (sent,) = (line for line in lines if line["type"] == "sent")
    return lines[0]["token"], sent["seq"]


async def resume(token: str, after: int, missed: int) -> float:
    """Return the seconds from connecting to `resumed`, having checked that nothing is missing or double."""
    began = time.perf_counter()
    stream = await trio.open_tcp_stream("127.0.0.1", PORT)
    await stream.send_all(f"resume {token} --after {after}\n".encode())
    data = bytearray()
    while b'"type":"resumed"' not in data[-4096:]:
        data += await stream.receive_some(1 << 20)
    took = time.perf_counter() - began
    lines = [orjson.loads(line) for line in data[: data.rindex(b"\n")].splitlines()]
    numbers = [line["seq"] for line in lines if line["type"] == "message"]
    if numbers != list(range(after + 1, after + 1 + len(numbers))) or len(numbers) < missed:
        raise SystemExit(f"{len(numbers)} messages came, and not in order")
    await trio.aclose_forcefully(stream)
    return took


async def read(after: int, missed: int) -> float:
    """Return the seconds that the library needs for the same."""
    began = time.perf_counter()
    async with Client(
        f"127.0.0.1:{PORT}", after=after, reconnect=Reconnect.never(), remember=False
    ) as client:
        count = 0
        async for event in client.events():
            count += isinstance(event, Message)
            if count >= missed:
                return time.perf_counter() - began
    raise SystemExit("the server went away")


async def measure(missed: int, rounds: int) -> None:
    taken: dict[str, list[float]] = {"resume --after": [], "library": []}
    for _ in range(rounds):
        token, after = await leave()
        await say(missed)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(keep_talking)
            await trio.sleep(0.1)
            for name, come_back in (
                ("resume --after", partial(resume, token, after, missed)),
                ("library", partial(read, after, missed)),
            ):
                taken[name].append(await come_back())
            nursery.cancel_scope.cancel()
    for name, times in taken.items():
        spread = f"{min(times):.3f} to {max(times):.3f}"
        print(f"{name:15} {missed:,} missed  {statistics.median(times):.3f} s ({spread})")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--missed", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    print(
        f"{os.uname().sysname} {os.uname().release}, {os.cpu_count()} cores, Python {sys.version.split()[0]}"
    )
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "tcpchat", "serve", "--port", str(PORT), "--data", folder]
        command += ["--messages-per-second", "0", "--log-level", "warning"]
        server = subprocess.Popen(command, stdout=subprocess.PIPE)
        try:
            assert server.stdout is not None
            server.stdout.readline()
            trio.run(measure, given.missed, given.rounds)
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
