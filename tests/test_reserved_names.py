"""Reserved names: nobody takes one, nor one that looks like it."""

from __future__ import annotations

import pytest

from tcpchat.errors import ChatError
from tcpchat.names import enforce, imitates
from tcpchat.protocol import GUEST, LOBBY
from tcpchat.reserved_names import RESERVED_NAMES

PROMISED = (
    "lobby", "everyone", "all", "here", "server", "operator", "admin", "system", "root", "anonymous", "robot",
    "deleted", "me",
)  # fmt: skip


def test_the_place_the_house_and_everybody_are_in_the_table() -> None:
    assert set(PROMISED) <= set(RESERVED_NAMES)
    assert LOBBY in RESERVED_NAMES
    assert all(name == name.lower() and why.startswith("stands for") for name, why in RESERVED_NAMES.items())


@pytest.mark.parametrize("name", sorted(RESERVED_NAMES))
def test_a_reserved_name_is_refused_in_every_form(name: str) -> None:
    wide = "".join(chr(ord(char) + 0xFEE0) for char in name)
    for form in (name, name.upper(), name.title(), wide, f"_{name}_", f"{name}.", f"{name}-"):
        assert imitates(form) == name
        with pytest.raises(ChatError) as refused:
            enforce(form, 32)
        assert refused.value.code == "bad-name"
        assert f"{RESERVED_NAMES[name]}; choose another" in refused.value.message


@pytest.mark.parametrize(
    ("name", "alike"),
    [
        ("l0bby", "lobby"),
        ("1obby", "lobby"),
        ("lobb\u0443", "lobby"),  # with a Cyrillic letter
        ("a11", "all"),
        ("adrnin", "admin"),
        ("\u0430dmin", "admin"),
        ("r00t", "root"),
        ("0perat0r", "operator"),
        ("\u0435v\u0435r\u0443on\u0435", "everyone"),
        ("rne", "me"),
    ],
)
def test_a_look_alike_is_refused_and_told_so(name: str, alike: str) -> None:
    with pytest.raises(ChatError, match=f"it looks like {alike}, which stands for"):
        enforce(name, 32)


@pytest.mark.parametrize("name", ["alice", "admins", "server2", "ghost", "allen", "meg", "youssef", "rooty"])
def test_other_names_are_free(name: str) -> None:
    assert imitates(name) is None
    assert enforce(name, 32) == name


def test_no_reserved_name_is_proposed() -> None:
    with pytest.raises(ChatError) as refused:
        enforce("@all", 32)
    assert "for example" not in refused.value.message


def test_the_names_of_guests_are_not_reserved_here() -> None:
    assert imitates(f"{GUEST}1") is None
