"""Callbacks by which the state wakes background tasks. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import attrs

Notify: TypeAlias = Callable[[], None]
"""Says that there is work for a task. May be called often, and returns at once; the work is done later."""


def ignore() -> None:
    """Notify nobody."""


@attrs.frozen(kw_only=True)
class Wakeups:
    """What the state calls, for each of the tasks. Given once, when the state is made."""

    presence: Notify = ignore
    """A user came, left or took another name, or a pending subscriber waits to be announced."""
    receipts: Notify = ignore
    """A read marker moved: how far a user has read a direct room or was given its events."""
    schedule: Notify = ignore
    """A message is due earlier than all others."""
    absence: Notify = ignore
    """A user lost the last connection, or absent users expire at another time."""
    sessions: Notify = ignore
    """What is on disk about the connections of a user is out of date."""
