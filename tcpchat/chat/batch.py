"""A batch: operations are decided one after another, and settled in the same order once they are on disk.

This is the pipeline without its queue, the disk and the connections.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from tcpchat.chat.apply import apply
from tcpchat.chat.draft import Draft
from tcpchat.chat.fanout import Fanout
from tcpchat.chat.operations.base import Operation
from tcpchat.chat.state import ServerState
from tcpchat.errors import ChatError
from tcpchat.protocol import Error, as_error
from tcpchat.store.changes import Change

OnBug: TypeAlias = Callable[[Operation], Error]
"""Is called while an operation's exception is handled; returns what the requester is to know of it."""


def decide(operation: Operation, draft: Draft, rows: list[Change], on_bug: OnBug) -> None:
    """Decide an operation and add what is to be written to `rows`, or reject it and leave no trace."""
    savepoint = draft.savepoint()
    try:
        operation.decide(draft)
        operation.changes, written = draft.take()
        rows += written
    except ChatError as error:  # what came before it in the pipeline stands in the way
        draft.rollback(savepoint)
        operation.reject(as_error(error))
    except Exception:
        draft.rollback(savepoint)
        operation.reject(on_bug(operation))


def settle(operation: Operation, state: ServerState, fanout: Fanout, on_bug: OnBug) -> None:
    """Apply and conclude an operation unless it was rejected. What it reserved ends in any case."""
    try:
        if operation.reply is None:
            for change in operation.changes:
                apply(state, change)
            operation.conclude(state, fanout)
    except Exception:
        operation.reject(on_bug(operation))
    try:
        operation.release(state)
    except Exception:
        operation.reject(on_bug(operation))
