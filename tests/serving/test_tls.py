"""TLS of the server: handshakes, slow and refused clients, and the files of the certificate."""

from __future__ import annotations

import socket
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import pytest
import trio
import trio.testing
import trustme

from chaos.clock import TrioClock
from tcpchat.errors import StartError
from tcpchat.service.app import open_listeners
from tcpchat.service.node import Node
from tcpchat.serving.sockets import addresses, keep_alive, peer_address
from tcpchat.serving.tls import FIRST, HANDSHAKE, KEY_UPDATES, SILENCE, Certificate, TlsListener, TlsStream
from tcpchat.settings import Limits, Listening, Settings, TlsSettings
from tcpchat.store.changes import SetBan
from tcpchat.store.sqlite import SqliteStore
from tests.certificates import authority, certificate, encrypt, tls_peer, write_ca, write_cert
from tests.running import Log, MemoryListener, Peer

settled = trio.testing.wait_all_tasks_blocked


class RunningServer:
    """A server in memory that speaks TLS."""

    def __init__(self, node: Node, listener: MemoryListener, log: Log, context: ssl.SSLContext) -> None:
        self.node = node
        self.server = node.server
        self.log = log
        self.connect = listener.connect
        self.context = context

    async def peer(self) -> Peer:
        peer = await tls_peer(await self.connect())
        peer.name = (await peer.next("welcome"))["user"]
        return peer

    def refusals(self) -> list[str]:
        return [line.get("reason") or line["code"] for line in self.log.named("refused")]


@asynccontextmanager
async def run_server(
    folder: Path, limits: Limits | None = None, *, client_ca: Path | None = None
) -> AsyncIterator[RunningServer]:
    store = SqliteStore(None, "off")
    log: Any = Log()
    node = Node(Settings(limits=limits or Limits()), store, log, TrioClock())
    memory: Any = MemoryListener()
    loaded = certificate(folder, client_ca=client_ca)
    listener = TlsListener(memory, loaded)
    async with trio.open_nursery() as nursery:
        await nursery.start(node.run, [(listener, node.server.accept)])
        yield RunningServer(node, memory, log, loaded.context)
        nursery.cancel_scope.cancel()
    store.close()
    assert log.named("bug") == []


@pytest.fixture
async def running(tmp_path: Path, mock_clock: trio.testing.MockClock) -> AsyncIterator[RunningServer]:
    async with run_server(tmp_path) as opened:
        yield opened


async def test_users_chat_and_the_last_line_arrives_before_the_end(running: RunningServer) -> None:
    alice, bob = await running.peer(), await running.peer()
    assert (await alice.ask("send hi"))["type"] == "sent"
    assert (await bob.next("message"))["text"] == "hi"
    await alice.send("exit")
    assert [line["type"] for line in await alice.rest()][-1] == "bye"  # and then TLS's own end


async def test_everybody_is_notified_of_a_stop(running: RunningServer) -> None:
    alice = await running.peer()
    running.node.stop()
    assert (await alice.rest())[-1]["code"] == "server-stopping"


async def test_closing_without_a_tls_end_is_a_normal_end(running: RunningServer) -> None:
    alice = await running.peer()
    await alice.stream.transport_stream.aclose()  # type: ignore[attr-defined]
    await settled()
    assert [line["reason"] for line in running.log.named("left")] == ["closed"]


async def test_a_client_that_ends_tls_still_gets_every_reply(running: RunningServer) -> None:
    """`printf 'users\\n' | openssl s_client …` says `close_notify` and waits."""
    stream = await running.connect()
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context()
    authority().configure_trust(context)
    tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost")

    async def until_done(do: Any) -> Any:
        while True:
            try:
                result = do()
            except ssl.SSLWantReadError:
                await stream.send_all(outgoing.read())
                data = await stream.receive_some()
                incoming.write(data) if data else incoming.write_eof()
            else:
                await stream.send_all(outgoing.read())
                return result

    await until_done(tls.do_handshake)
    tls.write(b"users\nping\n")
    with pytest.raises(ssl.SSLWantReadError):
        tls.unwrap()
    await stream.send_all(outgoing.read())
    answered = b""
    with suppress(ssl.SSLZeroReturnError):  # the end as it should be; any other is an error
        while True:
            answered += await until_done(partial(tls.read, 4096))
    assert answered.count(b"\n") == 3
    assert answered.endswith(b'"}\n')
    assert b'"pong"' in answered


async def test_a_client_that_ends_only_tcp_still_gets_every_reply(running: RunningServer) -> None:
    """As on the plain port, and as programs do that know nothing of the end that TLS has of its own."""
    peer = await running.peer()
    stream: Any = peer.stream
    await peer.send("send my last words")
    await stream.transport_stream.send_eof()
    assert (await peer.next("sent"))["seq"] == 1


async def test_repeated_key_updates_end_the_connection(running: RunningServer) -> None:
    served: list[ssl.SSLObject] = []

    class Seen(ssl.SSLObject):
        def do_handshake(self) -> None:
            super().do_handshake()
            served.append(self)

    running.context.sslobject_class = Seen
    peer = await running.peer()
    for count in range(KEY_UPDATES + 1):
        assert (await peer.ask("ping"))["type"] == "pong", count
        running.context._msg_callback(served[-1], "read", ssl.TLSVersion.TLSv1_3, 22, 24, b"")  # type: ignore[attr-defined]
    await peer.send("ping")
    await settled()
    assert running.server.ended == {"broken": 1}


@pytest.mark.parametrize(
    "first", [b"h", b"GET / HTTP/1.1\r\n", b'{"type":"ping"}\n', b"\x80\x03", b"\x15\x03"]
)
async def test_a_plain_client_is_refused_in_plain_text(running: RunningServer, first: bytes) -> None:
    peer = Peer(await running.connect())
    await peer.send(first)
    (error,) = await peer.rest()
    assert error["code"] == "tls-required"
    assert "tcpchat connect --tls HOST:PORT" in error["message"]
    await peer.stream.aclose()
    await settled()
    assert running.node.state.slots.taken == 0
    assert running.log.named("joined") == []
    assert running.node.state.slots.taken == 0


async def test_a_silent_client_is_refused_in_plain_text(
    running: RunningServer, mock_clock: trio.testing.MockClock
) -> None:
    peer = Peer(await running.connect())
    await settled()
    mock_clock.jump(SILENCE - 0.1)
    await settled()
    assert running.refusals() == []
    mock_clock.jump(0.2)
    assert [line["code"] for line in await peer.rest()] == ["tls-required"]


async def test_a_slow_handshake_delays_nobody_and_is_ended(
    running: RunningServer, mock_clock: trio.testing.MockClock
) -> None:
    slow = await running.connect()
    await slow.send_all(b"\x16\x03\x01")
    alice = await running.peer()
    assert (await alice.ask("send hi"))["type"] == "sent"
    mock_clock.jump(HANDSHAKE - 0.1)
    await settled()
    assert running.refusals() == []
    assert running.node.state.slots.taken == 2
    mock_clock.jump(0.2)
    await settled()
    assert running.refusals() == [f"the handshake took longer than {HANDSHAKE:g} s"]
    assert running.node.state.slots.taken == 1
    assert await slow.receive_some() == b""


async def test_a_stop_does_not_wait_for_handshakes(
    tmp_path: Path, mock_clock: trio.testing.MockClock
) -> None:
    async with run_server(tmp_path) as running:
        slow = await running.connect()
        await slow.send_all(b"\x16\x03\x01")
        await settled()
        running.node.stop()
        assert await slow.receive_some() == b""
    assert running.refusals() == ["the server is stopping"]


@pytest.mark.parametrize(
    "bytes", [b"", b"\x16", b"\x16\x03\x01\x00\xff\x01", b"\x16" * 70_000, b"\x16\x03\x01\x00\x05hello" * 9]
)
async def test_a_broken_handshake_is_no_bug(running: RunningServer, bytes: bytes) -> None:
    stream = await running.connect()
    if bytes:
        await stream.send_all(bytes)
    await stream.send_eof()
    await settled()
    assert len(running.refusals()) == 1
    assert running.server.ended == {"tls-failed": 1}
    assert running.node.state.slots.taken == 0


async def test_nothing_is_sent_unencrypted_before_the_handshake_or_after_the_end(tmp_path: Path) -> None:
    ours, theirs = trio.testing.memory_stream_pair()
    stream = TlsStream(ours, certificate(tmp_path).context, trio.Lock())
    with pytest.raises(trio.ClosedResourceError):
        await stream.send_all(b"secret")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(stream.begin)
        await encrypt(theirs)
    await stream.send_eof()
    with pytest.raises(trio.ClosedResourceError):
        await stream.send_all(b"secret")
    with pytest.raises(trio.ClosedResourceError):
        await stream.wait_send_all_might_not_block()


class Cut(trio.abc.SendStream):
    """Sends in pieces of so many bytes."""

    def __init__(self, stream: trio.abc.SendStream, size: int) -> None:
        self.stream = stream
        self.size = size

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        for at in range(0, len(data), self.size):
            await self.stream.send_all(bytes(data[at : at + self.size]))

    async def wait_send_all_might_not_block(self) -> None:
        await self.stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        await self.stream.aclose()


@pytest.mark.parametrize("size", [1, 7, FIRST])
async def test_the_first_bytes_are_not_lost_however_they_come(running: RunningServer, size: int) -> None:
    stream = await running.connect()
    peer = await tls_peer(trio.StapledStream(Cut(stream, size), stream))
    assert (await peer.line())["type"] == "welcome"


async def test_a_handshake_counts_as_a_connection_and_one_too_many_is_told_by_tls(tmp_path: Path) -> None:
    async with run_server(tmp_path, Limits(connections=1)) as running:
        slow = await running.connect()
        await slow.send_all(b"\x16\x03\x01")
        await settled()
        (error,) = await (await tls_peer(await running.connect())).rest()
        assert error["code"] == "server-full"
        plain = Peer(await running.connect())
        await plain.send("hi")
        (error,) = await plain.rest()
        assert error["code"] == "server-full"


async def test_a_required_client_certificate_is_enforced(tmp_path: Path) -> None:
    others = trustme.CA()
    async with run_server(tmp_path, client_ca=write_ca(tmp_path)) as running:
        for ca, code in ((authority(), None), (others, "UNKNOWN_CA"), (None, "CERTIFICATE_REQUIRED")):
            context = ssl.create_default_context()
            authority().configure_trust(context)
            if ca is not None:
                ca.issue_cert("alice@example.org").configure_cert(context)
            stream = trio.SSLStream(await running.connect(), context, server_hostname="localhost")
            if code is None:
                assert b'"welcome"' in await stream.receive_some()
            else:
                with pytest.raises(trio.BrokenResourceError) as broken:
                    await stream.receive_some()
                assert isinstance(broken.value.__cause__, ssl.SSLError)
                assert code in str(broken.value.__cause__.reason), "the peer is told why"
            await trio.aclose_forcefully(stream)
        assert len(running.log.named("joined")) == 1


@asynccontextmanager
async def open_port(folder: Path, limits: Limits) -> AsyncIterator[tuple[Node, int, Log]]:
    store = SqliteStore(None, "off")
    log: Any = Log()
    node = Node(Settings(limits=limits), store, log, TrioClock())
    (under,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with trio.open_nursery() as nursery:
        await nursery.start(node.run, [(TlsListener(under, certificate(folder)), node.server.accept)])
        yield node, under.socket.getsockname()[1], log
        nursery.cancel_scope.cancel()
    store.close()
    assert log.named("bug") == []


async def test_a_slow_reader_costs_bounded_memory_and_delays_nobody(tmp_path: Path) -> None:
    """P3, where each receiver needs a task to send."""
    limits = Limits(messages_per_second=0, backlog_bytes=400_000)
    async with open_port(tmp_path, limits) as (node, port, _):
        sock = trio.socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        await sock.connect(("127.0.0.1", port))
        stalled = await tls_peer(trio.SocketStream(sock))
        await stalled.ask({"type": "ping"})  # since who asked for nothing yet is told later
        (connection,) = node.server.connections
        under: Any = connection.stream
        under.transport_stream.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        sender = await tls_peer(await trio.open_tcp_stream("127.0.0.1", port))
        await sender.next("welcome")
        most = 0
        while connection.reading:
            assert (await sender.ask("send " + "x" * 4000))["type"] == "sent"
            most = max(most, connection.backlog)
        assert 300_000 < most < 400_000 + 5_000, "the last line is what was too much"
        lines = await stalled.rest()
        assert lines[-1]["code"] == "slow-consumer"
        heard = [line["seq"] for line in lines if line["type"] == "message"]
        assert heard == list(range(heard[0], heard[0] + len(heard)))
        for peer in (stalled, sender):
            await trio.aclose_forcefully(peer.stream)


async def test_a_banned_client_reads_the_reason_by_tls_even_if_banned_during_the_handshake(
    tmp_path: Path,
) -> None:
    async with open_port(tmp_path, Limits()) as (node, port, log):
        slow = await trio.open_tcp_stream("127.0.0.1", port)
        ours, theirs = trio.testing.memory_stream_pair()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_first_byte_later, theirs, slow, node)
            during = await tls_peer(trio.StapledStream(ours, slow))
            assert [line["code"] for line in await during.rest()] == ["banned"]
            nursery.cancel_scope.cancel()
        after = await tls_peer(await trio.open_tcp_stream("127.0.0.1", port))
        assert [line["code"] for line in await after.rest()] == ["banned"]
        assert log.named("joined") == []
        for stream in (slow, after.stream):
            await trio.aclose_forcefully(stream)


async def _first_byte_later(source: trio.abc.ReceiveStream, target: trio.SocketStream, node: Node) -> None:
    """Pass bytes on; between the first and the rest the operator bans the address."""
    data = await source.receive_some()
    await target.send_all(data[:1])
    with trio.fail_after(5):
        while not node.state.slots.taken:
            await trio.sleep(0.01)
    node.state.bans.put(SetBan(kind="address", target="127.0.0.0/8", until=2**52, reason=None))
    await target.send_all(data[1:])
    async for more in source:
        await target.send_all(more)


async def test_a_reset_in_the_middle_is_no_bug(tmp_path: Path) -> None:
    async with open_port(tmp_path, Limits()) as (node, port, log):
        for sent in (b"", b"\x16", b"\x16\x03\x01\x00\xff\x01", b"hi"):
            sock = socket.create_connection(("127.0.0.1", port))
            sock.send(sent)
            await trio.sleep(0.01)  # so that it comes before the reset takes it back
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            sock.close()
        with trio.fail_after(5):
            while len(log.named("refused")) < 4 or node.state.slots.taken:
                await trio.sleep(0.01)


async def test_the_address_and_the_options_are_those_of_the_socket(tmp_path: Path) -> None:
    (under,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    client = await trio.open_tcp_stream(*under.socket.getsockname())
    listener = TlsListener(under, certificate(tmp_path))
    stream = await listener.accept()
    assert peer_address(stream) == "127.0.0.1"
    keep_alive(stream)
    socket_stream: Any = stream.transport_stream
    assert socket_stream.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    for each in (client, stream, listener):
        await each.aclose()


@pytest.fixture
def files(tmp_path: Path) -> TlsSettings:
    issued = authority().issue_cert("localhost")
    (tmp_path / "cert.pem").write_bytes(b"".join(pem.bytes() for pem in issued.cert_chain_pems))
    issued.private_key_pem.write_to_path(tmp_path / "key.pem")
    return TlsSettings(tls_cert=tmp_path / "cert.pem", tls_key=tmp_path / "key.pem")


def refusal(settings: TlsSettings, **changed: Any) -> str:
    with pytest.raises(StartError) as refused:
        Certificate.load(attrs.evolve(settings, **changed))
    return str(refused.value)


def test_without_a_certificate_there_is_no_tls(files: TlsSettings) -> None:
    assert Certificate.load(TlsSettings()) is None
    assert "requires --tls-cert" in refusal(TlsSettings(tls_key=files.tls_key))
    assert "--tls-client-ca requires --tls-cert" in refusal(TlsSettings(tls_client_ca=files.tls_cert))


def test_errors_in_the_files_are_explained(files: TlsSettings, tmp_path: Path) -> None:
    none, empty = tmp_path / "none.pem", tmp_path / "empty.pem"
    empty.touch()
    for option in ("tls_cert", "tls_key", "tls_client_ca"):
        told = refusal(files, **{option: none})
        assert told == f"cannot read --{option.replace('_', '-')} {none}: No such file or directory"
    assert "contains no certificate" in refusal(files, tls_cert=files.tls_key)
    assert refusal(files, tls_key=None).endswith("contains no private key; give its file as --tls-key")
    assert "contains no private key" in refusal(files, tls_key=empty)
    assert "contains no certificate" in refusal(files, tls_client_ca=empty)
    authority().issue_cert("localhost").private_key_pem.write_to_path(tmp_path / "other.pem")
    assert "does not match the certificate" in refusal(files, tls_key=tmp_path / "other.pem")
    damaged = tmp_path / "damaged.pem"
    assert files.tls_cert is not None
    damaged.write_text(files.tls_cert.read_text().replace("M", "!", 5))
    assert "is damaged" in refusal(files, tls_cert=damaged)


@pytest.mark.needs("openssl")
def test_an_encrypted_key_is_refused_without_a_prompt(files: TlsSettings, tmp_path: Path) -> None:
    locked = tmp_path / "locked.pem"
    options = ["-in", str(files.tls_key), "-out", str(locked), "-aes256", "-passout", "pass:x"]
    subprocess.run(["openssl", "pkey", *options], check=True, timeout=20, capture_output=True)
    assert "is encrypted" in refusal(files, tls_key=locked)


def test_reading_again_takes_the_new_files_or_keeps_the_old(tmp_path: Path) -> None:
    loaded = certificate(tmp_path)
    first, before = loaded.context, loaded.fingerprint
    (tmp_path / "cert.pem").write_text("half a certif")
    with pytest.raises(StartError):
        loaded.read_again()
    assert (loaded.context, loaded.fingerprint) == (first, before)
    after = write_cert(tmp_path / "cert.pem")
    use = loaded.read_again()
    assert loaded.context is first
    use()
    assert loaded.context is not first
    assert loaded.fingerprint == after != before


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated:DeprecationWarning")
async def test_old_versions_of_tls_are_refused(running: RunningServer) -> None:
    context = ssl.create_default_context()
    authority().configure_trust(context)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")  # else the peer itself would refuse to begin
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    stream = trio.SSLStream(await running.connect(), context, server_hostname="localhost")
    with pytest.raises(trio.BrokenResourceError) as refused:
        await stream.do_handshake()
    assert "TLSV1_ALERT_PROTOCOL_VERSION" in str(refused.value.__cause__)
    await settled()
    assert running.refusals() == ["UNSUPPORTED_PROTOCOL"]


async def test_tls_sessions_cannot_be_resumed(running: RunningServer) -> None:
    peer = await running.peer()  # who has read the welcome, and so what came before it
    stream: Any = peer.stream
    assert stream.version() == "TLSv1.3"
    assert not stream.session.has_ticket


async def test_it_listens_beside_the_plain_port_as_configured(tmp_path: Path) -> None:
    loaded = certificate(tmp_path)
    settings = Settings(
        listening=Listening(port=0), tls=attrs.evolve(loaded.settings, tls_port=0, tls_host=("127.0.0.2",))
    )
    for tls, count in ((loaded, 1), (None, 0)):
        plain, encrypted = await open_listeners(settings, tls)
        under = [listener.transport_listener for listener in encrypted]
        assert [address.host for address in addresses(plain)] == ["127.0.0.1"]
        assert [address.host for address in addresses(under)] == ["127.0.0.2"] * count
        for listener in [*plain, *under]:
            await listener.aclose()
    everywhere = attrs.evolve(settings, tls=attrs.evolve(settings.tls, tls_host=None))
    plain, (encrypted_one,) = await open_listeners(everywhere, loaded)
    assert addresses([encrypted_one.transport_listener])[0].host == "127.0.0.1"
    for each in (*plain, encrypted_one.transport_listener):
        await each.aclose()


async def test_if_the_tls_port_is_in_use_no_listener_stays_open(tmp_path: Path) -> None:
    loaded = certificate(tmp_path)
    (free,), (taken,) = [await trio.open_tcp_listeners(0, host="127.0.0.1") for _ in range(2)]
    port, tls_port = (listener.socket.getsockname()[1] for listener in (free, taken))
    await free.aclose()
    tls = attrs.evolve(loaded.settings, tls_port=tls_port)
    with pytest.raises(StartError, match=f"127.0.0.1:{tls_port}: .* another --tls-port"):
        await open_listeners(Settings(listening=Listening(port=port), tls=tls), loaded)
    for listener in (taken, *(await trio.open_tcp_listeners(port, host="127.0.0.1"))):
        await listener.aclose()
