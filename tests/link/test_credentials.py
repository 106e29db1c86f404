"""Who a client is, from one connection to the next and from one run to the next."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tcpchat.commands.resume import Resume
from tcpchat.link.credential_store import CredentialStore
from tcpchat.link.credentials import CurrentUser
from tcpchat.link.desired_identity import DesiredIdentity, Identity
from tcpchat.protocol import LoggedIn, LoggedOut, Renamed, Resumed

ALICE = Identity(user="alice", token="t1", journal="j")


@pytest.fixture
def persona(tmp_path: Path) -> Iterator[CurrentUser]:
    """Alice, who is to be nobody in particular, and is kept in a file."""
    with closing(CredentialStore(tmp_path, "h:1", None)) as file:
        persona = CurrentUser(Identity(), DesiredIdentity())
        persona.file = file
        persona.settle(ALICE, DesiredIdentity(), None)
        yield persona


def test_before_a_greeting_nobody_is_remembered() -> None:
    assert not CurrentUser(Identity(token="t1"), DesiredIdentity()).remembered


def test_who_a_greeting_made_of_one_is_kept(persona: CurrentUser) -> None:
    assert persona.remembered
    assert persona.file.load("j") == ALICE


def test_a_name_that_somebody_chose_is_wanted_again_and_that_of_a_guest_is_not(persona: CurrentUser) -> None:
    assert persona.wanted.name == "alice"
    persona.settle(Identity(user="guest-1", token="t2", journal="j"), DesiredIdentity(), None)
    assert persona.wanted.name is None
    persona.settle(Identity(user="guest-1", token="t2", journal="j"), DesiredIdentity(name="bob"), None)
    assert persona.wanted.name == "bob"


def test_being_nobody_for_now_forgets_nobody(persona: CurrentUser) -> None:
    persona.settle(Identity(journal="j"), DesiredIdentity(), None)
    assert not persona.remembered
    assert persona.file.load("j") == ALICE


def test_another_name_is_kept_and_makes_nobody_else_of_one(persona: CurrentUser) -> None:
    assert not persona.learn(None, Renamed(old="alice", new="bob"))
    assert (persona.me.user, persona.wanted.name) == ("bob", "bob")
    assert persona.file.load("j") == persona.me


def test_another_token_makes_another_of_one_and_the_same_does_not(persona: CurrentUser) -> None:
    back = Resumed(user="alice", registered=False, session=1, seq=0)
    assert not persona.learn(Resume(token="t1"), back)
    assert persona.learn(Resume(token="t2"), back)
    assert persona.learn(None, LoggedIn(user="carol", token="t3", session=1, seq=0))
    assert persona.file.load("j") == persona.me


def test_who_has_no_way_back_is_forgotten(persona: CurrentUser) -> None:
    assert persona.learn(None, LoggedOut(user=None, token=None))
    assert persona.file.load("j") is None
    assert persona.wanted.name is None


def test_forgetting_is_for_a_later_run(persona: CurrentUser) -> None:
    persona.forget()
    assert persona.me == ALICE
    assert not persona.remembered
    assert persona.file.load("j") is None
