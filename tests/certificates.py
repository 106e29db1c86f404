"""Certificates for the tests, made in memory, and a peer that speaks TLS."""

from __future__ import annotations

import ssl
from functools import cache
from pathlib import Path

import trio
import trustme

from tcpchat.fingerprint import fingerprint
from tcpchat.serving.tls import Certificate
from tcpchat.settings import TlsSettings
from tests.running import Peer

HOSTS = ("localhost", "127.0.0.1")


@cache
def authority() -> trustme.CA:
    """Return the CA that the tests trust."""
    return trustme.CA()


def write_ca(folder: Path) -> Path:
    path = folder / "ca.pem"
    authority().cert_pem.write_to_path(path)
    return path


def write_cert(path: Path, *hosts: str, ca: trustme.CA | None = None) -> str:
    """Write a new certificate with its key in the server's format; return the fingerprint."""
    issued = (ca or authority()).issue_cert(*(hosts or HOSTS))
    issued.private_key_and_cert_chain_pem.write_to_path(path)
    return fingerprint(ssl.PEM_cert_to_DER_cert(issued.cert_chain_pems[0].bytes().decode()))


def certificate(folder: Path, *, client_ca: Path | None = None, ca: trustme.CA | None = None) -> Certificate:
    """Return a new certificate as a server loads it."""
    write_cert(folder / "cert.pem", ca=ca)
    loaded = Certificate.load(TlsSettings(tls_cert=folder / "cert.pem", tls_client_ca=client_ca))
    assert loaded is not None
    return loaded


async def encrypt(stream: trio.abc.Stream) -> trio.SSLStream[trio.abc.Stream]:
    """Return the stream of a strict client, for which an end without TLS's own end is an error."""
    context = ssl.create_default_context()
    authority().configure_trust(context)
    encrypted = trio.SSLStream(stream, context, server_hostname="localhost")
    await encrypted.do_handshake()
    return encrypted


async def tls_peer(stream: trio.abc.Stream) -> Peer:
    return Peer(await encrypt(stream))  # type: ignore[arg-type]  # a peer only sends and receives
