"""Arguments → calls, nothing else."""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated

from cyclopts import App, ArgumentCollection, CycloptsError, Parameter
from cyclopts.config import Dict, Env

from tcpchat import __version__
from tcpchat.errors import StartError
from tcpchat.settings import Settings

FAILED = 1
CALLED_WRONGLY = 2
PREFIX = "TCPCHAT_"


def run(arguments: Sequence[str]) -> int:
    """Do what the command line says and return the exit code. Errors are one sentence on stderr."""
    try:
        code = app(arguments, exit_on_error=False, print_error=False, result_action="return_value")
    except CycloptsError as error:
        print(f"tcpchat: {error}", file=sys.stderr)
        return CALLED_WRONGLY
    return code if isinstance(code, int) else 0


def _slips(app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """Point out what in the environment looks like a setting and is none."""
    if not commands:
        return
    known = {PREFIX + argument.name.lstrip("-").replace("-", "_").upper() for argument in arguments}
    for name in sorted(os.environ):
        if name.startswith(PREFIX) and name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            print(f"tcpchat: {name} in the environment is no setting{hint}", file=sys.stderr)


def _config_file(app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """Fill what flags and environment left open from the TOML file that `--config` names."""
    for argument in arguments:
        if argument.name == "--config" and argument.tokens:
            path = argument.tokens[0].value
            try:
                values = tomllib.loads(Path(path).read_text())
            except OSError as error:
                raise CycloptsError(msg=f"cannot read --config {path}: {error.strerror}") from None
            except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
                raise CycloptsError(msg=f"--config {path} is not TOML: {error}") from None
            if "serve" in values:
                raise CycloptsError(msg=f"{path} has a table [serve]; settings stand without a table")
            Dict(values, source=path, use_commands_as_keys=False)(app, commands, arguments)


app = App(
    name="tcpchat",
    version=__version__,
    help="A chat server that you can talk to with netcat.",
    config=[Env(PREFIX, command=False), _slips, _config_file],
)
app.register_install_completion_command(help="Install completion for your shell.")


@app.command
def serve(
    *,
    config: Annotated[Path | None, Parameter(show_default=False)] = None,
    settings: Settings = Settings(),  # noqa: B008  # frozen, so that sharing it is harmless
) -> int:
    """Run a chat server until SIGTERM or Ctrl-C.

    Each setting is a flag, or TCPCHAT_ and its name in the environment, or a line of a TOML file; the first
    of these that has it wins.

    Parameters
    ----------
    config
        TOML file with settings, for example `port = 8000`.
    settings
        All the rest.
    """
    from tcpchat.server import run_server

    try:
        run_server(settings)
    except StartError as error:
        print(f"tcpchat: {error}", file=sys.stderr)
        return FAILED
    return 0
