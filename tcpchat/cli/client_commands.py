"""The arguments of the client's commands: `tcpchat`, `connect`, `send` and `tail`."""

from __future__ import annotations

import sys
from pathlib import Path
from time import time as now
from typing import TYPE_CHECKING, Annotated, Any

import attrs
from cyclopts import CycloptsError, Parameter
from cyclopts.validators import Number

from tcpchat import streams
from tcpchat.address import Address
from tcpchat.cli import client_runner
from tcpchat.cli.client_runner import HERE
from tcpchat.cli.setting_options import DEFAULT_OPTIONS, SettingOptions, as_settings
from tcpchat.cli.tls_options import NO_TLS, Switch, TlsOptions
from tcpchat.repl.options import HISTORY, Host, Options
from tcpchat.times import parse_delay, parse_past

if TYPE_CHECKING:
    from tcpchat.client import Tls

_REACHED_AT = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # where to reach a server that listens everywhere


def check_address(_: type, value: str) -> None:
    """Raise ValueError, which the parser shows, if this is not HOST[:PORT]."""
    Address.parse(value)


def check_place(_: type, value: str) -> None:
    """Raise ValueError, which the parser shows, if this is not [NAME@]HOST[:PORT]."""
    client_runner.parse_place(value)


ALL = 1_000_000_000  # messages; a room has fewer
Name = Annotated[str | None, Parameter(show_default=False)]
AskPassword = Annotated[bool, Parameter(alias="-W", negative="", show_default=False, show_env_var=False)]
Where = Annotated[str, Parameter(validator=check_place)]


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class ClientOptions:
    """The user's name, and the form of the output."""

    name: Name = None
    """The name to take. With TCPCHAT_PASSWORD in the environment: log in as this user."""
    ask_password: AskPassword = False
    """Ask for the password of this user at the terminal, and log in."""
    no_remember: Switch = False
    """Join as a new guest and do not save the identity."""
    plain: Switch = False
    """Print plain text line by line, without colours or cursor control, as in a pipe."""
    json: Switch = False
    """Print events and replies as JSON, one per line; a line of stdin that begins with { is a request."""
    commands: Switch = False
    """Run each line of a pipe as a command; without this, each line is text."""

    def plan(self, address: str, *, tls: Tls | None = None, host: Host | None = None) -> Options:
        """Return the plan for a client of this server."""
        remember = not self.no_remember
        plan = _plan(address, tls=tls, name=self.name, remember=remember, host=host)
        return _with_password(plan) if self.ask_password else plan

    def talk(self, plan: Options) -> int:
        """Run the client in the form that is asked for, and return the exit code."""
        return client_runner.talk(plan, plain=self.plain, json=self.json, commands=self.commands)


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class ScriptUser:
    """The user of a script."""

    name: Name = None
    """The name to take: that of your saved identity or, with a password, of a registered user. Without it, a
    script is a new guest."""
    ask_password: AskPassword = False
    """Ask for the password of this user at the terminal; without it, TCPCHAT_PASSWORD is taken."""


A_GUEST = ScriptUser()


def _plan(address: str, **options: Any) -> Options:
    try:
        return client_runner.make_plan(address, **options)
    except ValueError as error:
        raise CycloptsError(msg=str(error)) from None


def _with_password(plan: Options) -> Options:
    """Return the plan with a password that is asked for now."""
    if plan.name is None:
        raise CycloptsError(msg="--ask-password (-W) requires --name, the user to log in as")
    from tcpchat.cli.ask_password import ask_password

    instead = f"set {client_runner.PASSWORD} in the environment instead"
    return attrs.evolve(plan, password=ask_password(plan.name, instead))


DEFAULTS = ClientOptions()


def chat(
    *,
    client: ClientOptions = DEFAULTS,
    config: Annotated[Path | None, Parameter(show_default=False)] = None,
    settings: SettingOptions = DEFAULT_OPTIONS,
) -> int:
    """Join the chat on 127.0.0.1:8000, or start it if there is none.

    The settings are those of the server that it starts.

    Parameters
    ----------
    client
        Options of the client.
    config
        TOML file with settings, for example `port = 8000`.
    settings
        Settings of the server.
    """
    of_server = as_settings(settings)
    host, port = of_server.listening.host[0], of_server.listening.port
    address = str(Address(_REACHED_AT.get(host, host), port))
    plan = client.plan(address, host=lambda: client_runner.host(of_server))
    return client.talk(plan)


def connect(
    address: Where = HERE,
    *,
    client: ClientOptions = DEFAULTS,
    tls: TlsOptions = NO_TLS,
    tls_forget: Annotated[
        bool, Parameter(negative="", show_default=False, show_env_var=False, group="TLS")
    ] = False,
) -> int:
    """Join a chat.

    In a pipe, each line of stdin is sent as text, or with --commands run as a command. The client exits when
    the last one is acknowledged.

    For example:

    tcpchat connect chat.example.org --name alice

    tcpchat connect --tls alice@chat.example.org

    Parameters
    ----------
    address
        The server: HOST, HOST:PORT or [IPV6]:PORT, or NAME@ and that. The default port is 8000, or 8443 with
        TLS.
    client
        Options of the client.
    tls
        Options of TLS.
    tls_forget
        Use TLS, no longer trust the certificate that you accepted for this server, and ask again.
    """
    used = tls.as_tls(implied=tls_forget)
    plan = client.plan(address, tls=used)
    if tls_forget:
        from tcpchat.cli.trust import forget

        forget(plan)
    return client.talk(plan)


def send(
    *text: str,
    address: Annotated[str, Parameter(alias="-a", validator=check_place)] = HERE,
    username: Annotated[str | None, Parameter(alias="-u", show_default=False)] = None,
    time: Annotated[str | None, Parameter(alias="-t", show_default=False)] = None,
    user: ScriptUser = A_GUEST,
    tls: TlsOptions = NO_TLS,
) -> int:
    """Send one message and exit.

    The exit code is 0 only if the server has stored the message.

    For example:

    tcpchat send "deploy done"

    tcpchat send -a chat.example.org -u bob -t 10m "lunch?"

    tcpchat send --name deploybot -W -- "-3 files"

    Parameters
    ----------
    text
        The message. Read from stdin if omitted.
    address
        The server: HOST, HOST:PORT or [IPV6]:PORT, or NAME@ and that. The default port is 8000, or 8443 with
        TLS.
    username
        Send to this user only.
    time
        Send later: after so many seconds, or 10m, 1.5h, 2d, 1w; or at 14:30, 'tomorrow 9:00'.
    user
        Options of the user.
    tls
        Options of TLS.
    """
    words = _text(text)
    if not words:
        raise CycloptsError(msg="there is no TEXT to send")
    try:
        seconds = None if time is None else parse_delay(time, now())
    except ValueError as error:
        raise CycloptsError(msg=f"--time: {error}") from None
    return client_runner.send(_script_plan(address, user, tls), words, username=username, time=seconds)


def _text(words: tuple[str, ...]) -> str:
    if words or sys.stdin.isatty():
        return streams.argument(" ".join(words))
    return streams.read_text().removesuffix("\n")


def tail(
    address: Where = HERE,
    *,
    count: Annotated[int | None, Parameter(alias="-n", validator=Number(gte=0), show_default=False)] = None,
    since: Annotated[str | None, Parameter(show_default=False)] = None,
    username: Annotated[str | None, Parameter(alias="-u", show_default=False)] = None,
    follow: Annotated[bool, Parameter(alias="-f", negative="", show_default=False)] = False,
    json: Switch = False,
    user: ScriptUser = A_GUEST,
    tls: TlsOptions = NO_TLS,
) -> int:
    """Print the last messages of the lobby.

    For example:

    tcpchat tail -3

    tcpchat tail chat.example.org --since "yesterday 9:00" --json

    tcpchat tail --name alice -u bob --follow

    Parameters
    ----------
    address
        The server: HOST, HOST:PORT or [IPV6]:PORT, or NAME@ and that. The default port is 8000, or 8443 with
        TLS.
    count
        Number of messages: 20 if omitted, or with --since all.
    since
        Only messages since then: 90 seconds ago, or 10m, 1.5h, 2d, 1w; or since 14:30, 'yesterday 9:00',
        2026-11-30T14:30Z.
    username
        The private messages with this user, instead of the lobby; with --name, whose messages they are.
    follow
        Keep printing new messages, also across server restarts.
    json
        Print messages as JSON, one per line.
    user
        Options of the user.
    tls
        Options of TLS.
    """
    try:
        begin = None if since is None else parse_past(since, now())
    except ValueError as error:
        raise CycloptsError(msg=f"--since: {error}") from None
    if count is None:
        count = HISTORY if begin is None else ALL
    plan = _script_plan(address, user, tls, history=count)
    return client_runner.tail(plan, json=json, follow=follow, since=begin, username=username)


def _script_plan(address: str, user: ScriptUser, tls: TlsOptions, history: int = HISTORY) -> Options:
    plan = _plan(address, tls=tls.as_tls(), name=user.name, history=history)
    if user.ask_password:
        return _with_password(plan)
    if plan.password is not None and plan.name is None:
        raise CycloptsError(msg=f"{client_runner.PASSWORD} requires --name, the user to log in as")
    return plan
