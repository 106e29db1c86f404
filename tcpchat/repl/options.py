"""The options of one run of the client, as a value. Quick to import."""

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
"""Runs a server while the block lasts; gives a sentence about where it stores messages."""


@attrs.frozen(kw_only=True)
class Options:
    """Which server to connect to, as which user, and how."""

    address: str
    tls: Tls | None = None
    """How the server's certificate is verified; None connects without TLS."""
    name: str | None = None
    password: str | None = attrs.field(default=None, repr=False)
    """The password of the registered user `name`; ignored without a name."""
    remember: bool = True
    """Use the saved credentials for this server, and save new ones. A script does so only with a `name`."""
    anyone: bool = False
    """Connect all the same if the name cannot be had, or a login is required."""
    history: int = HISTORY
    history_on_reset: int | None = HISTORY
    """Messages to show where the server comes back with other data; None: all, as scripts want it."""
    pause: float = 0.0
    """Seconds to wait after something was received, so that in a busy room more is drawn at once."""
    host: Host | None = None
    """Runs a server if nobody answers at the address."""
    config: Path | None = None
    """The folder of the settings; None saves none."""
    state: Path | None = None
    """The folder of the input history and the credentials; None saves neither."""
    problem: str | None = None
    """Why there is no such folder, for somebody who asks to be remembered."""
