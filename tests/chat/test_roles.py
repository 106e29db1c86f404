"""Roles: what each may do in a named room."""

from __future__ import annotations

import pytest

from tcpchat.chat.roles import _LEAST, MEMBER, MODERATOR, OWNER, check_may, check_outranks, check_role
from tcpchat.errors import ChatError

MAY = {
    "invite": {MEMBER, MODERATOR, OWNER},
    "invite into a private room": {MODERATOR, OWNER},
    "invite a user who was removed": {MODERATOR, OWNER},
    "change the topic": {MODERATOR, OWNER},
    "remove a member": {MODERATOR, OWNER},
    "change a role": {OWNER},
    "close the room": {OWNER},
}


def test_the_table_above_has_every_action() -> None:
    assert MAY.keys() == _LEAST.keys()


@pytest.mark.parametrize("action", MAY)
@pytest.mark.parametrize("role", [MEMBER, MODERATOR, OWNER])
def test_a_role_may_do_what_the_table_says(role: str, action: str) -> None:
    if role in MAY[action]:
        check_may(role, action, "ops")
        return
    with pytest.raises(ChatError, match=f"of ops; only its .* may {action}$") as refused:
        check_may(role, action, "ops")
    assert refused.value.code == "not-allowed"


@pytest.mark.parametrize("role", [MEMBER, MODERATOR, OWNER])
@pytest.mark.parametrize("other", [MEMBER, MODERATOR, OWNER])
def test_only_a_higher_role_outranks(role: str, other: str) -> None:
    if (role, other) in {(OWNER, MODERATOR), (OWNER, MEMBER), (MODERATOR, MEMBER)}:
        check_outranks(role, other, "bob", "ops")
        return
    with pytest.raises(ChatError, match=r"bob is an? ") as refused:
        check_outranks(role, other, "bob", "ops")
    assert refused.value.code == "not-allowed"


def test_there_are_three_roles() -> None:
    for role in (OWNER, MODERATOR, MEMBER):
        check_role(role)
    for wrong in ("", "Owner", "removed", "x" * 100):
        with pytest.raises(ChatError, match="roles are member, moderator, owner") as refused:
            check_role(wrong)
        assert refused.value.code == "bad-value"
