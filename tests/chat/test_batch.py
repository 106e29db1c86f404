"""One operation after another: a refusal leaves no trace, and what was reserved ends whatever goes wrong."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from tcpchat.chat.batch import decide, settle
from tcpchat.chat.draft import Draft
from tcpchat.chat.fanout import Fanout
from tcpchat.chat.operations.base import Operation
from tcpchat.chat.state import ServerState
from tcpchat.errors import ChatError
from tcpchat.protocol import Error, Pong
from tcpchat.store.changes import Change, SetMute
from tests.chat.harness import Harness


@attrs.define(eq=False, kw_only=True)
class Broken(Operation):
    """Does all it is asked, and raises in one step."""

    step: str = ""
    error: Exception = attrs.field(factory=RuntimeError)
    done: list[str] = attrs.field(factory=list)

    def _note(self, step: str) -> None:
        self.done.append(step)
        if step == self.step:
            raise self.error

    def decide(self, draft: Draft) -> None:
        draft.take_seqs("lobby")
        unknown: Any = object()
        draft.add(unknown if self.step == "apply" else SetMute("x", 5, None))
        self._note("decide")

    def conclude(self, state: ServerState, fanout: Fanout) -> None:
        self._note("conclude")
        self.reply = Pong(at="")

    def release(self, state: ServerState) -> None:
        self._note("release")


BUG = Error(code="internal", message="bug 1")


def run(chat: Harness, operation: Operation) -> list[Change]:
    rows: list[Change] = []
    draft = Draft(chat.state, 0)
    decide(operation, draft, rows, lambda _: BUG)
    assert draft.take_seqs("lobby") == 1 + len(rows)
    settle(operation, chat.state, Fanout(), lambda _: BUG)
    return rows


@pytest.fixture
def chat() -> Harness:
    return Harness()


def test_an_operation_is_decided_applied_concluded_and_released(chat: Harness) -> None:
    operation = Broken()
    assert run(chat, operation) == [SetMute("x", 5, None)]
    assert operation.done == ["decide", "conclude", "release"]
    assert operation.reply == Pong(at="")
    assert chat.state.moderation.muted_until("x", 0) == 5


@pytest.mark.parametrize(
    ("error", "reply"),
    [
        (ChatError("muted", "no"), Error(code="muted", message="no")),
        (RuntimeError(), BUG),
    ],
)
def test_what_is_refused_leaves_no_trace_and_is_released(
    chat: Harness, error: Exception, reply: Error
) -> None:
    operation = Broken(step="decide", error=error)
    assert run(chat, operation) == []
    assert operation.reply == reply
    assert operation.done == ["decide", "release"]
    assert chat.state.moderation.muted_until("x", 0) is None


@pytest.mark.parametrize("step", ["apply", "conclude", "release"])
def test_what_was_reserved_ends_after_a_bug_and_the_bug_is_the_reply(chat: Harness, step: str) -> None:
    operation = Broken(step=step)
    run(chat, operation)
    assert operation.done[-1] == "release"
    assert operation.reply == BUG
