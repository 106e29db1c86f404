"""What a person asked for on the command line, as a value."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from tcpchat.client import Tls

HISTORY = 20  # messages from before that are shown at the start

Host = Callable[[], AbstractAsyncContextManager[str]]
"""Runs a server while the block lasts; gives a sentence about where it keeps things."""


@attrs.frozen(kw_only=True)
class Options:
    """Where to talk and as whom."""

    address: str
    tls: Tls | None = None
    """Which server is to be trusted; None speaks to any, without TLS."""
    name: str | None = None
    password: str | None = attrs.field(default=None, repr=False)
    """Of the registered user `name`; without a name it counts for nothing."""
    remember: bool = True
    """Be who one was here before, and keep who one is. A script is that only with a `name`."""
    anyone: bool = False
    """Connect all the same if the name cannot be had, or a login is required."""
    history: int = HISTORY
    history_on_reset: int | None = HISTORY
    """Messages that are shown where the server comes back with other data; None: all, as scripts want it."""
    pause: float = 0.0
    """Seconds to wait after something came, so that in a busy room more is drawn at once."""
    patient: bool = False
    """Wait instead of being refused for sending too fast."""
    host: Host | None = None
    """What to do if nobody answers at the address."""
    config: Path | None = None
    """The folder where settings are kept; None keeps none."""
    state: Path | None = None
    """The folder where what was typed and who one is are kept; None keeps nothing."""
