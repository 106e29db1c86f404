"""From being asked to being answered: what survives a lost connection, and in which order."""

from __future__ import annotations

import attrs
import pytest
import trio
import trio.testing

from tcpchat.client import DisconnectedError, PendingCall, RefusedError
from tcpchat.commands.ping import Ping
from tcpchat.commands.read import Read
from tcpchat.commands.send import Send
from tcpchat.commands.status import Status
from tcpchat.link import calls as outboxes
from tcpchat.link.calls import Calls
from tcpchat.protocol import Error, Pong, Reply, Request, Sent
from tcpchat.protocol import Read as ReadReply

GONE = DisconnectedError("the cat ate the cable")


@pytest.fixture
def outbox() -> Calls:
    box = Calls()
    box.come_back(same_user=True)
    return box


def send(key: str) -> PendingCall:
    return PendingCall(Send(text=key, key=key))


def add(outbox: Calls, *asked: PendingCall) -> None:
    for one in asked:
        outbox.add(one)


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


async def test_requests_are_numbered_and_get_their_replies(outbox: Calls) -> None:
    first, second = send("a"), PendingCall(Ping())
    add(outbox, first, second)
    assert outbox.take(0) == [first, second]
    assert ids([first, second]) == [1, 2]
    assert outbox.take(0) == []
    outbox.answer(Pong(re=2, at="t"), 0)
    assert second.done
    assert not first.done
    assert await second.wait() == Pong(re=2, at="t")
    outbox.answer(ok(first, 7), 0)
    assert await first.wait() == ok(first, 7)


async def test_an_id_that_was_set_is_not_the_one_that_is_written(outbox: Calls) -> None:
    asked = PendingCall(Ping(id=77))
    outbox.add(asked)
    outbox.take(0)
    assert asked.request.id == 1


async def test_ids_are_never_given_twice(outbox: Calls) -> None:
    seen = []
    for _ in range(3):
        add(outbox, send("a"), PendingCall(Ping()))
        seen += ids(outbox.take(0))
        seen += ids([outbox.number(PendingCall(Ping()))])
        outbox.lose(GONE)
        outbox.come_back(same_user=False)
    assert len(set(seen)) == len(seen)


@pytest.mark.parametrize("re", [None, 0, 2, 99, "1", "x"])
async def test_a_reply_to_nobody_is_passed_over(outbox: Calls, re: int | str | None) -> None:
    asked = send("a")
    outbox.add(asked)
    outbox.take(0)
    outbox.answer(Pong(re=re, at=""), 0)
    assert not asked.done


async def test_a_second_reply_is_passed_over(outbox: Calls) -> None:
    asked = send("a")
    outbox.add(asked)
    outbox.take(0)
    outbox.answer(ok(asked, 1), 0)
    outbox.answer(no(asked, "internal"), 0)
    assert await asked.wait() == ok(asked, 1)


async def test_an_error_is_raised_with_its_line(outbox: Calls) -> None:
    asked = send("a")
    outbox.add(asked)
    outbox.take(0)
    outbox.answer(no(asked, "rate-limited", 2.5), 0)
    with pytest.raises(RefusedError, match="rate-limited") as caught:
        await asked.wait()
    assert (caught.value.code, caught.value.error.retry_after) == ("rate-limited", 2.5)


async def test_on_reply_is_called_with_a_good_reply_at_once(outbox: Calls) -> None:
    heard: list[Reply] = []
    good = PendingCall(Ping(), on_reply=heard.append)
    bad = PendingCall(Ping(), on_reply=heard.append)
    lost = PendingCall(Ping(), on_reply=heard.append)
    add(outbox, good, bad, lost)
    outbox.take(0)
    outbox.answer(Pong(re=1, at="t"), 0)
    outbox.answer(no(bad, "internal"), 0)
    outbox.lose(GONE)
    assert heard == [Pong(re=1, at="t")]


async def test_sends_survive_a_loss_in_their_order_with_their_keys(outbox: Calls) -> None:
    written = [send("a"), send("b"), send("c")]
    add(outbox, *written)
    outbox.take(0)
    outbox.answer(ok(written[1]), 0)
    late = send("d")
    outbox.add(late)
    outbox.lose(GONE)
    offline = send("e")
    outbox.add(offline)
    assert texts(outbox.unanswered) == ["a", "c", "d", "e"]
    assert outbox.take(0) is not None  # whatever was taken, nobody wrote it
    outbox.lose(GONE)
    outbox.come_back(same_user=True)
    again = []
    for _ in range(4):
        (asked,) = outbox.take(0)
        assert isinstance(asked.request, Send)
        assert asked.request.key == asked.request.text
        again.append(asked)
        outbox.answer(ok(asked), 0)
    assert texts(again) == ["a", "c", "d", "e"]
    assert again == [written[0], written[2], late, offline]
    assert outbox.unanswered == []


async def test_other_requests_fail_with_what_is_known_of_them(outbox: Calls) -> None:
    written, unwritten = PendingCall(Status()), PendingCall(Status())
    outbox.add(written)
    outbox.take(0)
    outbox.add(unwritten)
    outbox.lose(GONE)
    assert "may have been done or not" in await error_of(written)
    assert await error_of(unwritten) == str(GONE)


async def test_while_there_is_no_connection_only_sends_are_taken() -> None:
    outbox = Calls()
    outbox.add(send("a"))
    with pytest.raises(DisconnectedError, match="not connected"):
        outbox.add(PendingCall(Ping()))
    outbox.come_back(same_user=True)
    outbox.add(PendingCall(Ping()))
    outbox.lose(GONE)
    with pytest.raises(DisconnectedError, match="not connected"):
        outbox.add(PendingCall(Ping()))


async def test_another_user_repeats_nothing_that_may_have_been_done(outbox: Calls) -> None:
    written, unwritten, offline = send("a"), send("b"), send("c")
    outbox.add(written)
    outbox.take(0)
    outbox.add(unwritten)
    outbox.lose(GONE)
    outbox.add(offline)
    outbox.come_back(same_user=False)
    assert "may have been done or not" in await error_of(written)
    assert not unwritten.done
    (first,) = outbox.take(0)
    outbox.answer(ok(first), 0)
    (second,) = outbox.take(0)
    assert texts([first, second]) == ["b", "c"]


def careful(*keys: str) -> Calls:
    """Return an outbox that came back with these sends waiting."""
    outbox = Calls()
    outbox.come_back(same_user=True)
    add(outbox, *map(send, keys))
    outbox.lose(GONE)
    outbox.come_back(same_user=True)
    return outbox


async def test_what_waited_goes_out_one_by_one_and_other_requests_need_not_wait() -> None:
    outbox = careful("a", "b")
    outbox.add(PendingCall(Ping()))
    first = outbox.take(0)
    assert texts(first) == ["ping", "a"]
    outbox.add(PendingCall(Status()))
    outbox.add(send("c"))
    assert texts(outbox.take(0)) == ["status"]
    assert outbox.wait_until() is None
    outbox.answer(ok(first[1]), 0)
    second = outbox.take(0)
    assert texts(second) == ["b"]
    outbox.answer(ok(second[0]), 0)
    assert texts(outbox.take(0)) == ["c"]


async def test_once_nothing_waits_sends_go_out_together_again() -> None:
    outbox = careful("a")
    (a,) = outbox.take(0)
    outbox.answer(ok(a), 0)
    assert outbox.take(0) == []
    add(outbox, send("b"), send("c"))
    assert texts(outbox.take(0)) == ["b", "c"]


async def test_one_that_came_too_fast_is_repeated_when_its_time_has_come_before_the_others() -> None:
    outbox = careful("a", "b")
    (a,) = outbox.take(100)
    outbox.answer(no(a, "rate-limited", 2.5), 101)
    assert not a.done
    assert texts(outbox.unanswered) == ["a", "b"]
    assert outbox.take(103.4) == []
    assert outbox.wait_until() == 103.5
    (again,) = outbox.take(103.5)
    assert again is a
    assert again.request.id != 1
    assert outbox.wait_until() is None
    outbox.answer(ok(a), 104)
    assert texts(outbox.take(104)) == ["b"]
    assert await a.wait() == ok(a)


@pytest.mark.parametrize(
    ("told", "waits"), [(None, outboxes.SHORTEST), (-5, outboxes.SHORTEST), (1e308, outboxes.LONGEST)]
)
async def test_one_that_came_too_fast_is_repeated_after_a_bearable_time(
    told: float | None, waits: float
) -> None:
    outbox = careful("a")
    (a,) = outbox.take(0)
    outbox.answer(no(a, "rate-limited", told), 5)
    assert outbox.take(5 + waits - 0.01) == []
    assert outbox.take(5 + waits) == [a]


async def test_a_refusal_for_another_reason_does_not_hold_up_the_others() -> None:
    outbox = careful("a", "b")
    (a,) = outbox.take(0)
    outbox.answer(no(a, "muted", 600), 0)
    with pytest.raises(RefusedError, match="muted"):
        await a.wait()
    assert texts(outbox.take(0)) == ["b"]


async def test_a_reply_to_another_request_does_not_let_the_next_send_go() -> None:
    outbox = careful("a", "b")
    ping = PendingCall(Ping())
    outbox.add(ping)
    outbox.take(0)
    outbox.answer(Pong(re=ping.request.id, at=""), 0)
    assert ping.done
    assert outbox.take(0) == []


async def test_a_loss_while_waiting_for_the_rate_keeps_the_order_and_forgets_the_time() -> None:
    outbox = careful("a", "b")
    (a,) = outbox.take(0)
    outbox.answer(no(a, "rate-limited", 60), 0)
    outbox.lose(GONE)
    outbox.come_back(same_user=True)
    assert outbox.take(0) == [a]


async def test_a_loss_with_one_send_in_flight_lets_it_go_again() -> None:
    outbox = careful("a", "b")
    (a,) = outbox.take(0)
    outbox.lose(GONE)
    outbox.come_back(same_user=True)
    assert outbox.take(0) == [a]
    assert outbox.take(0) == []


async def test_a_patient_one_is_always_careful() -> None:
    outbox = Calls(patient=True)
    outbox.come_back(same_user=True)
    for key in "ab":
        add(outbox, send(key), send(key.upper()))
        (first,) = outbox.take(0)
        outbox.answer(no(first, "rate-limited", 1), 0)
        (first,) = outbox.take(1)
        outbox.answer(ok(first), 1)
        (second,) = outbox.take(1)
        outbox.answer(ok(second), 1)
        assert texts([first, second]) == [key, key.upper()]
        assert outbox.take(1) == []
        outbox.lose(GONE)
        outbox.come_back(same_user=True)


async def test_a_patient_one_stays_careful_after_nothing_waited() -> None:
    outbox = Calls(patient=True)
    outbox.come_back(same_user=True)
    assert outbox.take(0) == []
    add(outbox, send("a"), send("b"))
    assert texts(outbox.take(0)) == ["a"]


async def test_so_many_may_wait_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outboxes, "MOST", 3)
    outbox = Calls()
    add(outbox, send("a"), send("b"), send("c"))
    with pytest.raises(DisconnectedError, match="3 messages are waiting"):
        outbox.add(send("d"))
    outbox.come_back(same_user=True)
    outbox.take(0)
    outbox.add(send("d"))


async def test_closing_gives_up_everything(outbox: Calls) -> None:
    written, ping, unwritten = send("a"), PendingCall(Ping()), send("b")
    add(outbox, written, ping)
    outbox.take(0)
    outbox.add(unwritten)
    outbox.close(GONE)
    assert [await error_of(one) for one in (written, ping, unwritten)] == [str(GONE)] * 3
    assert outbox.unanswered == []
    assert not outbox.connected


async def test_several_may_wait_for_one_reply(outbox: Calls) -> None:
    asked = PendingCall(Ping())
    outbox.add(asked)
    replies = []

    async def wait() -> None:
        replies.append(await asked.wait())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait)
        nursery.start_soon(asked.wait_done)
        await trio.testing.wait_all_tasks_blocked()
        outbox.take(0)
        outbox.answer(Pong(re=1, at=""), 0)
    assert replies == [Pong(re=1, at="")]


async def test_only_the_id_of_a_request_is_changed(outbox: Calls) -> None:
    request: Request = Send(text="t", username="bob", time=5, key="k")
    asked = PendingCall(request)
    outbox.add(asked)
    outbox.take(0)
    assert asked.request == attrs.evolve(request, id=1)
    assert asked.written


async def test_how_far_one_has_read_is_said_again_until_it_is_answered(outbox: Calls) -> None:
    said = PendingCall(Read(username="bob", seq=3))
    add(outbox, said)
    outbox.take(0)
    outbox.lose(GONE)
    later = PendingCall(Read(seq=9))
    add(outbox, later)
    assert outbox.unanswered == []
    outbox.come_back(same_user=True)
    taken = [*outbox.take(0)]
    assert [one.request for one in taken] == [Read(id=2, username="bob", seq=3)]
    outbox.answer(ReadReply(re=2, username="bob", seq=3), 0)
    assert said.done
    assert outbox.take(0) == [later]


async def test_another_user_does_not_say_how_far_the_one_before_has_read(outbox: Calls) -> None:
    asked = [PendingCall(Read(seq=3)), PendingCall(Read(seq=4))]
    add(outbox, asked[0])
    outbox.take(0)
    outbox.lose(GONE)
    add(outbox, asked[1])
    outbox.come_back(same_user=False)
    for one in asked:
        assert "may have been done or not" in await error_of(one)
    assert outbox.take(0) == []


async def test_having_read_all_is_not_said_again_since_there_may_be_more_by_then(
    outbox: Calls,
) -> None:
    asked = PendingCall(Read())
    add(outbox, asked)
    outbox.take(0)
    outbox.lose(GONE)
    assert "may have been done or not" in await error_of(asked)


def test_a_request_is_found_by_its_id_until_it_is_answered(outbox: Calls) -> None:
    asked = PendingCall(Ping())
    add(outbox, asked)
    outbox.take(0)
    assert outbox.asked_as(1) == Ping(id=1)
    assert outbox.asked_as("1") is None
    outbox.answer(Pong(re=1, at=""), 0)
    assert outbox.asked_as(1) is None
