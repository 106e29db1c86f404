"""A session, as it is stored."""

from __future__ import annotations

from tcpchat.chat.session import Session
from tcpchat.store.changes import SetSession
from tests.chat.harness import NullSubscriber


def test_what_is_stored_of_a_session_does_not_depend_on_its_connection() -> None:
    session = Session(user="u1", number=1, hash=b"\1", name="phone", address="::1", since=3, used=5)
    stored = SetSession(b"\1", "u1", 1, "phone", "::1", 3, 5)
    assert session.change() == stored
    session.connection, session.resume_order, session.ending = NullSubscriber(), 7, True
    assert session.change() == stored
