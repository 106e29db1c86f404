"""Scheduled messages as a client knows them, over lost connections and other data."""

from __future__ import annotations

import pytest

from tcpchat.protocol import PendingMessage, Schedule
from tcpchat.repl.model.scheduled import ScheduledMessages


def one(number: int, text: str) -> PendingMessage:
    at = f"2026-11-21T10:00:0{number}.000Z"
    return PendingMessage(number=number, at=at, room="lobby", username=None, text=text)


def page(*messages: PendingMessage, more: bool = False) -> Schedule:
    return Schedule(messages=list(messages), more=more)


@pytest.fixture
def pending() -> ScheduledMessages:
    """Somebody who scheduled a cake, is connected and has the list."""
    pending = ScheduledMessages(lambda message: message.text == "due")
    pending.clear()
    assert pending.add_page(page(one(1, "cake"))) == []
    return pending


def lost(pending: ScheduledMessages, *, reset: bool = False) -> None:
    """Lose the connection and come back."""
    pending.hold()
    if reset:
        pending.data_replaced()
    pending.clear()


def texts(messages: list[PendingMessage]) -> list[str]:
    return [message.text for message in messages]


def test_messages_missing_in_new_data_are_reported_once(pending: ScheduledMessages) -> None:
    lost(pending, reset=True)
    assert texts(pending.add_page(page())) == ["cake"]
    lost(pending, reset=True)
    assert pending.add_page(page()) == []


def test_present_and_due_messages_are_not_reported(pending: ScheduledMessages) -> None:
    pending.add(one(2, "due"))
    lost(pending, reset=True)
    assert pending.add_page(page(one(1, "cake"))) == []


def test_without_new_data_nothing_is_reported(pending: ScheduledMessages) -> None:
    lost(pending)
    assert pending.add_page(page()) == []


def test_a_list_that_never_came_takes_nothing_away(pending: ScheduledMessages) -> None:
    lost(pending)
    lost(pending, reset=True)
    assert texts(pending.add_page(page())) == ["cake"]


def test_messages_cancelled_before_the_list_are_not_reported(pending: ScheduledMessages) -> None:
    lost(pending)
    pending.remove(1)
    lost(pending, reset=True)
    assert pending.add_page(page()) == []


def test_messages_scheduled_before_the_list_are_reported(pending: ScheduledMessages) -> None:
    lost(pending)
    pending.add(one(2, "tea"))
    lost(pending, reset=True)
    assert texts(pending.add_page(page())) == ["cake", "tea"]


def test_half_a_list_of_new_data_reports_nothing(pending: ScheduledMessages) -> None:
    lost(pending, reset=True)
    assert pending.add_page(page(one(1, "bread"), more=True)) == []
    lost(pending)
    assert texts(pending.add_page(page(one(1, "bread")))) == ["cake"]


def test_a_number_in_new_data_is_another_message(pending: ScheduledMessages) -> None:
    lost(pending, reset=True)
    pending.remove(1)
    assert texts(pending.add_page(page())) == ["cake"]
