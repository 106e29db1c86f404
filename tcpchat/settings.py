"""Every setting of the server: its default, its unit, what it may be, and whether it can change live.

The classes are read by `tcpchat.cli`, which fills them from flags, `TCPCHAT_…` and a TOML file: the name of
a field is the name of the flag. In limits 0 is unlimited. A setting counts from the next SIGHUP on unless its
field is marked `AT_START`.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NamedTuple, TypeAlias

import attrs
from cyclopts import Group, Parameter
from cyclopts.validators import Number
from platformdirs import user_data_path

from tcpchat.address import Address
from tcpchat.names import LONGEST_NAME

MAX_LINE: Final = 128 * 1024  # bytes; JSON makes at most 6 of one, and no line to a client exceeds 1 MiB
CENTURY: Final = 100 * 365 * 86400.0  # seconds; more than anybody waits, and RFC 3339 can still write it

Count: TypeAlias = Annotated[int, Parameter(validator=Number(gte=0))]
Amount: TypeAlias = Annotated[float, Parameter(validator=Number(gte=0, lte=CENTURY))]

_LIMITS = Group("Limits (0: unlimited)", sort_key=4)
AT_START: Final = {"counts": "from the start on"}
"""Marks a field whose value counts from the start of the server to its end."""


def _check_endpoint(_: object, value: str | None) -> None:
    if value is not None:
        Address.parse_endpoint(value)  # its ValueError is what the parser shows


@Parameter(name="*", group=Group("Listening", sort_key=1))
@attrs.frozen(kw_only=True)
class Listening:
    """Where the server is reached."""

    host: Annotated[tuple[str, ...], Parameter(negative="", show_default=" ".join)] = attrs.field(
        default=("127.0.0.1",), metadata=AT_START
    )
    """Address or host name to listen on, IPv4 or IPv6; may be given several times."""
    port: Annotated[int, Parameter(validator=Number(gte=0, lte=65535))] = attrs.field(
        default=8000, metadata=AT_START
    )
    """TCP port; 0 takes a free one."""


@Parameter(name="*", group=Group("TLS (listens only with a certificate)", sort_key=2))
@attrs.frozen(kw_only=True)
class TlsSettings:
    """Where the server is reached encrypted, beside where it is not."""

    tls_cert: Path | None = attrs.field(default=None, metadata=AT_START)
    """PEM file with the server's certificate and those that lead to its authority. SIGHUP reads it again."""
    tls_key: Path | None = attrs.field(default=None, metadata=AT_START)
    """PEM file with the certificate's private key. Default: in the file of the certificate."""
    tls_client_ca: Path | None = attrs.field(default=None, metadata=AT_START)
    """PEM file with authorities: clients need a certificate of one of them. Default: they need none."""
    tls_host: Annotated[tuple[str, ...] | None, Parameter(negative="")] = attrs.field(
        default=None, metadata=AT_START
    )
    """Address or host name to listen on; may be given several times. Default: as --host."""
    tls_port: Annotated[int, Parameter(validator=Number(gte=0, lte=65535))] = attrs.field(
        default=8443, metadata=AT_START
    )
    """TCP port; 0 takes a free one."""


@Parameter(name="*", group=Group("Storage", sort_key=3))
@attrs.frozen(kw_only=True)
class Storage:
    """Where messages are kept, and how safely."""

    data: Path | None = attrs.field(default=None, metadata=AT_START)
    """Data folder. Default: tcpchat in the user's data folder, mostly ~/.local/share/tcpchat."""
    ephemeral: Annotated[bool, Parameter(negative="")] = attrs.field(default=False, metadata=AT_START)
    """Keep everything in memory and nothing on disk, whatever is given as data folder."""
    synchronous: Literal["full", "normal", "off"] = attrs.field(default="full", metadata=AT_START)
    """What an acknowledged message survives: full, a power cut; normal and off, a crash of the server."""

    @property
    def folder(self) -> Path | None:
        """The data folder; None if nothing is kept."""
        return None if self.ephemeral else self.data or user_data_path("tcpchat", appauthor=False)


@Parameter(name="*", group=_LIMITS)
@attrs.frozen(kw_only=True)
class Limits:
    """How much one user, one address and all together may do."""

    line_bytes: Annotated[int, Parameter(validator=Number(gte=0, lte=MAX_LINE))] = 64 * 1024
    """Longest line that is read, in bytes; at most 131072, which 0 means too."""
    text_characters: Count = 4000
    """Longest text of a message, in characters."""
    name_characters: Annotated[int, Parameter(validator=Number(gte=0, lte=LONGEST_NAME))] = 32
    """Longest name, in characters; at most 128, which 0 means too."""
    messages_per_second: Amount = 10.0
    """Messages that a user may send a second, on average."""
    message_burst: Count = 40
    """Messages that a user may send at once."""
    requests_per_second: Amount = 200.0
    """Other requests of a connection a second, on average; what is over waits."""
    request_burst: Count = 1000
    """Other requests of a connection at once."""
    backlog_bytes: Count = 4 * 1024 * 1024
    """Bytes that a connection may be behind before it is closed as slow-consumer."""
    connections: Count = 10_000
    """Connections in all; also bounded by the file descriptors that the system allows."""
    connections_per_address: Count = 5_000
    """Connections of one address."""
    sessions_per_user: Count = 20
    """Sessions of a user; one more ends the one that was not used for longest."""
    scheduled_per_user: Count = 100
    """Scheduled messages of a user."""
    absent_users: Count = 10_000
    """Users without a connection who are remembered with their names; the first to leave go first."""
    schedule_ahead_seconds: Amount = 30 * 86400.0
    """How far ahead a message may be scheduled, in seconds; 30 days. 0 means a century."""


@Parameter(name="*", group=Group("Chat", sort_key=5))
@attrs.frozen(kw_only=True)
class Rules:
    """What holds between users."""

    history: Annotated[int, Parameter(validator=Number(gte=1, lte=500))] = 20
    """Messages that history shows when it is not told how many."""
    reports_to_mute: Count = 4
    """Different users whose reports mute a user; 0: never."""
    mute_seconds: Amount = 600.0
    """How long a reported user cannot send, in seconds; 0: not at all."""
    presence_seconds: Amount = 5.0
    """How long after its last connection a user is said to have left; who is back sooner was never away."""
    grace_seconds: Amount = 600.0
    """How long a user without a connection keeps the name and can resume, in seconds; 0: until it is said
    that the user left."""
    require_login: Annotated[bool, Parameter(negative="")] = False
    """Let registered users in only, whom tcpchat admin makes; no guests."""
    key_seconds: Amount = 86400.0
    """How long a send is not repeated under the same key, in seconds; 24 hours. 0 means a century."""


@Parameter(name="*", group=Group("Running", sort_key=6))
@attrs.frozen(kw_only=True)
class Running:
    """How the server stops and what it tells its operator."""

    stop_seconds: Amount = 5.0
    """How long a stopping server waits for slow readers, in seconds."""
    log_format: Literal["text", "json"] = attrs.field(default="text", metadata=AT_START)
    """How log lines on stderr are written."""
    metrics: Annotated[str | None, Parameter(validator=_check_endpoint, show_default=False)] = attrs.field(
        default=None, metadata=AT_START
    )
    """PORT on this machine, or HOST:PORT, where Prometheus may ask for metrics. Default: nowhere"""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The least important log lines that are written."""


@Parameter(name="*")
@attrs.frozen(kw_only=True)
class Settings:
    """All settings of a server."""

    listening: Listening = attrs.field(factory=Listening)
    tls: TlsSettings = attrs.field(factory=TlsSettings)
    storage: Storage = attrs.field(factory=Storage)
    limits: Limits = attrs.field(factory=Limits)
    rules: Rules = attrs.field(factory=Rules)
    running: Running = attrs.field(factory=Running)


class Difference(NamedTuple):
    """A setting that has another value now."""

    group: str
    name: str
    before: Any
    after: Any

    def __str__(self) -> str:
        return f"{self.name}: {_shown(self.before)} -> {_shown(self.after)}"


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return " ".join(value) if isinstance(value, tuple) else str(value)


def is_live(field: attrs.Attribute[Any]) -> bool:
    """Tell whether a running server can take another value of this setting."""
    return field.metadata != AT_START


def compare(before: Settings, after: Settings) -> tuple[list[Difference], list[Difference]]:
    """Return the settings that differ: those that can change live, and those that need a restart."""
    live: list[Difference] = []
    fixed: list[Difference] = []
    for group in attrs.fields(Settings):
        old, new = getattr(before, group.name), getattr(after, group.name)
        for field in attrs.fields(type(old)):
            values = getattr(old, field.name), getattr(new, field.name)
            if values[0] != values[1]:
                (live if is_live(field) else fixed).append(Difference(group.name, field.name, *values))
    return live, fixed


def with_changes(settings: Settings, changes: Iterable[Difference]) -> Settings:
    """Return the settings with these changes made."""
    for change in changes:
        group = attrs.evolve(getattr(settings, change.group), **{change.name: change.after})
        settings = attrs.evolve(settings, **{change.group: group})
    return settings
