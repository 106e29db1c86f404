"""The identity after each reply, and the one to ask for on the next connection."""

from __future__ import annotations

import attrs
import pytest

from tcpchat.link.desired_identity import IDENTITY_REPLIES, DesiredIdentity, Identity, chosen
from tcpchat.protocol import (
    REPLIES,
    Bye,
    ChangePassword,
    LoggedIn,
    LoggedOut,
    Login,
    PasswordChanged,
    Ping,
    Pong,
    Register,
    Registered,
    Rename,
    Renamed,
    Reply,
    Request,
    Resume,
    Resumed,
)

GUEST = Identity(user="guest-1", token="t1", journal="j", session=1)
ALICE = Identity(user="alice", token="t1", journal="j", registered=True, session=1)
WISH = DesiredIdentity(name="Alice", password="old", device="tin")
RESUMED = Resumed(user="bob", registered=True, session=7, seq=0)
LOGGED_IN = LoggedIn(user="bob", session=7, token="t2", seq=0)


@pytest.mark.parametrize(
    ("before", "request_", "reply", "after"),
    [
        (GUEST, Rename(name="Al"), Renamed(old="guest-1", new="al"), attrs.evolve(GUEST, user="al")),
        (
            GUEST,
            Register(password="p"),
            Registered(user="al"),
            attrs.evolve(GUEST, user="al", registered=True),
        ),
        (
            GUEST,
            Resume(token="t2"),
            RESUMED,
            Identity(user="bob", token="t2", journal="j", registered=True, session=7),
        ),
        (GUEST, None, RESUMED, GUEST),
        (
            GUEST,
            Login(name="bob", password="p"),
            LOGGED_IN,
            Identity(user="bob", token="t2", journal="j", registered=True, session=7),
        ),
        (
            ALICE,
            None,
            LoggedOut(user="guest-2", token="t3"),
            Identity(user="guest-2", token="t3", journal="j"),
        ),
        (ALICE, None, LoggedOut(), Identity(journal="j")),
        (GUEST, None, Bye(code="exit", message=""), attrs.evolve(GUEST, token=None)),
        (GUEST, None, Bye(code="replaced", message=""), GUEST),
        (ALICE, None, Bye(code="exit", message=""), ALICE),
        (ALICE, None, PasswordChanged(revoked=0), ALICE),
        (ALICE, Ping(), Pong(at=""), ALICE),
    ],
)
def test_a_reply_makes_another_identity(
    before: Identity, request_: Request | None, reply: Reply, after: Identity
) -> None:
    assert before.after(request_, reply) == after


@pytest.mark.parametrize(
    ("request_", "reply", "after"),
    [
        (None, Renamed(old="alice", new="al"), attrs.evolve(WISH, name="al")),
        (None, Resumed(user="alice", registered=True, session=1, seq=0), WISH),
        (None, RESUMED, attrs.evolve(WISH, name="bob", password=None)),
        (None, attrs.evolve(RESUMED, user="guest-5"), attrs.evolve(WISH, name=None, password=None)),
        (None, LOGGED_IN, attrs.evolve(WISH, name="bob", password=None)),
        (None, LoggedOut(user="guest-2", token="t"), DesiredIdentity(device="tin")),
        (
            ChangePassword(password="old", new="new"),
            PasswordChanged(revoked=0),
            attrs.evolve(WISH, password="new"),
        ),
        (None, PasswordChanged(revoked=0), WISH),
        (None, Pong(at=""), WISH),
    ],
)
def test_a_reply_changes_what_the_next_connection_asks_for(
    request_: Request | None, reply: Reply, after: DesiredIdentity
) -> None:
    assert WISH.after(request_, reply) == after


def test_a_new_password_is_used_only_where_one_was() -> None:
    wish = DesiredIdentity(name="alice")
    assert wish.after(ChangePassword(password="old", new="new"), PasswordChanged(revoked=0)) == wish


def test_only_the_listed_replies_change_anything() -> None:
    assert set(IDENTITY_REPLIES) <= set(REPLIES)


@pytest.mark.parametrize(
    ("user", "name"), [("", None), ("guest-5", None), ("alice", "alice"), ("guest", "guest")]
)
def test_a_name_is_chosen_unless_it_is_that_of_a_guest(user: str, name: str | None) -> None:
    assert chosen(user) == name


def test_a_login_needs_name_and_password() -> None:
    assert WISH.login() == Login(name="Alice", password="old", device="tin")
    assert DesiredIdentity(name="alice").login() is None
    assert WISH.any_guest().login() is None


def test_the_device_is_added_where_a_request_has_room_for_it() -> None:
    assert WISH.with_device(Register(password="p")) == Register(password="p", device="tin")
    mine = Login(name="a", password="p", device="mine")
    assert WISH.with_device(mine) == mine
    assert WISH.with_device(Ping()) == Ping()


def test_names_are_compared_as_servers_spell_them() -> None:
    assert WISH.is_named("alice")
    assert not WISH.is_named("bob")
    assert not DesiredIdentity().is_named("")


def test_secrets_are_not_shown() -> None:
    assert "old" not in repr(WISH)
    assert "t1" not in repr(ALICE)
