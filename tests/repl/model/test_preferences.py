"""Settings that a person makes: kept, and never a reason not to chat."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from tcpchat.repl.model.preferences import ASK, CHOICES, MEANING, Preferences

DEFAULTS = {"bell": "on", "timestamps": "on", "joins": "on", "theme": "dark", "name": ""}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config" / "settings.json"


def test_the_defaults(path: Path) -> None:
    assert dict(Preferences(path).items()) == DEFAULTS
    assert MEANING.keys() == DEFAULTS.keys()
    assert not path.exists()


def test_settings_last_over_sessions(path: Path) -> None:
    now = Preferences(path)
    assert now.set("theme", "light") is None
    assert now.set("bell", "off") is None
    assert now.set("name", "zoë") is None
    then = Preferences(path)
    assert dict(then.items()) == DEFAULTS | {"theme": "light", "bell": "off", "name": "zoë"}
    assert then["theme"] == "light"
    assert (then.on("bell"), then.on("joins")) == (False, True)


def test_a_forced_setting_is_not_saved_and_ends_when_it_is_set(path: Path) -> None:
    Preferences(path).set("theme", "light")
    forced = Preferences(path, {"theme": "mono"})
    assert (forced["theme"], dict(forced.items())["theme"]) == ("mono", "mono")
    forced.set("bell", "off")
    assert Preferences(path)["theme"] == "light"
    forced.set("theme", "dark")
    assert forced["theme"] == Preferences(path)["theme"] == "dark"


def test_answers_are_saved_beside_the_settings(path: Path) -> None:
    now = Preferences(path)
    assert now.keep("read", "text") is None
    now.keep("send", "command")
    now.keep("away", "text")
    now.keep("away", ASK)
    then = Preferences(path)
    assert then.words == {"read": "text", "send": "command"}
    assert dict(then.items()) == DEFAULTS
    assert then.set("bell", "off") is None
    assert Preferences(path).words == then.words


def test_setting_leaves_no_other_file_behind(path: Path) -> None:
    settings = Preferences(path)
    for value in CHOICES["theme"]:
        settings.set("theme", value)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("bel", "on", "there is no setting 'bel'; there are bell, timestamps, joins, theme, name"),
        ("bell", "loud", "bell must be on or off"),
        ("theme", "Dark", "theme must be dark or light or mono"),
        ("name", "guest-7", "names that begin with guest- are given by the server"),
        ("name", "lobby", "it stands for the room that everybody is in; choose another"),
        ("name", "?!", "names do not contain '?'"),
        ("joins", "", "joins must be on or off"),
    ],
)
def test_a_wrong_setting_is_refused_and_changes_nothing(path: Path, name: str, value: str, why: str) -> None:
    settings = Preferences(path)
    with pytest.raises(ValueError, match=r"must be|there is no|given by|cannot be a name") as wrong:
        settings.set(name, value)
    assert why in str(wrong.value)
    assert dict(settings.items()) == DEFAULTS
    assert not path.exists()


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'"theme"',
        b"\xff",
        b'{"theme": 1}',
        b'{"theme": "pink"}',
        b'{"theme": ["light"]}',
        b'{"words": ["read"]}',
        b'{"words": {"read": 1}}',
    ],
)
def test_a_broken_file_is_passed_over(path: Path, text: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(text)
    assert dict(Preferences(path).items()) == DEFAULTS
    assert Preferences(path).words == {}


def test_good_values_of_a_file_count(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(
        orjson.dumps({"bell": "off", "theme": "pink", "future": "on", "name": "bob", "joins": True})
    )
    assert dict(Preferences(path).items()) == DEFAULTS | {"bell": "off", "name": "bob"}


def test_a_setting_that_cannot_be_saved_applies_until_the_end(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("a file where the folder should be")
    settings = Preferences(tmp_path / "config" / "settings.json")
    assert "this applies until you leave, since it could not be saved" in (settings.set("bell", "off") or "")
    assert not settings.on("bell")


def test_without_a_file_settings_last_as_long_as_the_program() -> None:
    settings = Preferences(None)
    assert settings.set("bell", "off") is None
    assert settings["bell"] == "off"
