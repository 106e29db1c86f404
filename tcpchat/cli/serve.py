"""`tcpchat serve`: a server in this process."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from tcpchat.cli.exit_codes import FAILED, complain
from tcpchat.cli.setting_options import DEFAULT_OPTIONS, SettingOptions, as_settings
from tcpchat.errors import StartError


def serve(
    *,
    config: Annotated[Path | None, Parameter(show_default=False)] = None,
    settings: SettingOptions = DEFAULT_OPTIONS,
) -> int:
    """Run a chat server until SIGTERM or Ctrl-C.

    Each setting can be a flag, an environment variable (TCPCHAT_ and its name) or a line of a TOML file; the
    first of these wins. SIGHUP reads the file again: see docs/operating.md.

    For example:

    tcpchat serve --port 9000 --data /srv/chat

    tcpchat serve --host 0.0.0.0 --require-login --log-format json

    Parameters
    ----------
    config
        TOML file with settings, for example `port = 8000`.
    settings
        Everything else.
    """
    from tcpchat.cli.app import read_settings
    from tcpchat.service.daemon import run_server

    try:
        run_server(as_settings(settings), lambda: read_settings(sys.argv[1:]))
    except StartError as error:
        complain(str(error))
        return FAILED
    return 0
