"""Settings of the server: their defaults, bounds and help, and which of them a reload changes. Plain values.

`tcpchat.cli` reads them from flags, `TCPCHAT_…` and a TOML file: the name of a field is the name of its flag.
In limits 0 means unlimited.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import attrs

from tcpchat.address import MAX_PORT, Address
from tcpchat.errors import StartError
from tcpchat.files import NO_HOME, data_folder
from tcpchat.names import LONGEST_NAME

MAX_LINE: Final = 128 * 1024  # bytes; JSON makes at most 6 of one, and no line to a client exceeds 1 MiB
CENTURY: Final = 100 * 365 * 86400.0  # seconds; longer than anybody waits, and RFC 3339 can still write it


@attrs.frozen(kw_only=True)
class About:
    """The help of a setting, and what it may be. Bounds are those of numbers."""

    help: str
    least: float = 0
    most: float | None = None
    """If None: as much as anybody likes, or a century of seconds."""
    check: Callable[[str], object] | None = None
    """Raises ValueError for a text that is not a value of the setting."""
    live: bool = True
    """Whether a reload changes it. Otherwise it keeps its value from the start of the server to its end."""


def _about(help: str, **more: Any) -> dict[str, About]:
    """Return the metadata of a field."""
    return {"about": About(help=help, **more)}


def about(field: attrs.Attribute[Any]) -> About:
    """Return what there is to know about the setting of a field."""
    found = field.metadata["about"]
    assert isinstance(found, About)
    return found


@attrs.frozen(kw_only=True)
class Listening:
    """Where the server listens without TLS."""

    host: tuple[str, ...] = attrs.field(
        default=("127.0.0.1",),
        metadata=_about("Address or host name to listen on, IPv4 or IPv6. May be repeated.", live=False),
    )
    port: int = attrs.field(
        default=8000, metadata=_about("TCP port; 0 picks a free one.", most=MAX_PORT, live=False)
    )


@attrs.frozen(kw_only=True)
class TlsSettings:
    """Where the server listens with TLS, in addition."""

    tls_cert: Path | None = attrs.field(
        default=None,
        metadata=_about(
            "PEM file with the server's certificate and its chain. SIGHUP reads it again.", live=False
        ),
    )
    tls_key: Path | None = attrs.field(
        default=None,
        metadata=_about(
            "PEM file with the certificate's private key. Default: the file of the certificate.", live=False
        ),
    )
    tls_self_signed: bool = attrs.field(
        default=False,
        metadata=_about(
            "Make a certificate in the data folder at the first start, with the program openssl, and use it. "
            "Each start shows its fingerprint.",
            live=False,
        ),
    )
    tls_client_ca: Path | None = attrs.field(
        default=None,
        metadata=_about(
            "PEM file with authorities, one of which must have signed each client's certificate. "
            "Default: clients need no certificate.",
            live=False,
        ),
    )
    tls_host: tuple[str, ...] | None = attrs.field(
        default=None,
        metadata=_about(
            "Address or host name to listen on. May be repeated. Default: same as --host.", live=False
        ),
    )
    tls_port: int = attrs.field(
        default=8443, metadata=_about("TCP port; 0 picks a free one.", most=MAX_PORT, live=False)
    )


@attrs.frozen(kw_only=True)
class Storage:
    """Where data is stored, and how safely."""

    data: Path | None = attrs.field(
        default=None,
        metadata=_about(
            "Data folder. Default: tcpchat in the user's data folder, usually ~/.local/share/tcpchat.",
            live=False,
        ),
    )
    ephemeral: bool = attrs.field(
        default=False,
        metadata=_about(
            "Store everything in memory and nothing on disk, even if a data folder is given.", live=False
        ),
    )
    synchronous: Literal["full", "normal", "off"] = attrs.field(
        default="full",
        metadata=_about(
            "What acknowledged messages survive. full: a power cut. normal, off: a crash of the server only.",
            live=False,
        ),
    )

    @property
    def folder(self) -> Path | None:
        """The data folder; None if nothing is stored on disk. Raises StartError if none is known."""
        if self.ephemeral:
            return None
        folder = self.data or data_folder()
        if folder is None:
            raise StartError(f"cannot store data: {NO_HOME}, or give --data FOLDER")
        return folder


@attrs.frozen(kw_only=True)
class Limits:
    """How much one user, one address and all users together may do."""

    line_bytes: int = attrs.field(
        default=64 * 1024,
        metadata=_about(
            f"Longest line that the server reads, in bytes; at most {MAX_LINE}, which 0 means too.",
            most=MAX_LINE,
        ),
    )
    text_characters: int = attrs.field(
        default=4000, metadata=_about("Longest text of a message, in characters.")
    )
    name_characters: int = attrs.field(
        default=32,
        metadata=_about(
            f"Longest name, in characters; at most {LONGEST_NAME}, which 0 means too.", most=LONGEST_NAME
        ),
    )
    messages_per_second: float = attrs.field(
        default=10.0, metadata=_about("Messages per second that a user may send, on average.")
    )
    message_burst: int = attrs.field(default=40, metadata=_about("Messages that a user may send at once."))
    requests_per_second: float = attrs.field(
        default=200.0,
        metadata=_about("Other requests per second of a connection, on average; more have to wait."),
    )
    request_burst: int = attrs.field(default=1000, metadata=_about("Other requests of a connection at once."))
    backlog_bytes: int = attrs.field(
        default=4 * 1024 * 1024,
        metadata=_about("Unread bytes for a connection, above which it is closed as slow-consumer."),
    )
    connections: int = attrs.field(
        default=10_000,
        metadata=_about("Connections in total; the system's limit of file descriptors applies too."),
    )
    connections_per_address: int = attrs.field(
        default=5_000, metadata=_about("Connections from one address, or from one IPv6 network of 64 bits.")
    )
    sessions_per_user: int = attrs.field(
        default=20,
        metadata=_about("Sessions of a user; one more ends the session that has been unused for longest."),
    )
    scheduled_per_user: int = attrs.field(default=100, metadata=_about("Scheduled messages of a user."))
    rooms_per_user: int = attrs.field(default=50, metadata=_about("Rooms that a user owns."))
    absent_users: int = attrs.field(
        default=10_000,
        metadata=_about(
            "Disconnected users whose names stay reserved; above that, those who left first lose theirs."
        ),
    )
    schedule_ahead_seconds: float = attrs.field(
        default=30 * 86400.0,
        metadata=_about("How far ahead a message may be scheduled, in seconds (30 days). 0 means a century."),
    )


@attrs.frozen(kw_only=True)
class Rules:
    """Rules of the chat."""

    history: int = attrs.field(
        default=20, metadata=_about("Messages that history shows by default.", least=1, most=500)
    )
    reports_to_mute: int = attrs.field(
        default=4, metadata=_about("Reports by different users that mute a user; 0: never.")
    )
    mute_seconds: float = attrs.field(
        default=600.0, metadata=_about("How long a reported user is muted, in seconds; 0: not at all.")
    )
    presence_seconds: float = attrs.field(
        default=5.0,
        metadata=_about(
            "How long after the last connection closes a user is announced as gone, in seconds. "
            "Nobody is notified of a user who returns sooner."
        ),
    )
    grace_seconds: float = attrs.field(
        default=600.0,
        metadata=_about(
            "How long a disconnected user keeps the name and can resume, in seconds; "
            "0: until the user is announced as gone."
        ),
    )
    require_login: bool = attrs.field(
        default=False,
        metadata=_about("Admit registered users only (created with tcpchat admin), and no guests."),
    )
    key_seconds: float = attrs.field(
        default=86400.0,
        metadata=_about(
            "How long a message key prevents duplicates, in seconds (24 hours). 0 means a century."
        ),
    )


@attrs.frozen(kw_only=True)
class Running:
    """How the server stops and what it reports."""

    stop_seconds: float = attrs.field(
        default=5.0, metadata=_about("How long a stopping server waits for slow readers, in seconds.")
    )
    log_format: Literal["text", "json"] = attrs.field(
        default="text", metadata=_about("Format of log lines on stderr.", live=False)
    )
    metrics: str | None = attrs.field(
        default=None,
        metadata=_about(
            "PORT on this machine, or HOST:PORT, where Prometheus can scrape metrics. Default: none.",
            check=Address.parse_endpoint,
            live=False,
        ),
    )
    log_level: Literal["debug", "info", "warning", "error"] = attrs.field(
        default="info", metadata=_about("The least important log lines to write.")
    )


@attrs.frozen(kw_only=True)
class Settings:
    """All settings of a server, in groups."""

    listening: Listening = attrs.field(factory=Listening, metadata={"title": "Listening"})
    tls: TlsSettings = attrs.field(
        factory=TlsSettings, metadata={"title": "TLS (listens only with a certificate)"}
    )
    storage: Storage = attrs.field(factory=Storage, metadata={"title": "Storage"})
    limits: Limits = attrs.field(factory=Limits, metadata={"title": "Limits (0: unlimited)"})
    rules: Rules = attrs.field(factory=Rules, metadata={"title": "Chat"})
    running: Running = attrs.field(factory=Running, metadata={"title": "Running"})


class Difference(NamedTuple):
    """A setting whose value changed."""

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
    """Return whether a reload changes this setting."""
    return about(field).live


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
