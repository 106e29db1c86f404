"""The commands of who talks: their arguments, and which call they become."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import attrs
from cyclopts import CycloptsError, Parameter
from cyclopts.validators import Number

from tcpchat.address import Address
from tcpchat.cli import talk
from tcpchat.cli.encryption import PLAIN, Encryption, Switch
from tcpchat.cli.talk import HERE
from tcpchat.repl.options import HISTORY, Host, Options
from tcpchat.settings import Settings
from tcpchat.times import parse_duration

if TYPE_CHECKING:
    from tcpchat.client import Tls

_REACHED = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # what listens everywhere is reached here


def _check_address(_: type, value: str) -> None:
    Address.parse(value)  # its ValueError is what the parser shows


Name = Annotated[str | None, Parameter(show_default=False)]


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class Talker:
    """Who talks, and how it looks."""

    name: Name = None
    """The name to take; with TCPCHAT_PASSWORD in the environment the registered user to be."""
    no_remember: Switch = False
    """Be a new guest, and keep nothing of who you are for the next time."""
    plain: Switch = False
    """Linear text without colour or cursor control, as in a pipe."""
    json: Switch = False
    """Print events and replies as JSON, one a line."""

    def plan(self, address: str, *, tls: Tls | None = None, host: Host | None = None) -> Options:
        """Return the plan for talking there."""
        remember = not self.no_remember
        return talk.make_plan(address, tls=tls, name=self.name, remember=remember, host=host)


ANYBODY = Talker()
Where = Annotated[str, Parameter(validator=_check_address)]


def chat(
    *,
    talker: Talker = ANYBODY,
    config: Annotated[Path | None, Parameter(show_default=False)] = None,
    settings: Settings = Settings(),  # noqa: B008  # frozen, so that sharing it is harmless
) -> int:
    """Join the chat on 127.0.0.1:8000, or be its server if nobody else is.

    The settings are those of the server.

    Parameters
    ----------
    talker
        Who talks, and how it looks.
    config
        TOML file with settings, for example `port = 8000`.
    settings
        All the rest.
    """
    host, port = settings.listening.host[0], settings.listening.port
    address = str(Address(_REACHED.get(host, host), port))
    plan = talker.plan(address, host=lambda: talk.host(settings))
    return talk.talk(plan, plain=talker.plain, json=talker.json)


def connect(
    address: Where = HERE,
    *,
    talker: Talker = ANYBODY,
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
    talker
        Who talks, and how it looks.
    encryption
        Whether it is encrypted, and who is trusted.
    tls_forget
        Encrypt, trust no longer the certificate of which you said once that it is this server's, and ask
        again.
    """
    tls = encryption.tls_of(meant=tls_forget)
    plan = talker.plan(address, tls=tls)
    if tls_forget:
        from tcpchat.cli.trust import forget

        forget(plan)
    return talk.talk(plan, plain=talker.plain, json=talker.json)


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
        seconds = None if time is None else parse_duration(time)
    except ValueError as error:
        raise CycloptsError(msg=f"--time: {error}") from None
    return talk.send(_script(address, name, encryption), words, username=username, time=seconds)


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


def _script(address: str, name: str | None, encryption: Encryption, history: int = HISTORY) -> Options:
    plan = talk.make_plan(address, tls=encryption.tls_of(), name=name, history=history)
    if plan.password is not None and name is None:
        raise CycloptsError(msg=f"{talk.PASSWORD} is the password of a user whom --name must tell")
    return plan


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

    It talks in the lobby for real, and asks first. Ctrl-C ends it early, with the result so far. The exit
    code is 0 if everybody got once what was acknowledged, and 130 after Ctrl-C.

    Parameters
    ----------
    address
        Where the server is: HOST, HOST:PORT or [IPV6]:PORT; the port without encryption, also with
        TCPCHAT_TLS in the environment.
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
