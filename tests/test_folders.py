"""The folders of the user's own files, with and without a home."""

from __future__ import annotations

from pathlib import Path

import pytest

from tcpchat.cli.client_runner import make_plan
from tcpchat.errors import StartError
from tcpchat.folders import config_folder, data_folder, state_folder
from tcpchat.settings import Storage


def test_each_kind_of_file_has_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CONFIG", "DATA", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(tmp_path / name.lower()))
    found = [config_folder(), data_folder(), state_folder()]
    assert found == [tmp_path / name / "tcpchat" for name in ("config", "data", "state")]


@pytest.fixture
def no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user id without a name, as in many containers, and no HOME."""
    for name in ("HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        monkeypatch.delenv(name)

    def unknown(_: int) -> object:
        raise KeyError("getpwuid(): uid not found")

    monkeypatch.setattr("pwd.getpwuid", unknown)


@pytest.mark.usefixtures("no_home")
def test_without_a_home_there_are_none() -> None:
    assert (config_folder(), data_folder(), state_folder()) == (None, None, None)


@pytest.mark.usefixtures("no_home")
def test_a_client_without_a_home_says_what_it_does_not_save() -> None:
    options = make_plan()
    assert (options.config, options.state) == (None, None)
    assert (
        options.problem == "identity, settings and history are not saved: there is no home folder; set HOME"
    )


@pytest.mark.usefixtures("no_home")
def test_a_server_without_a_home_needs_a_folder_for_its_data() -> None:
    with pytest.raises(StartError, match="there is no home folder; set HOME, or give --data FOLDER"):
        _ = Storage().folder
    assert Storage(data=Path("/srv/chat")).folder == Path("/srv/chat")
    assert Storage(ephemeral=True).folder is None
