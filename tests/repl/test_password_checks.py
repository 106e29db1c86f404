"""What follows a refused password: it is asked for again, a few times, where that may help."""

from __future__ import annotations

import pytest

from tcpchat.client import DisconnectedError, RefusedError
from tcpchat.protocol import ChangePassword, Error, Login, Register, Send
from tcpchat.repl.password_checks import RETRIES, PasswordChecks, has_password

LOGIN = Login(name="bob", password="wrong", device="phone", id=7)


def refused(code: str) -> RefusedError:
    return RefusedError(Error(code=code, message="no"))


def test_it_is_asked_for_again_without_the_wrong_one() -> None:
    checks = PasswordChecks()
    for _ in range(RETRIES):
        again = checks.end(LOGIN, refused("wrong-login"))
        assert again is not None
        assert again.answer(b"right") == Login(name="bob", password="right", device="phone")
    assert checks.end(LOGIN, refused("wrong-login")) is None


def test_a_right_one_and_a_new_command_begin_anew() -> None:
    checks = PasswordChecks()
    for right in (False, True):
        asked = [checks.end(LOGIN, refused("wrong-login")) for _ in range(RETRIES)]
        assert None not in asked
        if right:
            assert checks.end(LOGIN, None) is None
        else:
            checks.begin()
    assert checks.end(LOGIN, refused("wrong-login")) is not None


@pytest.mark.parametrize("error", [refused("rate-limited"), refused("banned"), DisconnectedError("lost")])
def test_where_another_password_does_not_help_nothing_is_asked(error: Exception) -> None:
    assert PasswordChecks().end(LOGIN, error) is None


def test_requests_with_a_password_are_known() -> None:
    assert has_password(LOGIN)
    assert has_password(Register(password="x"))
    assert has_password(ChangePassword(password="x", new="y"))
    assert not has_password(Send(text="x"))
