"""A certificate that the server makes for itself, with the real openssl."""

from __future__ import annotations

import ssl
import stat
from pathlib import Path

import pytest

from tcpchat import files
from tcpchat.errors import StartError
from tcpchat.serving import self_signed
from tcpchat.serving.self_signed import DAYS, FILE, ends_soon, with_certificate
from tcpchat.serving.tls import Certificate
from tcpchat.settings import Listening, Settings, Storage, TlsSettings
from tcpchat.times import SystemClock

WANTED = TlsSettings(tls_self_signed=True)
DAY = 86400 * 1000  # ms


def settings(folder: Path, tls: TlsSettings = WANTED, *hosts: str) -> Settings:
    return Settings(tls=tls, storage=Storage(data=folder), listening=Listening(host=hosts or ("127.0.0.1",)))


def names(folder: Path) -> set[tuple[str, str]]:
    """Return what the certificate is for, as a client reads it that trusts it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(folder / FILE)
    (certificate,) = context.get_ca_certs()
    found = certificate["subjectAltName"]
    assert isinstance(found, tuple)
    return {(str(kind), str(name)) for kind, name in found}


LOCAL = {("DNS", "localhost"), ("IP Address", "127.0.0.1"), ("IP Address", "0:0:0:0:0:0:0:1")}


@pytest.mark.needs("openssl")
def test_only_the_user_can_read_the_key_and_nothing_else_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    modes: list[int] = []
    publish = files.publish

    def watched(path: Path, other: Path) -> None:
        modes.append(stat.S_IMODE(path.stat().st_mode))
        publish(path, other)

    monkeypatch.setattr(files, "publish", watched)
    tls = with_certificate(settings(data))
    assert tls.tls_cert == data / FILE
    assert [path.name for path in data.iterdir()] == [FILE]
    assert [*modes, stat.S_IMODE((data / FILE).stat().st_mode)] == [0o600, 0o600]
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    assert Certificate.load(tls) is not None


@pytest.mark.needs("openssl")
@pytest.mark.parametrize(
    ("tls_host", "host", "more"),
    [
        (None, "192.0.2.7", {("IP Address", "192.0.2.7")}),
        (("chat.example.org", "2001:db8::7"), "192.0.2.7",
         {("DNS", "chat.example.org"), ("IP Address", "2001:DB8:0:0:0:0:0:7")}),
        (("fe80::1%eth0",), "::1", {("IP Address", "FE80:0:0:0:0:0:0:1")}),
        (("0.0.0.0", "::", "a, DNS:evil", "a\n[name]", ""), "::1", set()),
    ],
)  # fmt: skip
def test_it_is_for_this_machine_and_for_the_hosts_where_the_server_listens(
    tmp_path: Path, tls_host: tuple[str, ...] | None, host: str, more: set[tuple[str, str]]
) -> None:
    with_certificate(settings(tmp_path, TlsSettings(tls_self_signed=True, tls_host=tls_host), host))
    assert names(tmp_path) == LOCAL | more


@pytest.mark.needs("openssl")
def test_its_end_is_announced_thirty_days_before_and_afterwards(tmp_path: Path) -> None:
    before = SystemClock().now()
    with_certificate(settings(tmp_path))
    path, end = tmp_path / FILE, before + DAYS * DAY
    assert ends_soon(path, before) is None
    assert ends_soon(path, end - 31 * DAY) is None
    for now in (end - 29 * DAY, end + 1000 * DAY):
        found = ends_soon(path, now)
        assert found is not None
        assert end - 1000 <= found <= SystemClock().now() + DAYS * DAY
    assert ends_soon(tmp_path / "gone", end) is None


def test_a_certificate_that_is_there_is_used_as_it_is_and_without_openssl(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(self_signed, "PROGRAM", "no-such-program")
    (tmp_path / FILE).write_text("mine")
    tls = with_certificate(settings(tmp_path))
    assert tls.tls_cert == tmp_path / FILE
    assert (tmp_path / FILE).read_text() == "mine"
    with pytest.raises(StartError) as told:
        Certificate.load(tls)
    assert str(told.value).startswith(f"{tmp_path / FILE} contains no certificate"), "names no option"


def test_of_two_servers_that_start_at_once_both_use_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def make(hosts: object) -> bytes:
        (tmp_path / FILE).write_text("of the other")
        return b"of this one"

    monkeypatch.setattr(self_signed, "_make", make)
    assert with_certificate(settings(tmp_path)).tls_cert == tmp_path / FILE
    assert (tmp_path / FILE).read_text() == "of the other"
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_without_the_option_nothing_is_made(tmp_path: Path) -> None:
    own = TlsSettings(tls_cert=tmp_path / "cert.pem")
    assert with_certificate(settings(tmp_path / "data", own)) == own
    assert with_certificate(Settings(storage=Storage(ephemeral=True))) == TlsSettings()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "both",
    [
        TlsSettings(tls_self_signed=True, tls_cert=Path("cert.pem")),
        TlsSettings(tls_self_signed=True, tls_key=Path("key.pem")),
    ],
)
def test_it_excludes_a_certificate_of_ones_own(tmp_path: Path, both: TlsSettings) -> None:
    with pytest.raises(StartError, match="give one or the other"):
        with_certificate(settings(tmp_path, both))
    assert list(tmp_path.iterdir()) == []


def test_it_needs_a_data_folder_that_can_be_used(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="with --ephemeral there is none"):
        with_certificate(Settings(tls=WANTED, storage=Storage(ephemeral=True)))
    (tmp_path / "file").write_text("")
    with pytest.raises(StartError, match=r"^cannot make the certificate .*/file/tls\.pem: "):
        with_certificate(settings(tmp_path / "file"))


@pytest.mark.parametrize(
    ("program", "told"),
    [
        ("no-such-program", "which is not installed; install the package no-such-program"),
        ("false", "false cannot make a certificate: .*exit status 1"),
    ],
)
def test_without_openssl_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, told: str
) -> None:
    monkeypatch.setattr(self_signed, "PROGRAM", program)
    with pytest.raises(StartError, match=told):
        with_certificate(settings(tmp_path))
    assert list(tmp_path.iterdir()) == []
