"""A server process with a certificate: its listeners, and SIGHUP."""

from __future__ import annotations

import re
import signal
import socket
import ssl
import subprocess
import time
from pathlib import Path
from subprocess import PIPE

import pytest

from tcpchat.fingerprint import fingerprint
from tests.certificates import authority, write_cert
from tests.process import PATIENCE, Client, ServerProcess


class TlsClient(Client):
    """A connection by TLS."""

    def __init__(self, port: int) -> None:
        context = ssl.create_default_context()
        authority().configure_trust(context)
        plain = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.tls = context.wrap_socket(plain, server_hostname="localhost")
        self._socket = self.tls
        self._file = self.tls.makefile("rb")

    def fingerprint(self) -> str:
        shown = self.tls.getpeercert(binary_form=True)
        assert shown is not None
        return fingerprint(shown)


def tls_port(server: ServerProcess) -> int:
    line = server._read_line()
    assert re.fullmatch(r"listening with TLS on 127\.0\.0\.1:\d+\n", line)
    return int(line.rpartition(":")[2])


def wait_for(server: ServerProcess, *what: str) -> None:
    """Wait until the log holds this."""
    deadline = time.monotonic() + PATIENCE
    while not all(one in server.log() for one in what):
        assert time.monotonic() < deadline, server.log()
        time.sleep(0.01)


def test_a_new_certificate_applies_to_new_connections_and_a_bad_one_to_none(tmp_path: Path) -> None:
    path = tmp_path / "cert.pem"
    first = write_cert(path)
    with ServerProcess("--ephemeral", "--tls-port", "0", "--tls-cert", str(path)) as server:
        port = tls_port(server)
        wait_for(server, first)
        with TlsClient(port) as old, server.connect() as plain:
            assert old.fingerprint() == first
            old.next("welcome")
            second = write_cert(path)
            server.signal(signal.SIGHUP)
            wait_for(server, "certificate reloaded", second)
            with TlsClient(port) as new:
                assert new.fingerprint() == second
                new.send("send to all")
                for reader in (old, plain, new):
                    assert reader.next("message")["text"] == "to all"
            path.write_text("rubbish")
            server.signal(signal.SIGHUP)
            wait_for(server, "not reloaded; the current settings stay in effect", "contains no certificate")
            with TlsClient(port) as newer:
                assert newer.fingerprint() == second
            server.signal(signal.SIGTERM)
            assert old.next("bye")["code"] == "server-stopping"
            assert old.rest() == []
        assert server.wait() == 0


@pytest.mark.needs("openssl")  # nothing else here renegotiates
def test_a_client_cannot_renegotiate(tmp_path: Path) -> None:
    path = tmp_path / "cert.pem"
    write_cert(path)
    with ServerProcess("--ephemeral", "--tls-port", "0", "--tls-cert", str(path)) as server:
        arguments = ["openssl", "s_client", "-tls1_2", "-connect", f"127.0.0.1:{tls_port(server)}"]
        with subprocess.Popen(arguments, stdin=PIPE, stdout=PIPE, stderr=PIPE) as peer:
            assert peer.stdout is not None
            try:
                while b'"welcome"' not in peer.stdout.readline():
                    assert peer.poll() is None
                _, told = peer.communicate(b"R\n", timeout=PATIENCE)
            finally:
                peer.kill()
    assert b"RENEGOTIATING" in told, "it asked for one"
    assert b"no renegotiation" in told, "and was refused"
