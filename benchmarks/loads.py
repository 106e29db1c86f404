"""Builds the loads, which are in C so that they cost less than what they load, and runs them."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from benchmarks.servers import Running

SOURCES = Path(__file__).parent / "load"
SENDERS, WINDOW, PAYLOAD = 4, 64, 64
PATIENCE = 300  # seconds; longer than any load lasts


class LoadError(Exception):
    """A load could not do its work, or did not get what it should."""


def build(folder: Path) -> None:
    """Compile every load, and the C loop that they are compared with, into the folder."""
    for source in SOURCES.glob("*.c"):
        subprocess.run(["gcc", "-O2", "-o", folder / source.stem, source, "-lm"], check=True)


def run(folder: Path, load: str, server: Running, *words: object) -> dict[str, float]:
    """Run a load and return the figures that it prints. Raises LoadError with what went wrong."""
    command = [str(folder / load), *map(str, words)]
    environment = os.environ | {"SERVER_PID": str(server.pid)}
    done = subprocess.run(
        command, capture_output=True, text=True, env=environment, timeout=PATIENCE, check=False
    )
    if done.returncode:
        raise LoadError(f"{' '.join(command)} on {server.kind}: {done.stderr.strip() or done.returncode}")
    figures: dict[str, Any] = json.loads(done.stdout)
    return {name: value for name, value in figures.items() if not isinstance(value, str)}


def fan_out(
    folder: Path, server: Running, receivers: int, seconds: float, *, rate: int = 0, senders: int = SENDERS
) -> dict[str, float]:
    """Let senders talk to receivers, `rate` messages a second or (0) as many as go."""
    where = (server.protocol, "127.0.0.1", server.port)
    last = (rate,) if rate else ()
    figures = run(folder, "fanout", server, *where, receivers, senders, seconds, WINDOW, PAYLOAD, *last)
    if figures["lost"]:
        raise LoadError(f"{server.kind} lost {figures['lost']:,.0f} deliveries")
    return figures
