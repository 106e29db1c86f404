"""Sources of settings besides flags: the environment, and the TOML file that `--config` names."""

from __future__ import annotations

import os
import sys
import tomllib
from pathlib import Path

from attrs import define
from cyclopts import App, ArgumentCollection, CycloptsError
from cyclopts.config import Dict, Env

from tcpchat.cli import PREFIX, client_runner
from tcpchat.nearest import nearest

CLIENT_VARIABLES = {
    *(f"{PREFIX}{name}" for name in ("ADDRESS", "NAME", "NO_REMEMBER", "TLS", "TLS_CA", "TLS_FINGERPRINT")),
    client_runner.PASSWORD,
}
FLAGS_ONLY = {"--tls-cert", "--tls-key", "--tls-forget", "--ask-password"}
"""Options of the client that the environment does not set. There the first two are the server's, which may
run on the same machine, and the others must not happen each time."""


@define
class Environment(Env):
    """Fills options that flags left open from the environment."""

    def __call__(self, app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
        is_client = not any(argument.name == "--config" for argument in arguments)
        mine = [argument for argument in arguments if not (is_client and argument.name in FLAGS_ONLY)]
        super().__call__(app, commands, ArgumentCollection(mine))  # type: ignore[no-untyped-call]


def warn_unknown_env(app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """Warn of variables that look like settings and are none."""
    known = {PREFIX + argument.name.lstrip("-").replace("-", "_").upper() for argument in arguments}
    if f"{PREFIX}CONFIG" not in known:
        return  # a command of the client, which ignores the settings of the server
    known |= CLIENT_VARIABLES
    for name in sorted(os.environ):
        if name.startswith(PREFIX) and name not in known:
            near = nearest(name.removeprefix(PREFIX), [one.removeprefix(PREFIX) for one in sorted(known)])
            hint = f"; did you mean {PREFIX}{near}?" if near else ""
            print(f"tcpchat: the environment variable {name} is not a setting{hint}", file=sys.stderr)


def config_file(app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """Fill options that flags and environment left open from the TOML file that `--config` names."""
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
                raise CycloptsError(msg=f"{path} has a table [serve]; settings must not be in a table")
            Dict(values, source=path, use_commands_as_keys=False)(app, commands, arguments)
