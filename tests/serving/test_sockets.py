"""Listeners, socket options and descriptors, and the errors that the operator reads."""

from __future__ import annotations

import resource
import socket
from collections.abc import Iterator
from typing import Any

import pytest
import trio
import trio.testing

from tcpchat.address import Address
from tcpchat.errors import StartError
from tcpchat.serving.sockets import (
    OTHER_FILES,
    addresses,
    host_of,
    keep_alive,
    listen,
    most_connections,
    non_loopback,
    peer_address,
    raise_file_limit,
)


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as tried:
            tried.bind(("::1", 0))
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")


async def close(listeners: list[trio.SocketListener]) -> None:
    for listener in listeners:
        await listener.aclose()


async def accepted(listener: trio.SocketListener) -> tuple[trio.SocketStream, trio.SocketStream]:
    """Return both ends of a connection: the client's and the server's."""
    client = await trio.open_tcp_stream(*listener.socket.getsockname()[:2])
    return client, await listener.accept()


async def test_port_0_picks_a_free_port() -> None:
    (listener,) = listeners = await listen(["127.0.0.1"], 0)
    client, server = await accepted(listener)
    await client.send_all(b"hi")
    assert await server.receive_some() == b"hi"
    port = listener.socket.getsockname()[1]
    assert port > 0
    assert addresses(listeners) == [Address("127.0.0.1", port)]
    for stream in (client, server):
        await stream.aclose()
    await close(listeners)


@needs_ipv6
async def test_all_hosts_have_the_same_port() -> None:
    listeners = await listen(["127.0.0.1", "::1"], 0)
    port = listeners[0].socket.getsockname()[1]
    assert addresses(listeners) == [Address("127.0.0.1", port), Address("::1", port)]
    for listener in listeners:
        client, server = await accepted(listener)
        await client.aclose()
        await server.aclose()
    await close(listeners)


LINK, INTERFACE = socket.if_nameindex()[0]


class Names(trio.abc.HostnameResolver):
    """Knows `both`, which is here by IPv4 and by IPv6, `linked`, which is link-local, and no other name."""

    async def getaddrinfo(
        self,
        host: bytes | None,
        port: bytes | str | int | None,
        family: int = 0,
        type: int = 0,
        proto: int = 0,
        flags: int = 0,
    ) -> Any:
        if host == b"linked":
            return [(socket.AF_INET6, socket.SOCK_STREAM, 0, "", ("fe80::5", port, 0, LINK))]
        if host != b"both":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        assert isinstance(port, int)
        return [
            (socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", port)),
            (socket.AF_INET6, socket.SOCK_STREAM, 0, "", ("::1", port)),
        ]

    async def getnameinfo(self, sockaddr: object, flags: int) -> tuple[str, str]:
        raise NotImplementedError


@pytest.fixture
async def names() -> None:
    """Look up names as `Names` does, without asking the network; for the one run of trio that a test is."""
    trio.socket.set_custom_hostname_resolver(Names())


@needs_ipv6
async def test_all_addresses_of_a_name_are_listened_on(names: None) -> None:
    (probe,) = await listen(["127.0.0.1"], 0)
    port = probe.socket.getsockname()[1]
    await probe.aclose()
    listeners = await listen(["both"], port)
    assert addresses(listeners) == [Address("127.0.0.1", port), Address("::1", port)]
    await close(listeners)


@needs_ipv6
async def test_all_addresses_of_a_name_have_the_same_port(names: None) -> None:
    """`localhost` is such a name on most machines."""
    listeners = await listen(["both"], 0)
    ports = {listener.socket.getsockname()[1] for listener in listeners}
    await close(listeners)
    assert len(ports) == 1


async def test_a_link_local_address_is_listened_on_with_its_zone(
    names: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without it the system does not know which of its links is meant."""
    tried: list[str] = []

    async def open_tcp_listeners(port: int, *, host: str) -> list[trio.SocketListener]:
        tried.append(host)
        return []

    monkeypatch.setattr(trio, "open_tcp_listeners", open_tcp_listeners)
    with pytest.raises(StartError):
        await listen(["linked"], 8000)
    assert tried == [f"fe80::5%{INTERFACE}"]


def test_a_socket_is_named_with_its_zone() -> None:
    assert host_of(("fe80::5", 8000, 0, LINK)) == f"fe80::5%{INTERFACE}"
    assert host_of(("fe80::5", 8000, 0, 2**31 - 1)) == f"fe80::5%{2**31 - 1}", "an interface that is gone"
    assert host_of(("::1", 8000, 0, 0)) == "::1"
    assert host_of(("::ffff:127.0.0.1", 8000, 0, 0)) == "127.0.0.1"
    assert host_of(("127.0.0.1", 8000)) == "127.0.0.1"


@needs_ipv6
async def test_an_ipv4_address_that_is_written_as_ipv6_is_that_address() -> None:
    listeners = await listen(["::ffff:127.0.0.1"], 0)
    assert [address.host for address in addresses(listeners)] == ["127.0.0.1"]
    await close(listeners)


async def test_a_port_in_use_is_explained_with_a_remedy() -> None:
    (taken,) = await listen(["127.0.0.1"], 0)
    port = taken.socket.getsockname()[1]
    with pytest.raises(StartError) as refused:
        await listen(["127.0.0.1"], port)
    assert str(refused.value).startswith(f"cannot listen on 127.0.0.1:{port}: another program listens there;")
    assert "another --port, or --port 0" in str(refused.value)
    with pytest.raises(StartError, match="another --tls-port, or --tls-port 0"):
        await listen(["127.0.0.1"], port, "--tls-")
    await taken.aclose()


async def test_an_address_of_another_machine_is_explained() -> None:
    with pytest.raises(StartError) as refused:
        await listen(["192.0.2.1"], 0)
    told = "cannot listen on 192.0.2.1:0: this machine does not have that address; give another --host"
    assert str(refused.value) == told


async def test_an_unknown_host_is_explained(names: None) -> None:
    with pytest.raises(StartError) as refused:
        await listen(["nowhere"], 8000)
    assert str(refused.value) == "cannot listen on nowhere:8000: unknown --host"


@pytest.mark.parametrize("host", ["a..b", "ж" * 64], ids=["empty-label", "long-label"])
async def test_an_impossible_host_is_explained(names: None, host: str) -> None:
    with pytest.raises(StartError, match="unknown --host"):
        await listen([host], 8000)


@needs_ipv6
async def test_an_ipv6_address_is_shown_in_brackets() -> None:
    with pytest.raises(StartError, match=r"^cannot listen on \[2001:db8::1\]:0: this machine does not have"):
        await listen(["2001:db8::1"], 0)


async def test_if_one_host_fails_no_listener_stays_open() -> None:
    (probe,) = await listen(["127.0.0.1"], 0)
    port = probe.socket.getsockname()[1]
    await probe.aclose()
    with pytest.raises(StartError, match=r"192\.0\.2\.1"):
        await listen(["127.0.0.1", "192.0.2.1"], port)
    await close(await listen(["127.0.0.1"], port))


async def test_a_peers_address_is_its_host_or_gone() -> None:
    (listener,) = await listen(["127.0.0.1"], 0)
    client, server = await accepted(listener)
    assert peer_address(server) == "127.0.0.1"
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # so that close resets
    await client.aclose()
    with pytest.raises(trio.BrokenResourceError):
        await server.receive_some()
    assert peer_address(server) == "gone"
    await server.aclose()
    await listener.aclose()


async def test_the_address_of_a_stream_without_a_socket_is_its_class() -> None:
    stream, _ = trio.testing.memory_stream_pair()
    assert peer_address(stream) == "StapledStream"
    keep_alive(stream)  # which has nothing to set


async def test_an_accepted_stream_is_kept_alive_and_sends_at_once() -> None:
    (listener,) = await listen(["127.0.0.1"], 0)
    client, server = await accepted(listener)
    assert not server.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    keep_alive(server)
    assert server.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
    assert server.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    if hasattr(socket, "TCP_KEEPIDLE"):
        times = [socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT]
        idle, interval, count = [server.getsockopt(socket.IPPROTO_TCP, option) for option in times]
        assert isinstance(idle, int)
        assert isinstance(interval, int)
        assert isinstance(count, int)
        assert 60 <= idle + interval * count <= 300, "seconds until a vanished peer is noticed"
    await client.aclose()
    await server.aclose()
    keep_alive(server)  # a closed one is no error
    await listener.aclose()


@pytest.mark.parametrize(
    ("wanted", "files", "most"),
    [
        (10_000, 20_000, 10_000),
        (10_000, 10_000 + OTHER_FILES, 10_000),
        (10_000, 9_999 + OTHER_FILES, 9_999),
        (10_000, 1024, 1024 - OTHER_FILES),
        (0, 1024, 1024 - OTHER_FILES),
        (5, OTHER_FILES + 2, 2),
        (5, OTHER_FILES + 1, 1),
        (5, OTHER_FILES, 1),
        (5, 3, 1),
        (0, 3, 1),
    ],
)
def test_connections_are_limited_by_descriptors(wanted: int, files: int, most: int) -> None:
    assert most_connections(wanted, files) == most


@pytest.fixture
def file_limits() -> Iterator[tuple[int, int]]:
    """Return the limits of this process, and restore them at the end."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield limits
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def test_the_soft_limit_is_raised_to_the_hard_one(file_limits: tuple[int, int]) -> None:
    _, hard = file_limits
    resource.setrlimit(resource.RLIMIT_NOFILE, (200, hard))
    expected = 2**31 if hard == resource.RLIM_INFINITY else hard
    assert raise_file_limit() == expected
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)


def test_the_soft_limit_is_raised_to_enough_and_never_lowered(file_limits: tuple[int, int]) -> None:
    _, hard = file_limits
    resource.setrlimit(resource.RLIMIT_NOFILE, (200, hard))
    assert raise_file_limit(250) == 250
    assert raise_file_limit(210) == 250
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (250, hard)
    if hard != resource.RLIM_INFINITY:
        assert raise_file_limit(hard + 1) == hard


def test_a_limit_that_cannot_be_raised_stays(file_limits: tuple[int, int]) -> None:
    _, hard = file_limits
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    raise_file_limit()
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)


def test_loopback_addresses_are_distinguished() -> None:
    here = [Address(host) for host in ("127.0.0.1", "::1", "127.0.0.2")]
    reachable = [Address(host) for host in ("0.0.0.0", "::", "192.0.2.7")]
    assert non_loopback(here + reachable) == reachable
