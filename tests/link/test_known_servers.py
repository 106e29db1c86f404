"""Accepted certificates: one for each server, and none by accident."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tcpchat.fingerprint import fingerprint
from tcpchat.link.known_servers import KnownServers

HERE = "chat.example.org:8443"
ONE, TWO = fingerprint(b"one"), fingerprint(b"two")


@pytest.fixture
def trusted(tmp_path: Path) -> KnownServers:
    return KnownServers(tmp_path / "state")


def test_a_certificate_is_accepted_for_one_server_until_it_is_forgotten(trusted: KnownServers) -> None:
    assert trusted.find(HERE) is None
    trusted.trust(HERE, ONE)
    assert trusted.find(HERE) == trusted.find(HERE.upper()) == ONE
    assert trusted.find("chat.example.org:8444") is None
    trusted.trust("chat.example.org:8444", TWO)
    assert trusted.find(HERE) == ONE
    trusted.trust(HERE, TWO)
    assert trusted.find(HERE) == TWO
    trusted.forget(HERE)
    trusted.forget(HERE)
    assert trusted.find(HERE) is None
    assert trusted.find("chat.example.org:8444") == TWO


def test_no_other_user_may_read_or_change_the_files(trusted: KnownServers, tmp_path: Path) -> None:
    trusted.trust(HERE, ONE)
    (file,) = (tmp_path / "state/trusted").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("damage", ["", "{}", "[]", "null", '{"address": 1}', "elsewhere", "short"])
def test_a_damaged_file_is_an_error(trusted: KnownServers, tmp_path: Path, damage: str) -> None:
    """Else the person would be asked as if nothing had been trusted before."""
    trusted.trust(HERE, ONE)
    (file,) = (tmp_path / "state/trusted").iterdir()
    if damage == "elsewhere":
        damage = file.read_text().replace("8443", "8444")
    elif damage == "short":
        damage = file.read_text().replace(ONE, ONE[:-1])
    file.write_text(damage)
    with pytest.raises(OSError, match="is damaged"):
        trusted.find(HERE)
    file.unlink()
    file.mkdir()
    with pytest.raises(OSError, match="not a plain file that you own"):
        trusted.find(HERE)
