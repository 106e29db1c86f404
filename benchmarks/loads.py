"""The load programs, compiled and run. They are in C, so that they cost less than the servers they load."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.servers import Running

SOURCES = Path(__file__).parent / "load"
SENDERS, WINDOW, PAYLOAD = 4, 64, 64
NEVER_ZERO = ("deliveries_per_s", "per_s", "p50_ms")
PATIENCE = 300  # seconds, longer than any load takes


class LoadError(Exception):
    """A load failed, or did not receive everything that it should."""


def build(folder: Path) -> None:
    """Compile every load, and the C loop that servers are compared with, into the folder."""
    for source in SOURCES.glob("*.c"):
        subprocess.run(["gcc", "-O2", "-o", folder / source.stem, source, "-lm"], check=True)


def run(folder: Path, load: str, server: Running, *words: object) -> dict[str, float]:
    """Run a load and return the figures that it prints. Raises LoadError with the reason."""
    command = [str(folder / load), *map(str, words)]
    environment = os.environ | {"SERVER_PID": str(server.pid)}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, env=environment, timeout=PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        raise LoadError(f"the load did not end within {PATIENCE} s") from None
    if done.returncode:
        raise LoadError(" ".join(done.stderr.split()) or f"{load} ended with {done.returncode}")
    figures: dict[str, Any] = json.loads(done.stdout)
    check(figures)
    return {name: value for name, value in figures.items() if not isinstance(value, str)}


def check(figures: Mapping[str, Any]) -> None:
    """Raise LoadError if nothing arrived during the measurement, since a rate or a latency of 0 is no figure.

    A server may be that slow without losing anything. Redis reads all messages under way before it writes
    any of them: 64 messages to 5,000 receivers can stay in its memory for longer than a short run.
    """
    if not all(figures.get(name, 1) for name in NEVER_ZERO):
        raise LoadError("nothing arrived during the measurement; the run is too short for this load")


def fan_out(
    folder: Path, server: Running, receivers: int, seconds: float, *, rate: int = 0, senders: int = SENDERS
) -> dict[str, float]:
    """Send to receivers, `rate` messages a second or, with 0, as many as possible."""
    where = (server.protocol, "127.0.0.1", server.port)
    last = (rate,) if rate else ()
    figures = run(folder, "fanout", server, *where, receivers, senders, seconds, WINDOW, PAYLOAD, *last)
    if figures["lost"]:
        raise LoadError(f"{figures['lost']:,.0f} deliveries were lost")
    return figures
