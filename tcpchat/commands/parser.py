"""The way from a line, JSON or plain words, to a request."""

from __future__ import annotations

import re
from typing import Final

from tcpchat.commands.command import NeedsSecret
from tcpchat.commands.registry import BY_NAME, REQUESTS
from tcpchat.errors import ChatError
from tcpchat.nearest import nearest
from tcpchat.wire.base import Request
from tcpchat.wire.codec import Codec, decode_utf8

_WORD = re.compile(r"[^ \t]*")
_CODEC: Final = Codec(REQUESTS)


def read_request(line: bytes) -> Request | NeedsSecret | None:
    """Read one line, JSON or plain words; None for an empty one. Raises ChatError and nothing else."""
    line = line.lstrip(b" \t")
    if not line:
        return None
    if line.startswith(b"{"):
        return _CODEC.decode(line)
    return _parse_plain(decode_utf8(line))


def _parse_plain(text: str) -> Request | NeedsSecret:
    if text[0] in "/\\":
        text = text[1:]
    word = _WORD.match(text)[0]  # type: ignore[index]  # it matches the empty string too
    command = BY_NAME.get(word.lower())
    if not word:
        message = "there is no command there. Type help, or send TEXT to say something."
        raise ChatError("unknown-command", message, suggestion=None)
    if command is None:
        near = nearest(word, BY_NAME)
        guess = f"; did you mean {near}?" if near else "."
        message = f"there is no command {word[:64]!r}{guess} Type help, or send TEXT to say something."
        raise ChatError("unknown-command", message, suggestion=near)
    request: Request | NeedsSecret = command.parse(text[len(word) :])
    return request
