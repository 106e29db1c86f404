"""The commands of docs/tls.md, typed with the real openssl."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tcpchat.fingerprint import parse_fingerprint
from tests.process import PATIENCE, ServerProcess
from tests.service.test_tls_daemon import tls_port, wait_for

DOCS = (Path(__file__).parent.parent / "docs/tls.md").read_text()
MAKE, SHOW = re.findall(r"^```sh\n(.*?)^```$", DOCS, re.MULTILINE | re.DOTALL)
(CONNECT,) = re.findall(r"`(openssl s_client .*?)`", DOCS)


def shell(script: str, folder: Path, input: str = "") -> str:
    command = ["sh", "-ec", script]
    ran = subprocess.run(
        command, cwd=folder, input=input, check=True, capture_output=True, text=True, timeout=PATIENCE
    )
    return ran.stdout


@pytest.mark.needs("openssl")
def test_a_certificate_is_made_and_shown_and_openssl_talks(tmp_path: Path) -> None:
    shell(MAKE, tmp_path)
    shown = parse_fingerprint(shell(SHOW, tmp_path))
    options = ("--tls-cert", str(tmp_path / "cert.pem"), "--tls-key", str(tmp_path / "key.pem"))
    with ServerProcess("--ephemeral", "--tls-port", "0", *options) as server:
        port = tls_port(server)
        wait_for(server, shown)
        talk = CONNECT.replace("chat.example.org:8443", f"127.0.0.1:{port}")
        lines = shell(talk, tmp_path, input="send hi\nexit\n").splitlines()
    assert [re.sub(r'\{"type":"([a-z]+)".*', r"\1", line) for line in lines] == [
        "welcome", "sent", "message", "bye",
    ]  # fmt: skip
