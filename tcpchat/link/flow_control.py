"""Flow control of a client: its pace of sending, and its buffer of received events. A value; pure."""

from __future__ import annotations

import attrs

from tcpchat.link.inbox import MAX_EVENTS


@attrs.frozen(kw_only=True)
class FlowControl:
    """How fast a client sends and receives; the defaults suit a program that reads all events at once."""

    patient: bool = False
    """Sends that are too fast for the server wait, one after the other, instead of being refused."""
    buffer: int = MAX_EVENTS
    """Events in memory at most. Messages that do not fit are fetched from the server later."""
    pause: float = 0.0
    """Seconds to wait after something was received, so that more is received at once in a busy room.

    Of use to a program that draws.
    """
