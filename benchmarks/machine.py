"""The machine on which figures were measured, its disk, and all versions."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sqlite3
import statistics
import subprocess
import time
from importlib.metadata import version
from pathlib import Path

_VERSIONS = {
    "redis-server": ["--version"],
    "nats-server": ["--version"],
    "ngircd": ["--version"],
    "gcc": ["--version"],
}
_FLUSHES = 50


def describe(folder: Path) -> dict[str, str]:
    """Return the properties by name; `folder` is where the servers keep their data."""
    found = {
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GB",
        "system": f"{platform.system()} {platform.release()}",
        "disk": f"{_flush(folder) * 1000:.2f} ms for each flush",
        "tcpchat": version("tcpchat"),
        "Python": platform.python_version(),
        "trio": version("trio"),
        "SQLite": sqlite3.sqlite_version,
    }
    return found | {name: _version(name, words) for name, words in _VERSIONS.items() if shutil.which(name)}


def in_one_line(machine: dict[str, str]) -> str:
    return " · ".join(f"{name} {value}" for name, value in machine.items())


def _processor() -> str:
    """Return the model as Linux names it, or on other systems the architecture."""
    try:
        found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    except OSError:
        found = None
    return found[1] if found else platform.machine()


def _version(program: str, words: list[str]) -> str:
    done = subprocess.run([program, *words], capture_output=True, text=True, check=False)
    found = re.search(r"\d+(\.\d+)+", done.stdout + done.stderr)
    return found[0] if found else "of unknown version"


def _flush(folder: Path) -> float:
    """Return the seconds that one flush of a small write takes."""
    taken = []
    with (folder / "flush").open("wb", buffering=0) as file:
        for _ in range(_FLUSHES):
            file.write(b"x" * 4096)
            began = time.perf_counter()
            os.fsync(file.fileno())
            taken.append(time.perf_counter() - began)
    return statistics.median(taken)
