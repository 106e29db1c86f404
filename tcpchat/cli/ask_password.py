"""The password of a user, from the person at the terminal."""

from __future__ import annotations

import os
from getpass import getpass

from tcpchat.errors import StartError

TERMINAL = "/dev/tty"


def ask_password(name: str, instead: str) -> str:
    """Ask at the terminal of this process, without echo; stdin and stdout may be pipes.

    Raises StartError if nothing is typed, or if there is no terminal, with what to do `instead`.
    """
    try:
        os.close(os.open(TERMINAL, os.O_RDWR | os.O_NOCTTY))
    except OSError:
        raise StartError(f"there is no terminal to ask for the password of {name}; {instead}") from None
    try:
        password = getpass(f"Password of {name}: ")
    except (EOFError, KeyboardInterrupt):
        password = ""
    if not password:
        raise StartError("no password was given; nothing was sent")
    return password
