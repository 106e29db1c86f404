"""Names that are kept for who is not in memory."""

from __future__ import annotations

import pytest

from tcpchat.chat.directory import Directory
from tcpchat.names import skeleton
from tcpchat.store.rows import NameRow


def guest(name: str, left: int | None = 5) -> NameRow:
    return NameRow(f"id of {name}", skeleton(name), name, None, left)


def registered(name: str) -> NameRow:
    return NameRow(f"id of {name}", skeleton(name), name, 1, None)


def holder(directory: Directory, name: str) -> str | None:
    named = directory.holder(skeleton(name))
    return None if named is None else named.name


def test_names_of_both_are_kept_with_those_that_look_alike() -> None:
    directory = Directory([registered("paypal")], [guest("bob")])
    assert holder(directory, "paypa1") == "paypal"
    assert holder(directory, "bob") == "bob"
    assert holder(directory, "carol") is None
    assert directory.find("id of bob") == guest("bob")
    assert directory.find("id of carol") is None


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("alice", True),
        ("ALICE", True),
        ("\uff41lice", True),
        ("a1ice", False),
        ("al\u0131ce", False),
        ("bob", False),
        ("nobody", False),
        ("", False),
        ("two words", False),
        ("a" * 1000, False),
    ],
)
def test_a_registered_user_is_found_in_any_case_and_width_but_not_by_a_look_alike(
    name: str, *, found: bool
) -> None:
    """Nobody logs in as somebody else, and a guest has no password."""
    directory = Directory([registered("alice")], [guest("bob")])
    assert (directory.registered_as(name) is not None) == found


def test_a_name_is_registered_for_good() -> None:
    directory = Directory([], [])
    directory.register(registered("alice"))
    directory.forget(10**15)
    directory.came_back("id of alice")
    assert holder(directory, "alice") == "alice"
    directory.register(registered("alice")._replace(registered=7))
    assert directory.find("id of alice") == registered("alice")._replace(registered=7)
    directory.register(registered("alice")._replace(key="al", name="al"))
    assert (holder(directory, "alice"), holder(directory, "al")) == (None, "al")


def test_who_is_renamed_leaves_the_old_name_free() -> None:
    directory = Directory([registered("alice")], [])
    directory.rename("id of alice", "al", "al")
    assert (holder(directory, "alice"), holder(directory, "al")) == (None, "al")
    assert directory.find("id of alice") == registered("alice")._replace(key="al", name="al")
    directory.rename("id of nobody", "nobody", "nobody")
    assert holder(directory, "nobody") is None


def test_a_look_alike_of_ones_own_name_takes_the_place_of_the_old_one() -> None:
    directory = Directory([registered("paypal")], [])
    directory.rename("id of paypal", "paypa1", skeleton("paypa1"))
    assert holder(directory, "paypal") == "paypa1"
    assert directory.registered_as("paypal") is None


def test_a_guest_who_is_back_is_kept_elsewhere() -> None:
    directory = Directory([registered("al")], [guest("bob")])
    for id in ("id of bob", "id of bob", "id of al"):
        directory.came_back(id)
    assert holder(directory, "bob") is None
    assert directory.find("id of bob") is None
    assert holder(directory, "al") == "al"
    assert directory.first_left() is None


def test_guests_are_forgotten_each_at_the_time() -> None:
    directory = Directory([registered("al")], [guest("bob", 5), guest("carol", 7), guest("dora", 7)])
    assert directory.first_left() == 5
    directory.forget(5)
    assert holder(directory, "bob") == "bob"
    directory.forget(6)
    assert (holder(directory, "bob"), directory.first_left()) == (None, 7)
    directory.forget(8)
    assert holder(directory, "carol") is holder(directory, "dora") is None
    assert (holder(directory, "al"), directory.first_left()) == ("al", None)


def test_a_name_that_is_dropped_is_free() -> None:
    directory = Directory([registered("al")], [guest("bob")])
    for id in ("id of al", "id of bob", "id of bob"):
        directory.drop(id)
    assert holder(directory, "al") is holder(directory, "bob") is None
    assert directory.first_left() is None
    assert directory.find("id of al") is directory.find("id of bob") is None
