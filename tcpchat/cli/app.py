"""The parser of the command line: commands that are imported when they run, and errors in one sentence."""

from __future__ import annotations

from collections.abc import Sequence

from cyclopts import App, CycloptsError

from tcpchat._version import __version__
from tcpchat.cli import PREFIX, client_commands
from tcpchat.cli.config_sources import Environment, config_file, warn_unknown_env
from tcpchat.cli.exit_codes import CALLED_WRONGLY, FAILED, complain
from tcpchat.cli.meant import COMMANDS
from tcpchat.cli.overview import OVERVIEW
from tcpchat.cli.sentences import no_command, sentence
from tcpchat.cli.setting_options import as_settings
from tcpchat.errors import StartError
from tcpchat.settings import Settings

HELP = {"--help", "-h"}

app = App(
    name="tcpchat",
    version=__version__,
    config=[Environment(PREFIX, command=False), warn_unknown_env, config_file],
)
app.default(client_commands.chat)
app.command("tcpchat.cli.client_commands:connect", name="connect")
app.command("tcpchat.cli.client_commands:send", name="send")
app.command("tcpchat.cli.client_commands:tail", name="tail")
app.command("tcpchat.cli.serve:serve", name="serve")
app.command("tcpchat.cli.admin:app", name="admin")
app.command("tcpchat.cli.bench:bench", name="bench")
app.register_install_completion_command(help="Install completion for your shell.")


def parse_and_run(arguments: Sequence[str]) -> int:
    """Do what the command line says and return the exit code. Errors are one sentence on stderr."""
    if arguments[1:] == ["--help"] and arguments[0] not in COMMANDS and not arguments[0].startswith("-"):
        complain(no_command(arguments[0]))
        return CALLED_WRONGLY
    if HELP & {*arguments} and not app.parse_commands([one for one in arguments if one not in HELP])[0]:
        print(OVERVIEW, end="")
        return 0
    try:
        code = app(arguments, exit_on_error=False, print_error=False, result_action="return_value")
    except CycloptsError as error:
        complain(sentence(error))
        return CALLED_WRONGLY
    except StartError as error:
        complain(str(error))
        return FAILED
    return code if isinstance(code, int) else 0


def read_settings(arguments: Sequence[str]) -> Settings:
    """Return the settings that a command line stands for now. Raises StartError."""
    try:
        _, bound, _ = app.parse_args(arguments, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        raise StartError(sentence(error)) from None
    bound.apply_defaults()
    return as_settings(bound.arguments["settings"])
