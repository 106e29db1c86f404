"""The program in the terminal: it does what the driver says through a socket, and decides nothing.

Each line of the socket is an order in JSON: bytes to write, and how long to read what the terminal sends.
"""

from __future__ import annotations

import json
import os
import re
import select
import socket
import sys
import time
import tty
from pathlib import Path


def read(seconds: float, until: re.Pattern[bytes] | None) -> bytes:
    """Return what the terminal sends in these seconds, or up to a pattern."""
    deadline = time.monotonic() + seconds
    data = b""
    while (left := deadline - time.monotonic()) > 0:
        if until is not None and until.search(data):
            break
        ready, _, _ = select.select([0], [], [], left)
        if ready:
            data += os.read(0, 4096)
    return data


def main(path: Path) -> None:
    """Follow orders until the driver is gone."""
    tty.setraw(0)
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(path))
        orders = connection.makefile("rwb")
        for line in orders:
            order = json.loads(line)
            os.write(1, bytes.fromhex(order["write"]))
            until = re.compile(order["until"].encode()) if order["until"] else None
            data = read(order["seconds"], until)
            orders.write(json.dumps(data.hex()).encode() + b"\n")
            orders.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
