"""Calls: what survives a lost connection, and in which order it is written."""

from __future__ import annotations

import attrs
import pytest
import trio
import trio.testing
from trio.testing import MockClock

from tcpchat.client import DisconnectedError, PendingCall, RefusedError
from tcpchat.link import calls as calls_module
from tcpchat.link.calls import MAX_DELAY, MIN_DELAY, Calls
from tcpchat.protocol import Edit, Error, GetStatus, MarkRead, Ping, Pong, Read, Reply, Request, Send, Sent

GONE = DisconnectedError("the cat ate the cable")


@pytest.fixture
def calls() -> Calls:
    box = Calls()
    box.resume(same_user=True)
    return box


def send(key: str) -> PendingCall:
    return PendingCall(Send(text=key, key=key))


def add(calls: Calls, *asked: PendingCall) -> None:
    for one in asked:
        calls.add(one)


def texts(asked: list[PendingCall]) -> list[str]:
    return [one.request.text if isinstance(one.request, Send) else one.request.type for one in asked]


def ids(asked: list[PendingCall]) -> list[object]:
    return [one.request.id for one in asked]


def ok(asked: PendingCall, seq: int = 1) -> Sent:
    return Sent(re=asked.request.id, room="lobby", seq=seq, at="")


def no(asked: PendingCall, code: str, retry_after: float | None = None) -> Error:
    return Error(re=asked.request.id, code=code, message=code, retry_after=retry_after)


async def error_of(asked: PendingCall) -> str:
    assert asked.done
    with pytest.raises(DisconnectedError) as caught:
        await asked.wait()
    return str(caught.value)


async def test_requests_are_numbered_and_get_their_replies(calls: Calls) -> None:
    first, second = send("a"), PendingCall(Ping())
    add(calls, first, second)
    assert calls.take(0) == [first, second]
    assert ids([first, second]) == [1, 2]
    assert calls.take(0) == []
    calls.answer(Pong(re=2, at="t"), 0)
    assert second.done
    assert not first.done
    assert await second.wait() == Pong(re=2, at="t")
    calls.answer(ok(first, 7), 0)
    assert await first.wait() == ok(first, 7)


async def test_an_id_that_the_caller_set_is_replaced(calls: Calls) -> None:
    asked = PendingCall(Ping(id=77))
    calls.add(asked)
    calls.take(0)
    assert asked.request.id == 1


async def test_ids_are_never_used_twice(calls: Calls) -> None:
    seen = []
    for _ in range(3):
        add(calls, send("a"), PendingCall(Ping()))
        seen += ids(calls.take(0))
        seen += ids([calls.assign_id(PendingCall(Ping()))])
        calls.lose(GONE)
        calls.resume(same_user=False)
    assert len(set(seen)) == len(seen)


@pytest.mark.parametrize("re", [None, 0, 2, 99, "1", "x"])
async def test_a_reply_that_belongs_to_no_call_is_ignored(calls: Calls, re: int | str | None) -> None:
    asked = send("a")
    calls.add(asked)
    calls.take(0)
    calls.answer(Pong(re=re, at=""), 0)
    assert not asked.done


async def test_a_second_reply_is_ignored(calls: Calls) -> None:
    asked = send("a")
    calls.add(asked)
    calls.take(0)
    calls.answer(ok(asked, 1), 0)
    calls.answer(no(asked, "internal"), 0)
    assert await asked.wait() == ok(asked, 1)


async def test_an_error_is_raised_with_its_line(calls: Calls) -> None:
    asked = send("a")
    calls.add(asked)
    calls.take(0)
    calls.answer(no(asked, "rate-limited", 2.5), 0)
    with pytest.raises(RefusedError, match="rate-limited") as caught:
        await asked.wait()
    assert (caught.value.code, caught.value.error.retry_after) == ("rate-limited", 2.5)


async def test_on_reply_is_called_with_a_good_reply_at_once(calls: Calls) -> None:
    heard: list[Reply] = []
    good = PendingCall(Ping(), on_reply=heard.append)
    bad = PendingCall(Ping(), on_reply=heard.append)
    lost = PendingCall(Ping(), on_reply=heard.append)
    add(calls, good, bad, lost)
    calls.take(0)
    calls.answer(Pong(re=1, at="t"), 0)
    calls.answer(no(bad, "internal"), 0)
    calls.lose(GONE)
    assert heard == [Pong(re=1, at="t")]


async def test_sends_survive_a_loss_in_their_order_with_their_keys(calls: Calls) -> None:
    written = [send("a"), send("b"), send("c")]
    add(calls, *written)
    calls.take(0)
    calls.answer(ok(written[1]), 0)
    late = send("d")
    calls.add(late)
    calls.lose(GONE)
    offline = send("e")
    calls.add(offline)
    assert texts(calls.unanswered) == ["a", "c", "d", "e"]
    assert calls.take(0) is not None  # whatever was taken, nobody wrote it
    calls.lose(GONE)
    calls.resume(same_user=True)
    again = []
    for _ in range(4):
        (asked,) = calls.take(0)
        assert isinstance(asked.request, Send)
        assert asked.request.key == asked.request.text
        again.append(asked)
        calls.answer(ok(asked), 0)
    assert texts(again) == ["a", "c", "d", "e"]
    assert again == [written[0], written[2], late, offline]
    assert calls.unanswered == []


async def test_other_requests_fail_and_say_whether_they_may_have_been_done(calls: Calls) -> None:
    written, unwritten = PendingCall(GetStatus()), PendingCall(GetStatus())
    calls.add(written)
    calls.take(0)
    calls.add(unwritten)
    calls.lose(GONE)
    assert "may have been done or not" in await error_of(written)
    assert await error_of(unwritten) == str(GONE)


async def test_without_a_connection_only_sends_are_accepted() -> None:
    calls = Calls()
    calls.add(send("a"))
    with pytest.raises(DisconnectedError, match="not connected"):
        calls.add(PendingCall(Ping()))
    calls.resume(same_user=True)
    calls.add(PendingCall(Ping()))
    calls.lose(GONE)
    with pytest.raises(DisconnectedError, match="not connected"):
        calls.add(PendingCall(Ping()))


async def test_another_user_repeats_nothing_that_may_have_been_done(calls: Calls) -> None:
    written, unwritten, offline = send("a"), send("b"), send("c")
    calls.add(written)
    calls.take(0)
    calls.add(unwritten)
    calls.lose(GONE)
    calls.add(offline)
    calls.resume(same_user=False)
    assert "may have been done or not" in await error_of(written)
    assert not unwritten.done
    (first,) = calls.take(0)
    calls.answer(ok(first), 0)
    (second,) = calls.take(0)
    assert texts([first, second]) == ["b", "c"]


def careful(*keys: str) -> Calls:
    """Return an calls that came back with these sends waiting."""
    calls = Calls()
    calls.resume(same_user=True)
    add(calls, *map(send, keys))
    calls.lose(GONE)
    calls.resume(same_user=True)
    return calls


async def test_sends_that_waited_go_out_one_by_one_and_other_requests_need_not_wait() -> None:
    calls = careful("a", "b")
    calls.add(PendingCall(Ping()))
    first = calls.take(0)
    assert texts(first) == ["ping", "a"]
    calls.add(PendingCall(GetStatus()))
    calls.add(send("c"))
    assert texts(calls.take(0)) == ["status"]
    assert calls.wait_until() is None
    calls.answer(ok(first[1]), 0)
    second = calls.take(0)
    assert texts(second) == ["b"]
    calls.answer(ok(second[0]), 0)
    assert texts(calls.take(0)) == ["c"]


async def test_once_no_send_waits_they_go_out_together_again() -> None:
    calls = careful("a")
    (a,) = calls.take(0)
    calls.answer(ok(a), 0)
    assert calls.take(0) == []
    add(calls, send("b"), send("c"))
    assert texts(calls.take(0)) == ["b", "c"]


async def test_a_rate_limited_send_is_repeated_in_time_and_before_the_others() -> None:
    calls = careful("a", "b")
    (a,) = calls.take(100)
    calls.answer(no(a, "rate-limited", 2.5), 101)
    assert not a.done
    assert texts(calls.unanswered) == ["a", "b"]
    assert calls.take(103.4) == []
    assert calls.wait_until() == 103.5
    (again,) = calls.take(103.5)
    assert again is a
    assert again.request.id != 1
    assert calls.wait_until() is None
    calls.answer(ok(a), 104)
    assert texts(calls.take(104)) == ["b"]
    assert await a.wait() == ok(a)


@pytest.mark.parametrize(("told", "waits"), [(None, MIN_DELAY), (-5, MIN_DELAY), (1e308, MAX_DELAY)])
async def test_the_delay_of_a_rate_limited_send_is_bounded(told: float | None, waits: float) -> None:
    calls = careful("a")
    (a,) = calls.take(0)
    calls.answer(no(a, "rate-limited", told), 5)
    assert calls.take(5 + waits - 0.01) == []
    assert calls.take(5 + waits) == [a]


async def test_a_refusal_for_another_reason_does_not_hold_up_the_others() -> None:
    calls = careful("a", "b")
    (a,) = calls.take(0)
    calls.answer(no(a, "muted", 600), 0)
    with pytest.raises(RefusedError, match="muted"):
        await a.wait()
    assert texts(calls.take(0)) == ["b"]


async def test_a_reply_to_another_request_does_not_let_the_next_send_go() -> None:
    calls = careful("a", "b")
    ping = PendingCall(Ping())
    calls.add(ping)
    calls.take(0)
    calls.answer(Pong(re=ping.request.id, at=""), 0)
    assert ping.done
    assert calls.take(0) == []


async def test_a_lost_connection_keeps_the_order_of_a_rate_limited_send_and_drops_its_delay() -> None:
    calls = careful("a", "b")
    (a,) = calls.take(0)
    calls.answer(no(a, "rate-limited", 60), 0)
    calls.lose(GONE)
    calls.resume(same_user=True)
    assert calls.take(0) == [a]


async def test_a_send_in_flight_on_a_lost_connection_is_written_again() -> None:
    calls = careful("a", "b")
    (a,) = calls.take(0)
    calls.lose(GONE)
    calls.resume(same_user=True)
    assert calls.take(0) == [a]
    assert calls.take(0) == []


async def test_a_patient_client_is_always_careful() -> None:
    calls = Calls(patient=True)
    calls.resume(same_user=True)
    for key in "ab":
        add(calls, send(key), send(key.upper()))
        (first,) = calls.take(0)
        calls.answer(no(first, "rate-limited", 1), 0)
        (first,) = calls.take(1)
        calls.answer(ok(first), 1)
        (second,) = calls.take(1)
        calls.answer(ok(second), 1)
        assert texts([first, second]) == [key, key.upper()]
        assert calls.take(1) == []
        calls.lose(GONE)
        calls.resume(same_user=True)


async def test_a_patient_client_stays_careful_when_no_send_waits() -> None:
    calls = Calls(patient=True)
    calls.resume(same_user=True)
    assert calls.take(0) == []
    add(calls, send("a"), send("b"))
    assert texts(calls.take(0)) == ["a"]


async def test_what_must_not_overtake_a_send_waits_for_it() -> None:
    calls = Calls(patient=True)
    calls.resume(same_user=True)
    rename, ping = PendingCall(Ping(), in_order=True), PendingCall(Ping())
    first, second = send("a"), send("b")
    add(calls, first, rename, second, ping)
    assert calls.take(0) == [ping, first]
    calls.answer(no(first, "rate-limited", 1), 0)
    assert calls.take(0.5) == []
    assert calls.take(1) == [first]
    assert calls.take(1) == []
    calls.answer(ok(first), 1)
    assert calls.take(1) == [rename, second]


async def test_how_many_sends_wait_for_the_limit_is_known() -> None:
    calls = Calls(patient=True)
    calls.resume(same_user=True)
    sends = [send(key) for key in "abc"]
    add(calls, *sends, PendingCall(Ping(), in_order=True))
    (first,) = calls.take(0)
    assert calls.held(0) == 0, "they wait for the answer, not for the limit"
    calls.answer(no(first, "rate-limited", 1), 0)
    assert (calls.held(0), calls.held(0.9)) == (3, 3)
    for left in (3, 2, 1):
        (one, *_) = calls.take(1)
        assert calls.held(1) == left
        calls.answer(ok(one), 1)
    calls.take(1)
    assert calls.held(1) == 0


async def test_at_most_the_limit_of_sends_may_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls_module, "MAX_WAITING", 3)
    calls = Calls()
    add(calls, send("a"), send("b"), send("c"))
    with pytest.raises(DisconnectedError, match="3 messages are waiting"):
        calls.add(send("d"))
    calls.resume(same_user=True)
    calls.take(0)
    calls.add(send("d"))


async def test_closing_fails_everything(calls: Calls) -> None:
    written, ping, unwritten = send("a"), PendingCall(Ping()), send("b")
    add(calls, written, ping)
    calls.take(0)
    calls.add(unwritten)
    calls.close(GONE)
    assert [await error_of(one) for one in (written, ping, unwritten)] == [str(GONE)] * 3
    assert calls.unanswered == []
    assert not calls.connected


async def test_several_tasks_may_wait_for_one_reply(calls: Calls) -> None:
    asked = PendingCall(Ping())
    calls.add(asked)
    replies = []

    async def wait() -> None:
        replies.append(await asked.wait())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        nursery.start_soon(asked.wait_done)
        await trio.testing.wait_all_tasks_blocked()
        calls.take(0)
        calls.answer(Pong(re=1, at=""), 0)
    assert replies == [Pong(re=1, at="")]


async def test_only_the_id_of_a_request_is_changed(calls: Calls) -> None:
    request: Request = Send(text="t", username="bob", time=5, key="k")
    asked = PendingCall(request)
    calls.add(asked)
    calls.take(0)
    assert asked.request == attrs.evolve(request, id=1)
    assert asked.written


async def test_a_read_marker_is_repeated_until_it_is_answered(calls: Calls) -> None:
    said = PendingCall(MarkRead(username="bob", seq=3))
    add(calls, said)
    calls.take(0)
    calls.lose(GONE)
    later = PendingCall(MarkRead(seq=9))
    add(calls, later)
    assert calls.unanswered == []
    calls.resume(same_user=True)
    taken = [*calls.take(0)]
    assert [one.request for one in taken] == [MarkRead(id=2, username="bob", seq=3)]
    calls.answer(Read(re=2, room="@b", username="bob", seq=3), 0)
    assert said.done
    assert calls.take(0) == [later]


async def test_an_edit_with_a_key_is_repeated_and_one_without_is_not(calls: Calls) -> None:
    repeated, once = PendingCall(Edit(seq=3, text="a", key="k")), PendingCall(Edit(seq=3, text="a"))
    add(calls, repeated, once)
    calls.take(0)
    calls.lose(GONE)
    assert "may have been done or not" in await error_of(once)
    calls.resume(same_user=True)
    assert calls.take(0) == [repeated]
    assert repeated.request == Edit(id=3, seq=3, text="a", key="k")


async def test_another_user_does_not_repeat_read_markers(calls: Calls) -> None:
    asked = [PendingCall(MarkRead(seq=3)), PendingCall(MarkRead(seq=4))]
    add(calls, asked[0])
    calls.take(0)
    calls.lose(GONE)
    add(calls, asked[1])
    calls.resume(same_user=False)
    for one in asked:
        assert "may have been done or not" in await error_of(one)
    assert calls.take(0) == []


async def test_marking_everything_as_read_is_not_repeated_since_more_may_have_arrived(
    calls: Calls,
) -> None:
    asked = PendingCall(MarkRead())
    add(calls, asked)
    calls.take(0)
    calls.lose(GONE)
    assert "may have been done or not" in await error_of(asked)


def test_a_request_is_found_by_its_id_until_it_is_answered(calls: Calls) -> None:
    asked = PendingCall(Ping())
    add(calls, asked)
    calls.take(0)
    assert calls.request_of(1) == Ping(id=1)
    assert calls.request_of("1") is None
    calls.answer(Pong(re=1, at=""), 0)
    assert calls.request_of(1) is None


async def test_a_rate_limited_send_has_no_unknown_outcome() -> None:
    box = Calls(patient=True)
    box.resume(same_user=True)
    asked = PendingCall(Send(text="a", key="a"))
    box.add(asked)
    box.take(0)
    box.answer(Error(re=1, code="rate-limited", message="", retry_after=9), 0)
    box.lose(DisconnectedError("x"))
    box.resume(same_user=False)
    assert not asked.done


async def test_the_next_batch_comes_with_a_call_and_a_rate_limited_one_in_time(
    calls: Calls, autojump_clock: MockClock
) -> None:
    batches: list[tuple[float, list[str]]] = []
    began = trio.current_time()

    async def write() -> None:
        while True:
            batch = await calls.next_batch()
            batches.append((trio.current_time() - began, texts(batch)))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(write)
        await trio.sleep(1)
        add(calls, PendingCall(Ping()), send("a"))
        await trio.sleep(1)
        calls.lose(GONE)
        calls.resume(same_user=True)
        (a,) = calls.take(trio.current_time())
        calls.answer(no(a, "rate-limited", 5), trio.current_time())
        await trio.sleep(9)
        nursery.cancel_scope.cancel()
    assert batches == [(1, ["ping", "a"]), (7, ["a"])]
