"""The schedule: what is due, in order, and by whom it is found."""

from __future__ import annotations

import pytest

from tcpchat.chat.room import public_id
from tcpchat.chat.schedule import NUMBERS_SHOWN, Schedule, describe
from tcpchat.errors import ChatError
from tcpchat.store.changes import NewScheduled
from tests.chat.parts import AT, NOW, pending


def schedule_of(*messages: NewScheduled) -> Schedule:
    schedule = Schedule()
    for one in messages:
        schedule.add(one)
    return schedule


def ids(found: list[NewScheduled]) -> list[int]:
    return [one.id for one in found]


def test_messages_are_due_at_their_time_in_order() -> None:
    schedule = schedule_of(pending(1, due=30), pending(2, number=2, due=10), pending(3, number=3, due=20))
    assert schedule.next_due() == 10
    assert ids(schedule.due(9, 10)) == []
    assert ids(schedule.due(20, 10)) == [2, 3]
    assert ids(schedule.due(30, 10)) == [2, 3, 1]
    assert ids(schedule.due(30, 2)) == [2, 3]
    assert Schedule().next_due() is None


def test_messages_that_are_due_at_once_come_in_the_order_of_their_ids() -> None:
    schedule = schedule_of(*(pending(id, number=id, due=10) for id in (2, 1, 3)))
    assert ids(schedule.due(10, 10)) == [1, 2, 3]


def test_ids_go_on_after_the_highest() -> None:
    schedule = Schedule(last_id=7)
    assert schedule.next_id() == 8
    schedule.add(pending(12))
    assert schedule.next_id() == 13


def test_somebody_is_called_if_a_message_is_due_earlier_than_all_others() -> None:
    calls: list[int | None] = []
    schedule = Schedule(0, lambda: calls.append(schedule.next_due()))
    for id, due in ((1, 20), (2, 30), (3, 10)):
        schedule.add(pending(id, number=id, due=due))
    assert calls == [20, 10]
    schedule.hold(3)
    schedule.retry(3, 15)
    assert calls == [20, 10, 15]


def test_nothing_else_sends_or_cancels_a_message_that_is_held() -> None:
    schedule = schedule_of(pending(1, due=10))
    schedule.hold(1)
    schedule.hold(1)
    assert schedule.due(99, 10) == []
    assert schedule.next_due() is None
    with pytest.raises(ChatError, match="you have no scheduled messages"):
        schedule.find("1", 1)
    assert ids(schedule.of("1")) == [1], "it is still there"
    schedule.let_go(1)
    assert ids(schedule.due(10, 10)) == [1]
    assert schedule.find("1", 1).id == 1


def test_a_message_is_tried_again_later() -> None:
    schedule = schedule_of(pending(1, due=10))
    schedule.hold(1)
    schedule.retry(1, 1010)
    assert schedule.due(1009, 10) == []
    assert ids(schedule.due(1010, 10)) == [1]
    assert schedule.of("1")[0].due == 10, "the author sees when it was due"


def test_a_message_that_was_dropped_stays_so() -> None:
    schedule = schedule_of(pending(1), pending(2, number=2))
    schedule.hold(1)
    schedule.drop(1)
    schedule.drop(1)
    schedule.let_go(1)
    schedule.retry(1, 5)
    assert (len(schedule), ids(list(schedule))) == (1, [2])
    assert ids(schedule.due(NOW, 10)) == [2]


def test_all_messages_of_a_user_are_dropped_and_no_others() -> None:
    schedule = schedule_of(pending(1), pending(2, number=2), pending(3, author="2"))
    schedule.hold(2)
    schedule.drop_all("1")
    assert ids(list(schedule)) == [3]
    assert schedule.of("1") == []
    schedule.drop_all("nobody")


def test_messages_of_a_user_come_by_number() -> None:
    schedule = schedule_of(pending(3, number=1), pending(1, number=3), pending(2, author="2"))
    assert ids(schedule.of("1")) == [3, 1]


def test_a_message_is_found_by_its_number_or_is_the_last_scheduled() -> None:
    schedule = schedule_of(pending(1, number=4), pending(2, number=7), pending(3, author="2", number=9))
    assert schedule.find("1", 4).id == 1
    assert schedule.find("1", None).id == 2
    with pytest.raises(ChatError, match="you have no scheduled message 9; yours are: 4, 7") as refused:
        schedule.find("1", 9)
    assert refused.value.code == "no-such-scheduled"
    with pytest.raises(ChatError, match="you have no scheduled messages"):
        schedule.find("3", None)


def test_an_error_names_some_numbers_only() -> None:
    schedule = schedule_of(*(pending(id, number=id) for id in range(1, NUMBERS_SHOWN + 5)))
    with pytest.raises(ChatError) as refused:
        schedule.find("1", 1000)
    assert refused.value.message.endswith(f", {NUMBERS_SHOWN}")


def test_an_author_sees_a_message_without_the_hidden_room() -> None:
    shown = describe(pending(1, number=4, to="2"))
    assert (shown.number, shown.at, shown.username, shown.text) == (4, AT, "name of 2", "text 1")
    assert shown.room == public_id("@1@2") != "@1@2"
    shown = describe(pending(1))
    assert (shown.room, shown.username) == ("lobby", None)
