"""Arguments → calls, nothing else."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from cyclopts import App, CycloptsError, Parameter, UnusedCliTokensError

from tcpchat import __version__
from tcpchat.cli import chatting
from tcpchat.cli.outcome import CALLED_WRONGLY, FAILED, complain
from tcpchat.cli.sources import PREFIX, Environment, config_file, slips
from tcpchat.errors import StartError
from tcpchat.nearest import nearest
from tcpchat.settings import Settings

COMMANDS = ("connect", "send", "tail", "serve", "admin", "bench")


def run(arguments: Sequence[str]) -> int:
    """Do what the command line says and return the exit code. Errors are one sentence on stderr."""
    try:
        code = app(
            _command_first(arguments), exit_on_error=False, print_error=False, result_action="return_value"
        )
    except UnusedCliTokensError as error:
        complain(_unknown(error.unused_tokens or []))
        return CALLED_WRONGLY
    except CycloptsError as error:
        complain(str(error))
        return CALLED_WRONGLY
    return code if isinstance(code, int) else 0


def _command_first(arguments: Sequence[str]) -> Sequence[str]:
    """Put options that stand before one of the operator's commands behind it: `admin --data DIR users`."""
    if not arguments or arguments[0] != "admin":
        return arguments
    end = 1
    while end < len(arguments) and (name := arguments[end]).startswith(("--data", "--json")):
        end += 2 if name == "--data" else 1
    return ["admin", *arguments[end : end + 1], *arguments[1:end], *arguments[end + 1 :]]


def _unknown(words: Sequence[str]) -> str:
    """Say what is wrong with words that nothing takes: mostly it is a command that does not exist."""
    near = nearest(words[0], COMMANDS)
    hint = f' Did you mean "{near}"?' if near else f" There are {', '.join(COMMANDS)}."
    return f'Unknown command "{words[0]}".{hint}'


app = App(
    name="tcpchat",
    version=__version__,
    help="A chat: a server that you can talk to with netcat, and a client to live in.",
    config=[Environment(PREFIX, command=False), slips, config_file],
)
app.default(chatting.chat)
for command in (chatting.connect, chatting.send, chatting.tail, chatting.bench):
    app.command(command)
app.command("tcpchat.cli.admin:app", name="admin", help="Manage users and bans: passwords, mutes, data.")
app.register_install_completion_command(help="Install completion for your shell.")


def read_settings(arguments: Sequence[str]) -> Settings:
    """Return the settings that a command line stands for now. Raises StartError."""
    try:
        _, bound, _ = app.parse_args(arguments, exit_on_error=False, print_error=False)
    except UnusedCliTokensError as error:
        raise StartError(_unknown(error.unused_tokens or [])) from None
    except CycloptsError as error:
        raise StartError(str(error)) from None
    bound.apply_defaults()
    settings: Settings = bound.arguments["settings"]
    return settings


@app.command
def serve(
    *,
    config: Annotated[Path | None, Parameter(show_default=False)] = None,
    settings: Settings = Settings(),  # noqa: B008  # frozen, so that sharing it is harmless
) -> int:
    """Run a chat server until SIGTERM or Ctrl-C.

    Each setting is a flag, or TCPCHAT_ and its name in the environment, or a line of a TOML file; the first
    of these that has it wins. SIGHUP reads the file again: see docs/operating.md.

    Parameters
    ----------
    config
        TOML file with settings, for example `port = 8000`.
    settings
        All the rest.
    """
    from tcpchat.service.daemon import run_server

    try:
        run_server(settings, lambda: read_settings(sys.argv[1:]))
    except StartError as error:
        complain(str(error))
        return FAILED
    return 0
