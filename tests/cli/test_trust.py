"""Trust on first use: a person and a script before a server that the system does not trust."""

from __future__ import annotations

import json
import signal
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path

import pytest

from tcpchat.cli.app import parse_and_run as run_here
from tcpchat.cli.trust import trusting
from tcpchat.client import DisconnectedError, Tls, UntrustedError
from tcpchat.fingerprint import fingerprint, halves
from tcpchat.link.known_servers import KnownServers
from tcpchat.repl.options import Options
from tests.certificates import write_ca, write_cert
from tests.process import ServerProcess
from tests.repl.test_scripts import run
from tests.service.test_tls_daemon import tls_port, wait_for
from tests.terminal import Terminal

QUESTION = "Trust it from now on? [y/N]"


class Place:
    """A server whose certificate the system does not know."""

    def __init__(self, server: ServerProcess, cert: Path, fingerprint: str) -> None:
        self.where = f"127.0.0.1:{tls_port(server)}"
        self.plain = f"127.0.0.1:{server.port}"
        self.fingerprint = fingerprint
        self._server = server
        self._cert = cert

    def change(self) -> None:
        self.fingerprint = write_cert(self._cert)
        self._server.signal(signal.SIGHUP)
        wait_for(self._server, self.fingerprint)


@contextmanager
def open_place(folder: Path) -> Iterator[Place]:
    fingerprint = write_cert(folder / "cert.pem")
    options = ("--ephemeral", "--tls-port", "0", "--tls-cert", str(folder / "cert.pem"))
    with ServerProcess(*options) as server:
        yield Place(server, folder / "cert.pem", fingerprint)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with open_place(tmp_path_factory.mktemp("server")) as opened:
        yield opened


def text(terminal: Terminal) -> str:
    """Return what is on the screen as one line, without the breaks of a narrow terminal."""
    return "".join(terminal.lines)


def alarm(trusted: str, shown: str) -> list[str]:
    """Return the lines that people compare; a terminal of 80 columns holds each."""
    lines = [f"  trusted  {halves(trusted)[0]}", f"           {halves(trusted)[1]}"]
    lines += [f"  shown    {halves(shown)[0]}", f"           {halves(shown)[1]}"]
    assert max(map(len, lines)) < 80
    return lines


@pytest.mark.parametrize("typed", ["\x03", "\x04", "n\r"])
def test_without_a_yes_nothing_is_sent(place: Place, tmp_path: Path, typed: str) -> None:
    with Terminal("connect", "--tls", place.where, folder=tmp_path, columns=80) as window:
        window.wait_for(QUESTION.rpartition(" ")[0], *halves(place.fingerprint))
        window.type(typed)
        assert window.exit_code() == 3
        window.wait_for(f"tcpchat: not connected to {place.where}; nothing was sent")
        assert "Traceback" not in window.text
    assert not list(tmp_path.rglob("trusted/*"))


def test_a_person_decides_once_and_is_warned_of_another_certificate(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with open_place(tmp_path) as place:
        connect = ("connect", "--tls", place.where)
        with Terminal(*connect, folder=tmp_path, columns=200) as window:
            window.wait_for(
                QUESTION, *halves(place.fingerprint), f"The certificate of {place.where} is not trusted: "
            )
            window.enter("n")
            window.wait_for("nothing was sent")
        assert not list(tmp_path.rglob("trusted/*"))
        with Terminal(*connect, folder=tmp_path, columns=200) as window:
            window.wait_for(QUESTION)
            window.enter("y")
            window.wait_for("▸", f"{place.where} TLS")
            window.enter("hi")
        (file,) = tmp_path.rglob("trusted/*")
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert json.loads(file.read_text()) == {"address": place.where, "fingerprint": place.fingerprint}
        assert run_here(["send", "--tls", "-a", place.where, "from a script"]) == 0
        before = place.fingerprint
        place.change()
        with Terminal(*connect, folder=tmp_path, columns=200) as window:
            window.wait_for(*alarm(before, place.fingerprint))
            window.wait_for("Someone may be intercepting", "nothing was sent", "--tls-forget")
            assert QUESTION not in text(window)
        assert run_here(["tail", "--tls", place.where]) == 3
        assert f"--tls-forget {place.where}" in capfd.readouterr().err
        with Terminal(*connect, "--tls-forget", folder=tmp_path, columns=200) as window:
            window.wait_for(QUESTION, *halves(place.fingerprint))
            window.enter("yes")
            window.wait_for("▸", f"{place.where} TLS")


def test_a_script_is_refused_with_advice(place: Place, tmp_path: Path) -> None:
    done = run(tmp_path, "send", "--tls", "-a", place.where, "hi")
    assert (done.returncode, done.stdout) == (3, "")
    assert place.fingerprint in done.stderr
    assert "--tls-fingerprint" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_each_option_alone_implies_tls(
    place: Place, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("TCPCHAT_TLS_CERT", "/nowhere")  # the server's, which is no business of a client
    ca = str(write_ca(tmp_path))
    for option in (("--tls-ca", ca), ("--tls-fingerprint", place.fingerprint)):
        assert run_here(["send", "-a", place.where, *option, "hi"]) == 0
        assert run_here(["send", "-a", place.plain, *option, "hi"]) == 3
        assert "does not speak TLS" in capfd.readouterr().err
    assert run_here(["connect", "--tls-forget", place.plain]) == 3
    assert "does not speak TLS" in capfd.readouterr().err
    assert run_here(["send", "-a", place.plain, "hi"]) == 0
    monkeypatch.setenv("TCPCHAT_TLS_CA", ca)
    assert run_here(["tail", "-n", "1", place.where]) == 0
    assert capfd.readouterr().out.endswith("  hi\n")
    monkeypatch.delenv("TCPCHAT_TLS_CA")
    monkeypatch.setenv("TCPCHAT_TLS", "1")
    assert run_here(["tail", "-n", "1", place.where]) == 3
    assert place.fingerprint in capfd.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--tls-fingerprint", "abc"], "is not the SHA-256 of a certificate"),
        (["--tls-ca", "/nowhere"], "cannot read authorities from /nowhere: No such file"),
        (["--tls-key", "/nowhere"], "a key requires its certificate"),
    ],
)
def test_impossible_tls_options_are_a_usage_error(
    arguments: list[str], told: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run_here(["send", "hi", *arguments]) == 2
    assert told in capfd.readouterr().err


def test_an_unreadable_trust_file_is_an_error(
    place: Place, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    state = tmp_path / "tcpchat"
    KnownServers(state).trust(place.where, place.fingerprint)
    assert run_here(["send", "--tls", "-a", place.where, "hi"]) == 0
    (file,) = (state / "trusted").iterdir()
    file.write_text("?")
    assert run_here(["send", "--tls", "-a", place.where, "hi"]) == 1
    told = capfd.readouterr().err
    assert "is damaged" in told
    assert "--tls-forget" in told


def test_a_certificate_that_changes_during_a_session_is_warned_of_too(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also in the run whose person was asked first, and without a second question."""
    monkeypatch.setattr("sys.stdin", StringIO("y\ny\n"))
    plan = Options(address="chat.example.org:8443", tls=Tls(), state=tmp_path)
    one, two = fingerprint(b"one"), fingerprint(b"two")
    ran: list[str | None] = []

    def run(plan: Options) -> None:
        assert plan.tls is not None
        expected = plan.tls.fingerprint
        ran.append(expected)
        error = UntrustedError(plan.address, one if expected is None else two, "why", expected=expected)
        error.reconnecting = expected is not None
        raise error

    with pytest.raises(
        DisconnectedError, match=r"nothing was sent to it\. .*--tls-forget chat\.example\.org:8443"
    ):
        trusting(plan, run, asks=True)
    assert ran == [None, one]
    told = capfd.readouterr().err
    assert "\n".join(alarm(one, two)) + "\n" in told
    assert told.count(QUESTION) == 1


def test_a_running_client_trusts_a_certificate_accepted_by_another_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", StringIO("y\n"))
    plan = Options(address="chat.example.org:8443", tls=Tls(), state=tmp_path)
    one, two = fingerprint(b"one"), fingerprint(b"two")
    meanwhile = KnownServers(tmp_path)

    def run(plan: Options) -> None:
        assert plan.tls is not None
        if plan.tls.fingerprint is None:
            raise UntrustedError(plan.address, one, "why")
        assert plan.tls.now().fingerprint == one
        meanwhile.trust(plan.address, two)
        assert plan.tls.now().fingerprint == two
        meanwhile.forget(plan.address)
        assert plan.tls.now().fingerprint is None

    trusting(plan, run, asks=True)
    meanwhile.trust(plan.address, one)
    trusting(plan, run, asks=True)


def test_a_decision_that_cannot_be_stored_holds_for_this_run(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", StringIO("y\n"))
    (tmp_path / "trusted").symlink_to(tmp_path / "nowhere" / "else")  # not there, and cannot be made
    plan = Options(address="chat.example.org:8443", tls=Tls(), state=tmp_path)
    one = fingerprint(b"one")

    def run(plan: Options) -> str | None:
        assert plan.tls is not None
        if plan.tls.fingerprint is None:
            raise UntrustedError(plan.address, one, "why")
        return plan.tls.now().fingerprint

    assert trusting(plan, run, asks=True) == one
    assert "Trusted for this run only" in capfd.readouterr().err


def test_a_server_that_the_system_no_longer_trusts_is_no_question_on_reconnect(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def run(plan: Options) -> None:
        error = UntrustedError(plan.address, fingerprint(b"one"), "certificate has expired")
        error.reconnecting = True
        raise error

    with pytest.raises(DisconnectedError, match="has expired"):
        trusting(Options(address="chat.example.org:8443", tls=Tls(), state=tmp_path), run, asks=True)
    assert QUESTION not in capfd.readouterr().err
