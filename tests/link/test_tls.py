"""The client's side of TLS: the servers that it trusts, and what it says about others."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trio
import trustme

from chaos.clock import TrioClock
from tcpchat.address import Address
from tcpchat.client import (
    Client,
    ConnectError,
    Credentials,
    DisconnectedError,
    Offline,
    Reconnected,
    Tls,
    UntrustedError,
)
from tcpchat.protocol import Message, Sent
from tcpchat.server import Server
from tcpchat.service.node import Node
from tcpchat.serving import tls as server_side
from tcpchat.serving.tls import Certificate, TlsListener
from tcpchat.settings import Limits, Settings
from tcpchat.store.sqlite import SqliteStore
from tests.certificates import authority, certificate, write_ca, write_cert
from tests.link.conftest import SOON, make_client
from tests.running import Log

OTHER = "SHA256:" + ":".join(["AB"] * 32)


class Port:
    """A server with a certificate on a port, and one without."""

    def __init__(self, server: Server, certificate: Certificate, log: Log, ports: list[int]) -> None:
        self.server = server
        self.certificate = certificate
        self.log = log
        self.tls, self.plain = (f"127.0.0.1:{port}" for port in ports)

    def client(self, tls: Tls | None, **options: Any) -> Client:
        return make_client(self.tls, tls=tls, **({"reconnect": SOON} | options))

    async def refused(self, tls: Tls, **options: Any) -> UntrustedError:
        with pytest.raises(UntrustedError) as refused:
            async with self.client(tls, **options):
                pass
        return refused.value

    async def cut(self) -> None:
        for connection in self.server.connections:
            connection.abort("cut")

    def change(self, ca: trustme.CA | None = None) -> None:
        assert self.certificate.settings.tls_cert is not None
        write_cert(self.certificate.settings.tls_cert, ca=ca)
        self.certificate.read_again()()


@asynccontextmanager
async def open_port(
    folder: Path, *, ca: trustme.CA | None = None, client_ca: Path | None = None
) -> AsyncIterator[Port]:
    store = SqliteStore(None, "off")
    log: Any = Log()
    limits = Limits(messages_per_second=0)
    node = Node(Settings(limits=limits), store, log, TrioClock())
    loaded = certificate(folder, ca=ca, client_ca=client_ca)
    under, plain = [(await trio.open_tcp_listeners(0, host="127.0.0.1"))[0] for _ in range(2)]
    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            accept = node.server.accept
            await nursery.start(node.run, [(TlsListener(under, loaded), accept), (plain, accept)])
            ports = [listener.socket.getsockname()[1] for listener in (under, plain)]
            yield Port(node.server, loaded, log, ports)
            nursery.cancel_scope.cancel()
    store.close()
    assert log.named("bug") == []


@pytest.fixture
async def port(tmp_path: Path) -> AsyncIterator[Port]:
    async with open_port(tmp_path) as opened:
        yield opened


# Who is trusted


async def test_an_own_authority_is_trusted(port: Port, tmp_path: Path) -> None:
    async with port.client(Tls(ca=write_ca(tmp_path))) as client:
        assert isinstance(await client.send("hi"), Sent)


async def test_authorities_of_the_system_are_trusted(
    port: Port, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(write_ca(tmp_path)))
    async with port.client(Tls()) as client:
        assert client.user == "guest-1"


async def test_a_fingerprint_is_trusted_whoever_signed_the_certificate(port: Port) -> None:
    for text in (port.certificate.fingerprint, port.certificate.fingerprint.lower()):
        async with port.client(Tls(fingerprint=text)) as client:
            assert isinstance(await client.send("hi"), Sent)


async def test_an_untrusted_server_is_an_error_with_fingerprint_and_reason(port: Port) -> None:
    error = await port.refused(Tls())
    assert error.fingerprint == port.certificate.fingerprint
    assert error.why
    assert (error.where, error.expected, error.reconnecting) == (port.tls, None, False)
    assert str(error) == (
        f"the certificate of {port.tls} is not trusted: {error.why}; its fingerprint is {error.fingerprint}"
    )


async def test_a_certificate_for_another_host_is_not_trusted(tmp_path: Path) -> None:
    async with open_port(tmp_path) as port:
        write_cert(tmp_path / "cert.pem", "chat.example.org")
        port.certificate.read_again()()
        error = await port.refused(Tls(ca=write_ca(tmp_path)))
        assert "certificate is not valid for '127.0.0.1'" in error.why


async def test_a_certificate_of_another_authority_is_not_trusted(tmp_path: Path) -> None:
    async with open_port(tmp_path, ca=trustme.CA()) as port:
        error = await port.refused(Tls(ca=write_ca(tmp_path)))
        assert error.fingerprint == port.certificate.fingerprint


async def test_nothing_is_sent_to_an_untrusted_server(tmp_path: Path) -> None:
    """Not even if an authority that the system knows had signed it."""
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    heard: list[bytes] = []
    context = certificate(tmp_path).context

    async def listen() -> None:
        stream = trio.SSLStream(await listener.accept(), context, server_side=True, https_compatible=True)
        await stream.send_all(b'{"type":"welcome"}\n')
        try:
            heard.append(bytes(await stream.receive_some()))
        except trio.BrokenResourceError:  # closed by a reset
            heard.append(b"")
        await trio.aclose_forcefully(stream)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(listen)
        where = Address("127.0.0.1", listener.socket.getsockname()[1])
        with pytest.raises(UntrustedError) as refused:
            async with Client(where, tls=Tls(fingerprint=OTHER), credentials=Credentials(token="t-secret")):
                pass
    await listener.aclose()
    assert heard == [b""]
    assert refused.value.expected == OTHER
    assert OTHER in str(refused.value)
    assert str(refused.value.fingerprint) in str(refused.value)


# Who shows a certificate


async def test_a_client_shows_its_certificate_or_gets_the_reason_why_it_must(tmp_path: Path) -> None:
    for name, ca in (("mine", authority()), ("other", trustme.CA())):
        ca.issue_cert("alice@example.org").private_key_and_cert_chain_pem.write_to_path(tmp_path / name)
    ca_file = write_ca(tmp_path)
    async with open_port(tmp_path, client_ca=ca_file) as port:
        async with port.client(Tls(ca=ca_file, cert=tmp_path / "mine")) as client:
            assert client.user == "guest-1"
        for cert, why in ((None, "requires a certificate"), ("other", "refuses your")):
            tls = Tls(ca=ca_file, cert=None if cert is None else tmp_path / cert)
            with pytest.raises(ConnectError, match=why):
                async with port.client(tls):
                    pass


def test_bad_files_are_explained(tmp_path: Path) -> None:
    rubbish = tmp_path / "rubbish"
    rubbish.write_text("rubbish")
    for tls in (Tls(ca=tmp_path / "none"), Tls(cert=tmp_path / "none")):
        with pytest.raises(ValueError, match="No such file"):
            tls.context()
    with pytest.raises(ValueError, match=r"authorities from \S*rubbish: it contains no certificate$"):
        Tls(ca=rubbish).context()
    with pytest.raises(
        ValueError, match=r"from \S*rubbish: it contains no certificate with its private key$"
    ):
        Tls(cert=rubbish).context()
    with pytest.raises(ValueError, match="either"):
        Tls(ca=rubbish, fingerprint=OTHER)
    with pytest.raises(ValueError, match="either"):
        Tls(ca=rubbish, look_up=lambda: None)
    with pytest.raises(ValueError, match="a key requires its certificate"):
        Tls(key=rubbish)
    with pytest.raises(ValueError, match="tls is of no use with open_stream"):
        Client(tls=Tls(), open_stream=trio.sleep_forever)


# The wrong port


async def test_tls_on_the_wrong_port_is_explained(port: Port, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_side, "SILENCE", 0.05)
    with pytest.raises(ConnectError, match="does not speak TLS; connect without --tls"):
        async with Client(port.plain, tls=Tls()):
            pass
    with pytest.raises(ConnectError, match="this port speaks TLS; connect with tcpchat connect --tls"):
        async with Client(port.tls):
            pass


def test_with_tls_the_default_port_is_another() -> None:
    assert Client("example.org").address.port == 8000
    assert Client("example.org", tls=Tls()).address.port == 8443
    assert Client("::1", tls=Tls()).address == Address("::1", 8443)


# Coming back


async def test_after_a_loss_the_client_reconnects_over_tls(port: Port) -> None:
    tls = Tls(fingerprint=port.certificate.fingerprint)
    async with port.client(tls, remember=False) as alice, make_client(port.plain, remember=False) as bob:
        await alice.rename("alice")
        await port.cut()
        async for event in alice.events():
            if isinstance(event, Reconnected):
                assert event.user == "alice"
                break
        await bob.send("welcome back")
        async for event in alice.events():
            if isinstance(event, Message):
                assert event.text == "welcome back"
                break


async def test_another_certificate_ends_the_client_and_it_does_not_fall_back(port: Port) -> None:
    tls = Tls(fingerprint=port.certificate.fingerprint)
    async with port.client(tls, remember=False) as alice:
        port.change()
        await port.cut()
        with pytest.raises(UntrustedError) as refused:
            async for _ in alice.events():
                pass
        assert refused.value.reconnecting
        assert refused.value.expected == tls.fingerprint
        assert refused.value.fingerprint == port.certificate.fingerprint
        with pytest.raises(DisconnectedError):
            await alice.send("hello?")


async def test_look_up_is_called_for_each_connection(
    port: Port, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusted = [port.certificate.fingerprint]
    tls = Tls(look_up=lambda: trusted[0] if trusted else None)

    async def back() -> None:
        await port.cut()
        async for event in client.events():
            if isinstance(event, Reconnected):
                break

    monkeypatch.setenv("SSL_CERT_FILE", str(write_ca(tmp_path)))
    async with port.client(tls, remember=False) as client:
        port.change()
        trusted[:] = [port.certificate.fingerprint]
        await back()
        trusted.clear()  # now the system says who is
        await back()
        port.change(trustme.CA())
        trusted[:] = [port.certificate.fingerprint]
        await back()
        trusted.clear()
        await port.cut()
        with pytest.raises(UntrustedError) as refused:
            async for _ in client.events():
                pass
    assert (refused.value.fingerprint, refused.value.expected) == (port.certificate.fingerprint, None)


async def test_while_look_up_fails_no_server_is_trusted(port: Port) -> None:
    """What cannot be looked up is tried again, as a server that is away is."""
    trusted = [port.certificate.fingerprint]
    looked = trio.Event()

    def look_up() -> str:
        if not trusted:
            looked.set()
            raise ConnectError("it is damaged")
        return trusted[0]

    async with port.client(Tls(look_up=look_up), remember=False) as client:
        del trusted[:]
        await port.cut()
        await looked.wait()
        assert isinstance(client.state, Offline)
        trusted.append(port.certificate.fingerprint)
        assert isinstance(await client.send("back"), Sent)


async def test_a_megabyte_arrives_complete(port: Port) -> None:
    tls = Tls(fingerprint=port.certificate.fingerprint)
    async with port.client(tls, remember=False) as alice:
        texts = [f"{number} {'x' * 3900}" for number in range(300)]
        for asked in [alice.send_nowait(text) for text in texts]:
            await asked.wait()
        async with port.client(tls, remember=False, last=300) as bob:
            found = []
            async for event in bob.events():
                if isinstance(event, Message):
                    found.append(event.text)
                    if len(found) == len(texts):
                        break
    assert found == texts


async def test_a_token_from_tls_is_not_used_without(port: Port, tmp_path: Path) -> None:
    """Also not on the same port: whoever answers there without TLS may be anybody."""
    state = tmp_path / "mine"
    tls = Tls(fingerprint=port.certificate.fingerprint)
    async with port.client(tls, remember=state):
        pass
    with_tls = set(state.rglob("identities/*"))
    plain = Client(port.tls, credentials=Credentials(remember=state))
    plain._open_store().close()
    assert with_tls
    assert len(set(state.rglob("identities/*.lock"))) == 2


# Fingerprints


def test_a_checking_context_checks_the_host_name(tmp_path: Path) -> None:
    context = Tls(ca=write_ca(tmp_path)).context()
    assert context.check_hostname
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert len(context.get_ca_certs()) == 1
