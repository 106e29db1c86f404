"""Arguments → calls, nothing else."""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import attrs
from attrs import define
from cyclopts import App, ArgumentCollection, CycloptsError, Group, Parameter, UnusedCliTokensError
from cyclopts.config import Dict, Env
from cyclopts.validators import Number

from tcpchat import __version__
from tcpchat.address import Address
from tcpchat.cli import talk
from tcpchat.cli.talk import CALLED_WRONGLY, FAILED, HERE
from tcpchat.errors import StartError
from tcpchat.fingerprint import parse_fingerprint
from tcpchat.repl.plan import HISTORY, Plan
from tcpchat.settings import Settings
from tcpchat.times import parse_span

if TYPE_CHECKING:
    from tcpchat.client import Tls

PREFIX = "TCPCHAT_"
OF_CLIENT = {
    *(f"{PREFIX}{name}" for name in ("ADDRESS", "NAME", "NO_REMEMBER", "TLS", "TLS_CA", "TLS_FINGERPRINT")),
    talk.PASSWORD,
}
ONLY_TYPED = {"--tls-cert", "--tls-key", "--tls-forget"}
"""Options of the client that the environment does not set: there the first two are the server's, which may
run there too, and what was trusted is not to be forgotten each time."""
COMMANDS = ("connect", "send", "tail", "serve", "admin", "bench")
_REACHED = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # what listens everywhere is reached here


def run(arguments: Sequence[str]) -> int:
    """Do what the command line says and return the exit code. Errors are one sentence on stderr."""
    try:
        code = app(
            _command_first(arguments), exit_on_error=False, print_error=False, result_action="return_value"
        )
    except UnusedCliTokensError as error:
        print(f"tcpchat: {_unknown(error.unused_tokens or [])}", file=sys.stderr)
        return CALLED_WRONGLY
    except CycloptsError as error:
        print(f"tcpchat: {error}", file=sys.stderr)
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
    near = get_close_matches(words[0], COMMANDS, n=1)
    hint = f' Did you mean "{near[0]}"?' if near else f" There are {', '.join(COMMANDS)}."
    return f'Unknown command "{words[0]}".{hint}'


@define
class _Environment(Env):
    """Fills what flags left open from the environment."""

    def __call__(self, app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
        is_client = not any(argument.name == "--config" for argument in arguments)
        mine = [argument for argument in arguments if not (is_client and argument.name in ONLY_TYPED)]
        super().__call__(app, commands, ArgumentCollection(mine))  # type: ignore[no-untyped-call]


def _slips(app: App, commands: tuple[str, ...], arguments: ArgumentCollection) -> None:
    """Point out what in the environment looks like a setting and is none."""
    known = {PREFIX + argument.name.lstrip("-").replace("-", "_").upper() for argument in arguments}
    if f"{PREFIX}CONFIG" not in known:
        return  # a command of the client, which passes over the settings of the server
    known |= OF_CLIENT
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


def _check_address(_: type, value: str) -> None:
    Address.parse(value)  # its ValueError is what the parser shows


app = App(
    name="tcpchat",
    version=__version__,
    help="A chat: a server that you can talk to with netcat, and a client to live in.",
    config=[_Environment(PREFIX, command=False), _slips, _config_file],
)
app.command("tcpchat.cli.admin:app", name="admin", help="Manage users and bans: passwords, mutes, data.")
app.register_install_completion_command(help="Install completion for your shell.")


Name = Annotated[str | None, Parameter(show_default=False)]
Where = Annotated[str, Parameter(validator=_check_address)]
Switch = Annotated[bool, Parameter(negative="", show_default=False)]


def _check_fingerprint(_: type, value: str | None) -> None:
    if value is not None:
        parse_fingerprint(value)  # its ValueError is what the parser shows


File = Annotated[Path | None, Parameter(show_default=False)]
OwnFile = Annotated[Path | None, Parameter(show_default=False, show_env_var=False)]


@Parameter(name="*", group=Group("TLS"))
@attrs.frozen(kw_only=True)
class Encryption:
    """Whether the connection is encrypted, and who is trusted."""

    tls: Switch = False
    """Encrypt, and trust who the system trusts, or whom you said once that you do. Each other option here
    means it too."""
    tls_ca: File = None
    """PEM file with the authorities to trust, instead of those of the system."""
    tls_fingerprint: Annotated[str | None, Parameter(show_default=False, validator=_check_fingerprint)] = None
    """Trust this one certificate: its SHA-256, as the server's log tells it."""
    tls_cert: OwnFile = None
    """PEM file with a certificate of yours, for a server that wants to see one."""
    tls_key: OwnFile = None
    """PEM file with its private key. Default: in the file of the certificate."""

    def tls_of(self) -> Tls | None:
        """Return it as the client takes it."""
        files = (self.tls_ca, self.tls_fingerprint, self.tls_cert, self.tls_key)
        if not self.tls and files == (None,) * len(files):
            return None
        from tcpchat.client import Tls

        try:
            tls = Tls(ca=self.tls_ca, fingerprint=self.tls_fingerprint, cert=self.tls_cert, key=self.tls_key)
            tls.context()
        except ValueError as error:
            raise CycloptsError(msg=str(error)) from None
        return tls


PLAIN = Encryption()


@app.default
def chat(
    *,
    name: Name = None,
    no_remember: Switch = False,
    plain: Switch = False,
    json: Switch = False,
    config: Annotated[Path | None, Parameter(show_default=False)] = None,
    settings: Settings = Settings(),  # noqa: B008  # frozen, so that sharing it is harmless
) -> int:
    """Join the chat on 127.0.0.1:8000, or be its server if nobody else is.

    The settings are those of the server.

    Parameters
    ----------
    name
        The name to take; with TCPCHAT_PASSWORD in the environment the registered user to be.
    no_remember
        Be a new guest, and keep nothing of who you are for the next time.
    plain
        Linear text without colour or cursor control, as in a pipe.
    json
        Print events and replies as JSON, one a line.
    config
        TOML file with settings, for example `port = 8000`.
    settings
        All the rest.
    """
    host, port = settings.listening.host[0], settings.listening.port
    address = str(Address(_REACHED.get(host, host), port))
    plan = talk.make_plan(address, name=name, remember=not no_remember, host=lambda: talk.host(settings))
    return talk.talk(plan, plain=plain, json=json)


@app.command
def connect(
    address: Where = HERE,
    *,
    name: Name = None,
    no_remember: Switch = False,
    plain: Switch = False,
    json: Switch = False,
    encryption: Encryption = PLAIN,
    tls_forget: Annotated[
        bool, Parameter(negative="", show_default=False, show_env_var=False, group="TLS")
    ] = False,
) -> int:
    """Join a chat.

    In a pipe, each line of stdin is said or done; it ends when the last one is acknowledged.

    Parameters
    ----------
    address
        Where the server is: HOST, HOST:PORT or [IPV6]:PORT; without a port 8000, and 8443 with TLS.
    name
        The name to take; with TCPCHAT_PASSWORD in the environment the registered user to be.
    no_remember
        Be a new guest, and keep nothing of who you are for the next time.
    plain
        Linear text without colour or cursor control, as in a pipe.
    json
        Print events and replies as JSON, one a line.
    encryption
        Whether it is encrypted, and who is trusted.
    tls_forget
        Trust no longer the certificate of which you said once that it is this server's, and ask again.
    """
    plan = talk.make_plan(address, tls=encryption.tls_of(), name=name, remember=not no_remember)
    if tls_forget:
        from tcpchat.cli.trust import forget

        forget(plan)
    return talk.talk(plan, plain=plain, json=json)


@app.command
def send(
    *text: str,
    address: Annotated[str, Parameter(alias="-a", validator=_check_address)] = HERE,
    username: Annotated[str | None, Parameter(alias="-u", show_default=False)] = None,
    time: Annotated[str | None, Parameter(alias="-t", show_default=False)] = None,
    name: Name = None,
    encryption: Encryption = PLAIN,
) -> int:
    """Say something and leave. The exit code is 0 only once it is kept.

    Parameters
    ----------
    text
        What to say; without it, what stdin says.
    address
        Where the server is: HOST, HOST:PORT or [IPV6]:PORT; without a port 8000, and 8443 with TLS.
    username
        Send to this user only.
    time
        Send later: in so many seconds, or 10m, 1h30m, 2d.
    name
        The name to take: that of the user you are here, or with TCPCHAT_PASSWORD a registered one.
        Without it a new guest says it.
    encryption
        Whether it is encrypted, and who is trusted.
    """
    words = " ".join(text) if text or sys.stdin.isatty() else sys.stdin.read().removesuffix("\n")
    if not words:
        raise CycloptsError(msg="there is no TEXT to send")
    try:
        span = None if time is None else parse_span(time)
    except ValueError as error:
        raise CycloptsError(msg=f"--time: {error}") from None
    return talk.send(_script(address, name, encryption), words, username=username, time=span)


@app.command
def tail(
    address: Where = HERE,
    *,
    count: Annotated[int, Parameter(alias="-n", validator=Number(gte=0))] = HISTORY,
    follow: Annotated[bool, Parameter(alias="-f", negative="", show_default=False)] = False,
    json: Switch = False,
    name: Name = None,
    encryption: Encryption = PLAIN,
) -> int:
    """Print the last messages of the lobby.

    Parameters
    ----------
    address
        Where the server is: HOST, HOST:PORT or [IPV6]:PORT; without a port 8000, and 8443 with TLS.
    count
        How many.
    follow
        Then print what is said as it is said, also after the server was away.
    json
        Print them as JSON, one a line.
    name
        The name to take, as for `send`; for a server where login is required.
    encryption
        Whether it is encrypted, and who is trusted.
    """
    return talk.tail(_script(address, name, encryption, history=count), json=json, follow=follow)


def _script(address: str, name: str | None, encryption: Encryption, history: int = HISTORY) -> Plan:
    plan = talk.make_plan(address, tls=encryption.tls_of(), name=name, history=history)
    if plan.password is not None and name is None:
        raise CycloptsError(msg=f"{talk.PASSWORD} is the password of a user whom --name must tell")
    return plan


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
def bench(
    address: Where = HERE,
    *,
    receivers: Annotated[int, Parameter(validator=Number(gte=1, lte=10_000))] = 100,
    senders: Annotated[int, Parameter(validator=Number(gte=1, lte=1000))] = 4,
    seconds: Annotated[float, Parameter(validator=Number(gt=0, lte=3600))] = 10,
    rate: Annotated[float, Parameter(validator=Number(gte=0))] = 0,
    size: Annotated[int, Parameter(validator=Number(gte=64, lte=4000))] = 64,
    yes: Switch = False,
    json: Switch = False,
) -> int:
    """Load a server of your own and print how it did.

    It talks in the lobby for real, and asks first. The exit code is 0 if everybody got once what was
    acknowledged.

    Parameters
    ----------
    address
        Where the server is: HOST, HOST:PORT or [IPV6]:PORT. Without encryption only.
    receivers
        Connections that listen.
    senders
        Connections that talk.
    seconds
        How long they talk.
    rate
        Messages a second of all senders together; 0: as many as go.
    size
        Bytes of a message.
    yes
        Do not ask.
    json
        Print the result as JSON.
    """
    from tcpchat.bench.plan import Plan
    from tcpchat.cli.bench import bench

    where = Address.parse(address)
    plan = Plan(address=where, receivers=receivers, senders=senders, seconds=seconds, rate=rate, size=size)
    return bench(plan, yes=yes, json=json)


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
    from tcpchat.process import run_server

    try:
        run_server(settings, lambda: read_settings(sys.argv[1:]))
    except StartError as error:
        print(f"tcpchat: {error}", file=sys.stderr)
        return FAILED
    return 0
