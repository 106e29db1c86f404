"""The folders of the user's own files; there are none for a user without a home."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from platformdirs import user_config_path, user_data_path, user_state_path

NO_HOME: Final = "there is no home folder; set HOME"


def config_folder() -> Path | None:
    """Return the folder of the settings that the user makes."""
    return _folder(user_config_path)


def state_folder() -> Path | None:
    """Return the folder of the input history, credentials, accepted certificates and logs."""
    return _folder(user_state_path)


def data_folder() -> Path | None:
    """Return the folder of a server's data."""
    return _folder(user_data_path)


def _folder(of: Callable[..., Path]) -> Path | None:
    try:
        return of("tcpchat", appauthor=False)
    except RuntimeError:  # no HOME, and the system does not know the user either
        return None
