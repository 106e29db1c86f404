"""Measure the fan-out of this server side by side with Redis Pub/Sub and with what the kernel alone allows.

    python benchmarks/run.py [--rounds 3] [--seconds 4] [--only 1000] [--only 100] [--only latency]

Needs gcc, and redis-server for the comparison. Servers listen on loopback, in a folder that goes away. In
each round each of them gets the same load one after the other; ratios are of medians. Absolute figures are
this machine's of this minute.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
SENDERS, WINDOW, PAYLOAD = 4, 64, 64
CASES = {"1000": (1000, 0), "100": (100, 0), "latency": (1000, 300)}  # receivers, messages a second (0: most)
PORTS = {"tcpchat": 18000, "redis": 18001, "limit": 18002}


@contextmanager
def running(command: list[str], port: int) -> Iterator[None]:
    """Run a server until the block ends."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                if time.monotonic() > deadline or process.poll() is not None:
                    raise SystemExit(f"{command[0]} does not start") from None
                time.sleep(0.05)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def build(folder: Path) -> None:
    for name in ("fanout", "limit"):
        subprocess.run(["gcc", "-O2", "-o", folder / name, HERE / f"{name}.c"], check=True)


def servers(folder: Path) -> dict[str, list[str]]:
    commands = {
        "tcpchat": [
            sys.executable, "-m", "tcpchat", "serve", "--port", str(PORTS["tcpchat"]),
            "--data", str(folder / "data"), "--messages-per-second", "0",
        ],
        "limit": [str(folder / "limit"), str(PORTS["limit"])],
    }  # fmt: skip
    if redis := shutil.which("redis-server"):
        commands["redis"] = [
            redis,
            "--save",
            "",
            "--port",
            str(PORTS["redis"]),
            "--bind",
            "127.0.0.1",
            "--protected-mode",
            "no",  # the load comes from many loopback addresses
        ]  # fmt: skip = [redis, "--save", "", "--port", str(PORTS["redis"]), "--bind", "127.0.0.1"]
    return commands


def measure(folder: Path, name: str, receivers: int, rate: int, seconds: int) -> dict[str, Any]:
    protocol = "redis" if name == "redis" else "tcpchat"
    load = [receivers, SENDERS, seconds, WINDOW, PAYLOAD, *([rate] if rate else [])]
    command = [folder / "fanout", protocol, "127.0.0.1", PORTS[name], *load]
    done = subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True)
    result: dict[str, Any] = json.loads(done.stdout)
    if result["lost"]:
        raise SystemExit(f"{name} lost {result['lost']} deliveries")
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--only", action="append", choices=list(CASES))
    options = parser.parse_args()
    print(
        f"{os.uname().sysname} {os.uname().release}, {os.cpu_count()} cores, Python {sys.version.split()[0]}"
    )
    with tempfile.TemporaryDirectory() as temporary, ExitStack() as stack:
        folder = Path(temporary)
        build(folder)
        commands = servers(folder)
        for name, command in commands.items():
            stack.enter_context(running(command, PORTS[name]))
        for case in options.only or CASES:
            receivers, rate = CASES[case]
            figure = "p99_ms" if rate else "deliveries_per_s"
            figures: dict[str, list[float]] = {name: [] for name in commands}
            for _ in range(options.rounds):
                for name in commands:
                    figures[name].append(measure(folder, name, receivers, rate, options.seconds)[figure])
            own = statistics.median(figures["tcpchat"])
            for name, values in figures.items():
                middle = statistics.median(values)
                spread = f"{min(values):,.1f} to {max(values):,.1f}"
                ratio = f"tcpchat/{name} {own / middle:.2f}"
                print(f"{case:8} {name:8} {figure} {middle:12,.1f} ({spread})  {ratio}")


if __name__ == "__main__":
    main()
