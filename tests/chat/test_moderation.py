"""Reports and mutes: how many count, whom they mute, and how they go with a name."""

from __future__ import annotations

import pytest

from tcpchat.chat.moderation import (
    ESTABLISHED,
    NOT_MUTED,
    Conduct,
    Moderation,
    Mute,
    Reporter,
    mute_message,
    muted,
    report_bucket,
)
from tcpchat.errors import ChatError
from tcpchat.store.changes import NewReport, SetMute
from tcpchat.times import FOREVER
from tests.chat.parts import AT, NOW, new_user
from tests.rows import rows


def moderation_of(*reports: NewReport, names: dict[str, str] | None = None) -> Moderation:
    moderation = Moderation(reports=3, seconds=600, names=names)
    for report in reports:
        moderation.add_report(report)
    return moderation


def report(by: str, target: str = "bob", source: str | None = None) -> NewReport:
    return NewReport(target, by, f"key of {by}", "spam", NOW, source)


def reporters(moderation: Moderation, user: str) -> set[str]:
    return {*moderation.of(user).reporters}


# Reports


def test_reports_by_each_user_count_once_and_those_of_one_source_together() -> None:
    reports = [report("a"), report("b"), report("a"), report("c", source="net"), report("d", source="net")]
    assert moderation_of(*reports).of("bob").reports == 3
    assert moderation_of().of("bob").reports == 0


def test_nobody_reports_oneself_or_somebody_twice() -> None:
    moderation, alice, bob = moderation_of(), new_user("alice"), new_user("bob")
    with pytest.raises(ChatError) as refused:
        moderation.begin_report(alice, alice)
    assert refused.value.code == "report-self"
    moderation.begin_report(alice, bob)
    with pytest.raises(ChatError) as refused:
        moderation.begin_report(alice, bob)
    assert refused.value.code == "already-reported"
    moderation.end_report(alice.id, bob.id)
    moderation.begin_report(alice, bob)
    moderation.begin_report(bob, alice)


def test_a_report_on_disk_counts_as_one_by_the_user_and_by_the_name() -> None:
    alice, bob, heir = new_user("alice"), new_user("bob"), new_user("heir")
    moderation = moderation_of(report(alice.id, bob.id)._replace(reporter_key=alice.key))
    heir.key = alice.key
    for user in (alice, heir):
        with pytest.raises(ChatError, match="you have already reported bob"):
            moderation.begin_report(user, bob)
    moderation.begin_report(new_user("carol"), bob)


@rows(
    ("address", "registered", "bucket"),
    [
        ("192.0.2.7", None, "192.0.2.7"),
        ("2001:db8::1", None, "2001:db8::/64"),
        ("127.0.0.1", None, ""),
        ("gone", None, ""),
        ("192.0.2.7", NOW - ESTABLISHED + 1, "192.0.2.7"),
        ("192.0.2.7", NOW - ESTABLISHED, ""),
    ],
)
def test_reports_of_one_address_count_once_but_of_established_users(
    address: str, registered: int | None, bucket: str
) -> None:
    assert report_bucket(new_user("alice", registered=registered), address, NOW) == bucket


# Mutes


def test_a_mute_ends_at_its_time() -> None:
    moderation = moderation_of()
    moderation.set_mute(SetMute("bob", NOW, None))
    assert moderation.muted_until("bob", NOW - 1) == NOW
    assert moderation.muted_until("bob", NOW) is None
    with pytest.raises(ChatError):
        moderation.check("bob", NOW - 1)
    moderation.check("bob", NOW)
    moderation.check("alice", 0)


def test_a_mute_is_dropped_and_reports_stay() -> None:
    moderation = moderation_of(report("a"))
    moderation.set_mute(SetMute("bob", FOREVER, None, 1))
    moderation.drop_mute("bob")
    moderation.check("bob", NOW)
    assert moderation.of("bob") == Conduct({"a": Reporter("key of a", "")}, NOT_MUTED)
    moderation.drop_mute("carol")
    assert dict(moderation) == {"bob": moderation.of("bob")}, "of others nothing is remembered"


def test_a_muted_user_learns_why_and_for_how_long() -> None:
    moderation = moderation_of(report("a"), report("b"), report("c"))
    moderation.set_mute(SetMute("bob", NOW, "spam"))
    with pytest.raises(ChatError) as refused:
        moderation.check("bob", NOW - 1500)
    assert refused.value.code == "muted"
    assert refused.value.message == (
        f"3 users reported you (the last one wrote: spam): you may read but not send until {AT}"
    )
    assert refused.value.details == {"retry_after": 1.5, "until": AT, "limit": 3, "reason": "spam"}


def test_a_user_whom_the_operator_muted_for_good_learns_so() -> None:
    moderation = moderation_of()
    moderation.set_mute(SetMute("bob", FOREVER, "loud", 1))
    with pytest.raises(
        ChatError, match=r"^the operator muted you \(loud\): you may read but not send$"
    ) as refused:
        moderation.check("bob", NOW)
    details = {name: value for name, value in refused.value.details.items() if value is not None}
    assert details == {"reason": "loud"}


@rows(
    ("conduct", "message"),
    [
        (Conduct({"a": Reporter("a", "")}, Mute(NOW, None, by_operator=False)), "1 user reported you"),
        (Conduct({}, Mute(NOW, None, by_operator=True)), "the operator muted you"),
    ],
)
def test_the_event_of_a_mute_says_what_the_error_says(conduct: Conduct, message: str) -> None:
    event = muted(conduct)
    assert event.message == mute_message(conduct) == f"{message}: you may read but not send until {AT}"
    assert (event.until, event.reports, event.reason) == (AT, conduct.reports, None)


def test_other_rules_hold_from_now_on_and_mutes_end_as_announced() -> None:
    moderation = moderation_of()
    moderation.set_mute(SetMute("bob", NOW, None))
    moderation.configure(5, 1)
    assert (moderation.reports_to_mute, moderation.mute_milliseconds) == (5, 1000)
    assert moderation.muted_until("bob", 0) == NOW


# Names


def test_what_is_held_against_a_name_comes_along_with_it() -> None:
    moderation = moderation_of(report("a", "old"), names={"bob": "old"})
    assert moderation.inherited("new", "bob") == "old"
    assert moderation.inherited("old", "bob") is None, "the user comes back"
    assert moderation.inherited("new", "carol") is None
    moderation.transfer("old", "new")
    assert reporters(moderation, "new") == {"a"}


def test_nothing_comes_along_with_a_name_against_which_nothing_is_held() -> None:
    assert moderation_of(names={"bob": "old"}).inherited("new", "bob") is None


def test_a_name_is_bound_to_a_user_against_whom_something_is_held() -> None:
    moderation = moderation_of(report("a", "old"))
    moderation.bind_to_name("blameless", "alice")
    moderation.bind_to_name("old", "bob")
    assert moderation.inherited("new", "bob") == "old"
    assert moderation.inherited("new", "alice") is None
    moderation.rename("old", "bob", "rob")
    assert moderation.inherited("new", "bob") is None
    assert moderation.inherited("new", "rob") == "old"


def test_a_user_who_takes_a_name_from_another_leaves_that_one_bound() -> None:
    moderation = moderation_of(report("a", "old"), report("a", "other"), names={"bob": "old"})
    moderation.rename("other", "bob", "carol")
    assert moderation.inherited("new", "bob") == "old"
    assert moderation.inherited("new", "carol") == "other"


def test_transferred_reports_count_each_reporter_once_and_the_longer_mute_holds() -> None:
    moderation = moderation_of(report("a", "old"), report("b", "old"), report("b", "new"), report("c", "new"))
    moderation.set_mute(SetMute("old", NOW, "long"))
    moderation.set_mute(SetMute("new", NOW - 1, "short"))
    moderation.transfer("old", "new")
    assert reporters(moderation, "new") == {"a", "b", "c"}
    assert moderation.of("new").mute == Mute(NOW, "long", by_operator=False)
    assert moderation.muted_until("old", 0) == NOW, "its messages may still come due"


# Deleted users


def test_of_a_deleted_user_nothing_is_held_and_the_users_reports_count_under_no_name() -> None:
    alice, bob, heir = new_user("alice"), new_user("bob"), new_user("heir")
    moderation = moderation_of(
        report("x", alice.id),
        report(alice.id, bob.id, source="net")._replace(reporter_key=alice.key),
        report("c", bob.id, source="net"),
        names={alice.key: alice.id},
    )
    assert moderation.of(bob.id).reports == 1
    moderation.delete(alice.id)
    assert moderation.of(alice.id) == Conduct()
    assert moderation.inherited("new", alice.key) is None
    assert moderation.of(bob.id).reporters[alice.id] == Reporter("", "")
    assert moderation.of(bob.id).reports == 2
    heir.key = alice.key
    moderation.begin_report(heir, bob)
