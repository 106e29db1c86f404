"""The current user, from one connection to the next and from one run to the next."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tcpchat.link.credential_store import CredentialStore
from tcpchat.link.current_user import CurrentUser
from tcpchat.link.desired_identity import DesiredIdentity, Identity
from tcpchat.protocol import LoggedIn, LoggedOut, Renamed, Resume, Resumed

ALICE = Identity(user="alice", token="t1", journal="j")


@pytest.fixture
def user(tmp_path: Path) -> Iterator[CurrentUser]:
    """Alice, who is to be nobody in particular, and is kept in a file."""
    with closing(CredentialStore(tmp_path, "h:1", None)) as store:
        user = CurrentUser(Identity(), DesiredIdentity())
        user.store = store
        user.adopt(ALICE, DesiredIdentity(), None)
        yield user


def test_before_a_handshake_nothing_is_remembered() -> None:
    assert not CurrentUser(Identity(token="t1"), DesiredIdentity()).remembered


def test_the_identity_from_a_handshake_is_saved(user: CurrentUser) -> None:
    assert user.remembered
    assert user.store.load("j") == ALICE


def test_a_chosen_name_is_desired_again_and_a_guests_name_is_not(user: CurrentUser) -> None:
    assert user.desired.name == "alice"
    user.adopt(Identity(user="guest-1", token="t2", journal="j"), DesiredIdentity(), None)
    assert user.desired.name is None
    user.adopt(Identity(user="guest-1", token="t2", journal="j"), DesiredIdentity(name="bob"), None)
    assert user.desired.name == "bob"


def test_being_nobody_leaves_the_saved_identity(user: CurrentUser) -> None:
    user.adopt(Identity(journal="j"), DesiredIdentity(), None)
    assert not user.remembered
    assert user.store.load("j") == ALICE


def test_a_new_name_is_saved_and_is_the_same_user(user: CurrentUser) -> None:
    assert not user.learn(None, Renamed(old="alice", new="bob"))
    assert (user.identity.user, user.desired.name) == ("bob", "bob")
    assert user.store.load("j") == user.identity


def test_another_token_is_another_user(user: CurrentUser) -> None:
    back = Resumed(user="alice", registered=False, session=1, seq=0)
    assert not user.learn(Resume(token="t1"), back)
    assert user.learn(Resume(token="t2"), back)
    assert user.learn(None, LoggedIn(user="carol", token="t3", session=1, seq=0))
    assert user.store.load("j") == user.identity


def test_an_identity_without_a_token_is_not_saved(user: CurrentUser) -> None:
    assert user.learn(None, LoggedOut(user=None, token=None))
    assert user.store.load("j") is None
    assert user.desired.name is None


def test_forgetting_changes_only_later_runs(user: CurrentUser) -> None:
    user.forget()
    assert user.identity == ALICE
    assert not user.remembered
    assert user.store.load("j") is None
