"""A connection of a load: joining, reading, and the reason why the server closed it."""

from __future__ import annotations

import socket
import struct
import threading
from pathlib import Path

import pytest

from tcpchat.address import Address
from tcpchat.bench.connection import Connection
from tcpchat.errors import StartError
from tests.bench.fake_server import BANNED
from tests.certificates import write_cert
from tests.process import PATIENCE, ServerProcess
from tests.service.test_tls_daemon import tls_port


def test_the_reason_survives_a_reset_of_the_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        joined = threading.Event()

        def throw_out() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b'{"type":"history","re":"joined"}\n')
                joined.wait(PATIENCE)
                connection.sendall(BANNED)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

        thread = threading.Thread(target=throw_out)
        thread.start()
        connection = Connection(Address("127.0.0.1", listener.getsockname()[1]))
        joined.set()
        thread.join()
        with connection.socket:
            while connection.read() is not None:
                pass
    assert connection.bye == "banned"


def test_a_port_for_tls_is_refused(tmp_path: Path) -> None:
    write_cert(tmp_path / "cert.pem")
    options = ("--ephemeral", "--tls-port", "0", "--tls-cert", str(tmp_path / "cert.pem"))
    with ServerProcess(*options) as server, pytest.raises(StartError, match="needs the plain port") as error:
        Connection(Address("127.0.0.1", tls_port(server)))
    assert "--tls" not in str(error.value)


def test_a_peer_that_is_no_server_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"SSH-2.0-OpenSSH\r\n")
                connection.recv(100)

        threading.Thread(target=answer, daemon=True).start()
        with pytest.raises(StartError, match="is not a tcpchat server, or does not answer"):
            Connection(Address("127.0.0.1", listener.getsockname()[1]))
