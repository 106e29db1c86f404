"""Reports, mutes and bans: what they change, and what the user learns."""

from __future__ import annotations

import orjson
import pytest

from tcpchat.chat.moderation import NOT_MUTED, Mute
from tcpchat.chat.operations.moderation import Ban, LiftBans, MuteUser, ReportUser
from tcpchat.chat.user import User
from tcpchat.errors import ChatError
from tcpchat.protocol import Error
from tcpchat.settings import Rules, Settings
from tcpchat.store.changes import DropBan, DropMute, NewReport, NewUser, SetBan, SetMute
from tcpchat.store.rows import NameRow
from tcpchat.times import FOREVER, timestamp
from tests.chat.harness import Harness, replies, sent_to
from tests.chat.parts import lines
from tests.rows import rows

MUTE_SECONDS = 600


@pytest.fixture
def chat() -> Harness:
    return Harness(Settings(rules=Rules(reports_to_mute=2, mute_seconds=MUTE_SECONDS)))


def report(reporter: User, target: User, bucket: str = "", reason: str | None = None) -> ReportUser:
    return ReportUser(reporter=reporter.id, target=target.id, bucket=bucket, reason=reason)


def is_muted(chat: Harness, user: User) -> bool:
    return chat.state.moderation.muted_until(user.id, chat.clock.now()) is not None


# Reports


def test_a_report_is_stored_with_both_users_and_counts(chat: Harness) -> None:
    alice, bob = chat.join("alice", "bob")
    fanout = chat.take(operation := report(alice, bob, "net", "spam"))
    assert replies(operation) == [{"type": "reported", "username": "bob", "reports": 1}]
    assert chat.written[-1] == NewReport(bob.id, alice.id, "alice", "spam", chat.clock.now(), "net")
    assert {change.id for change in chat.written if isinstance(change, NewUser)} == {alice.id, bob.id}
    assert fanout.direct == {}, "nobody learns of it"
    assert not is_muted(chat, bob)


def test_the_report_that_is_one_too_many_mutes_and_the_user_learns_why(chat: Harness) -> None:
    alice, carol, bob = chat.join("alice", "carol", "bob")
    chat.take(report(alice, bob))
    fanout = chat.take(operation := report(carol, bob, reason="spam"))
    until = chat.clock.now() + MUTE_SECONDS * 1000
    assert replies(operation)[0]["muted_until"] == timestamp(until)
    assert chat.written[-1] == SetMute(bob.id, until, "spam")
    (event,) = sent_to(fanout, bob)
    assert (event["type"], event["until"], event["reports"], event["reason"]) == (
        "muted", timestamp(until), 2, "spam"
    )  # fmt: skip
    with pytest.raises(ChatError, match="2 users reported you"):
        chat.state.moderation.check(bob.id, chat.clock.now())
    chat.clock.seconds += MUTE_SECONDS
    assert not is_muted(chat, bob)


def test_each_report_after_that_mutes_anew(chat: Harness) -> None:
    *reporters, bob = chat.join("a", "b", "c", "bob")
    for reporter in reporters:
        chat.clock.seconds += 100
        chat.take(report(reporter, bob))
    assert chat.state.moderation.of(bob.id).mute.until == chat.clock.now() + MUTE_SECONDS * 1000


def test_a_report_that_does_not_count_does_not_mute_anew(chat: Harness) -> None:
    *reporters, bob = chat.join("a", "b", "c", "bob")
    first, second, third = (report(one, bob, bucket) for one, bucket in zip(reporters, "xyy", strict=True))
    chat.take(first, second)
    until = chat.state.moderation.of(bob.id).mute.until
    chat.clock.seconds += 100
    chat.take(third)
    assert "muted_until" not in replies(third)[0]
    assert chat.state.moderation.of(bob.id).mute.until == until


def test_reports_of_one_source_mute_nobody(chat: Harness) -> None:
    *reporters, bob = chat.join("a", "b", "c", "bob")
    chat.take(*(operations := [report(reporter, bob, "net") for reporter in reporters]))
    assert [reply["reports"] for reply in replies(*operations)] == [1, 1, 1]
    assert not is_muted(chat, bob)


@rows("rules", [Rules(reports_to_mute=0), Rules(reports_to_mute=1, mute_seconds=0)])
def test_where_reports_do_not_mute_they_count_and_mute_nobody(rules: Rules) -> None:
    chat = Harness(Settings(rules=rules))
    alice, bob = chat.join("alice", "bob")
    chat.take(operation := report(alice, bob))
    assert replies(operation)[0]["reports"] == 1
    assert not is_muted(chat, bob)


@pytest.mark.parametrize(
    ("seconds", "until"), [(MUTE_SECONDS + 1, MUTE_SECONDS + 1), (MUTE_SECONDS - 1, MUTE_SECONDS)]
)
def test_reports_do_not_shorten_what_the_operator_decided(chat: Harness, seconds: int, until: int) -> None:
    alice, carol, bob = chat.join("alice", "carol", "bob")
    now = chat.clock.now()
    chat.take(MuteUser(user=bob.id, mute=Mute(now + seconds * 1000, "loud", by_operator=True)))
    chat.take(report(alice, bob), report(carol, bob))
    assert chat.state.moderation.of(bob.id).mute.until == now + until * 1000


def test_reports_in_the_batch_of_an_operators_mute_do_not_shorten_it(chat: Harness) -> None:
    alice, carol, bob = chat.join("alice", "carol", "bob")
    mute = MuteUser(user=bob.id, mute=Mute(FOREVER, None, by_operator=True))
    chat.take(mute, report(alice, bob), report(carol, bob))
    assert chat.state.moderation.of(bob.id).mute.until == FOREVER


def test_a_report_of_a_user_who_is_not_in_memory_is_rejected(chat: Harness) -> None:
    alice, bob = chat.join("alice", "bob")
    chat.state.directory.register(NameRow(bob.id, "bob", "bob", 1, None))
    chat.state.users.remove(bob)
    chat.take(operation := report(alice, bob))
    assert replies(operation)[0]["code"] == "no-such-user"


def test_a_report_can_be_made_again_if_the_disk_refused_it(chat: Harness) -> None:
    alice, bob = chat.join("alice", "bob")
    chat.state.moderation.begin_report(alice, bob)
    operation = report(alice, bob)
    operation.reject(Error(code="storage-failed", message="full"))
    operation.release(chat.state)
    chat.state.moderation.begin_report(alice, bob)


def test_an_absent_user_learns_of_a_mute_on_coming_back(chat: Harness) -> None:
    alice, carol, bob = chat.join("alice", "carol", "bob")
    chat.state.users.leave(bob, bob.connections[0], for_good=False)
    chat.take(report(alice, bob), report(carol, bob))
    assert [line["type"] for line in lines(bob.take_queued())] == ["muted"]


# The operator


def test_the_operator_mutes_a_user_whatever_others_reported(chat: Harness) -> None:
    (bob,) = chat.join("bob")
    fanout = chat.take(MuteUser(user=bob.id, mute=Mute(FOREVER, "loud", by_operator=True)))
    assert chat.written[-1] == SetMute(bob.id, FOREVER, "loud", 1)
    assert chat.written[0] == NewUser(bob.id, chat.clock.now())
    (event,) = sent_to(fanout, bob)
    assert (event["type"], event["reason"]) == ("muted", "loud")
    assert is_muted(chat, bob)


def test_the_operator_lets_a_user_send_again_whatever_others_reported(chat: Harness) -> None:
    alice, carol, bob = chat.join("alice", "carol", "bob")
    chat.take(report(alice, bob), report(carol, bob))
    fanout = chat.take(MuteUser(user=bob.id, mute=NOT_MUTED))
    assert chat.written[-1] == DropMute(bob.id)
    ((told,),) = fanout.direct.values()
    assert orjson.loads(told) == {"type": "unmuted", "message": "the operator lets you send again"}
    assert not is_muted(chat, bob)
    assert chat.state.moderation.of(bob.id).reports == 2


def test_a_user_who_is_not_in_memory_is_muted_too(chat: Harness) -> None:
    chat.state.directory.register(NameRow("z", "zoe", "zoe", 1, None))
    chat.take(operation := MuteUser(user="z", mute=Mute(FOREVER, None, by_operator=True)))
    assert operation.reply is None
    assert chat.written == [SetMute("z", FOREVER, None, 1)]
    chat.take(operation := MuteUser(user="nobody", mute=Mute(FOREVER, None, by_operator=True)))
    assert replies(operation)[0]["code"] == "no-such-user"


def test_a_banned_user_is_stored_under_the_name_and_a_network_alone(chat: Harness) -> None:
    (bob,) = chat.join("bob")
    user, network = SetBan("user", bob.id, FOREVER, "spam"), SetBan("address", "192.0.2.0/24", FOREVER, None)
    chat.take(Ban(ban=network))
    assert chat.written == [network]
    chat.take(Ban(ban=user, user=bob.id))
    assert chat.written[-1] == user
    assert bob.has_row
    for check, target in ((chat.state.bans.check_user, bob.id), (chat.state.bans.check_address, "192.0.2.7")):
        with pytest.raises(ChatError) as refused:
            check(target, chat.clock.now())
        assert refused.value.code == "banned"
    chat.take(LiftBans(bans=[user, network]))
    assert chat.written[-2:] == [DropBan("user", bob.id), DropBan("address", "192.0.2.0/24")]
    assert chat.state.bans.all(0) == []
