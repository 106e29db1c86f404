"""A server process that makes its certificate, and clients that are given its fingerprint."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tcpchat.serving import self_signed
from tcpchat.serving.self_signed import FILE, with_certificate
from tcpchat.settings import Settings, Storage, TlsSettings
from tests.process import COMMAND, PATIENCE, ServerProcess, environment
from tests.service.test_tls_daemon import tls_port, wait_for

pytestmark = pytest.mark.needs("openssl")

DOCS = (Path(__file__).parent.parent.parent / "docs/tls.md").read_text()
(EXTRACT,) = re.findall(r"`(openssl x509 -in tls\.pem .*?)`", DOCS)


def client(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], env=environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=PATIENCE, check=False,
    )  # fmt: skip


def test_each_start_prints_the_fingerprint_of_the_same_certificate_and_clients_accept_it(
    tmp_path: Path,
) -> None:
    data = tmp_path / "data"
    options = ("--data", str(data), "--tls-self-signed", "--tls-port", "0", "--log-level", "error")
    shown: set[str] = set()
    for text in ("first", "second"):
        with ServerProcess(*options) as server:
            where = f"127.0.0.1:{tls_port(server)}"
            word, fingerprint = server._read_line().split()
            assert word == "fingerprint"
            shown.add(fingerprint)
            sent = client("send", "-a", where, "--tls-fingerprint", fingerprint, text)
            assert (sent.returncode, sent.stderr) == (0, "")
            assert client("send", "-a", where, "--tls", text).returncode == 3
            other = "SHA256:" + ":".join(["00"] * 32)
            assert client("send", "-a", where, "--tls-fingerprint", other, text).returncode == 3
            subprocess.run(EXTRACT.split(), cwd=data, check=True, timeout=PATIENCE)
            assert "PRIVATE" not in (data / "cert.pem").read_text()
            trusted = client("tail", where, "--tls-ca", str(data / "cert.pem"))
            assert trusted.stdout.endswith(f"{text}\n"), trusted.stderr
            assert server.log() == ""
    assert len(shown) == 1


def test_a_start_warns_of_a_certificate_that_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(self_signed, "DAYS", 29)
    with_certificate(Settings(tls=TlsSettings(tls_self_signed=True), storage=Storage(data=tmp_path)))
    with ServerProcess("--data", str(tmp_path), "--tls-self-signed", "--tls-port", "0") as server:
        wait_for(server, "ready")
        (line,) = (line for line in server.log().splitlines() if "warning" in line)
        assert "the certificate ends" in line
        assert str(tmp_path / FILE) in line
