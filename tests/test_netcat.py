"""docs/netcat.md: what the programs do that people talk to the port with, run as the page shows them."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests import tools
from tests.certificates import write_cert
from tests.process import PATIENCE, ServerProcess
from tests.raw_clients import DOCS, Listener, Piped, Typed, rows
from tests.service import test_tls_daemon

PIPED = {text: (package, then) for text, package, then in rows("| at the end of its input |")}
TYPED = {text: (leaves, int(code), enter) for text, leaves, code, enter in rows("| Enter sends |")}
WAITS, ENDS, NOTHING = "waits for ever", "shows all answers and ends", "ends without an answer"
AT_ONCE, LATER, AT_ENTER = "at once", "a second later", "at the next Enter, a second later or more"
SHORT, LONG = (text for text, (_, then) in PIPED.items() if "answers that come" in then)
NEEDED = pytest.mark.needs(*dict.fromkeys(text.split()[0] for text in (*PIPED, *TYPED)))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    folder = tmp_path_factory.mktemp("netcat")
    write_cert(folder / "cert.pem")
    options = ("--tls-cert", str(folder / "cert.pem"), "--tls-port", "0")
    with ServerProcess("--ephemeral", *options) as running:
        yield running


@pytest.fixture(scope="module")
def tls_port(server: ServerProcess) -> int:
    return test_tls_daemon.tls_port(server)


@NEEDED
def test_at_the_end_of_its_input_each_program_does_what_is_said() -> None:
    """The answer comes once the server knows that the input has ended, as slow ones do."""
    with ExitStack() as stack:
        programs = {}
        for text in PIPED:
            listener = stack.enter_context(Listener())
            program = stack.enter_context(Piped(text, listener.port, "users\n"))
            programs[text] = (program, listener.accept())
        for text, (program, peer) in programs.items():
            then = PIPED[text][1]
            if then in {ENDS, NOTHING}:
                peer.wait_end()
                if then == ENDS:
                    peer.send("answer\n")
                peer.close()
                shown, code = program.end()
                assert (shown == "answer\n", "answer" in shown) == (then == ENDS,) * 2, text
                assert then == NOTHING or code == 0, text
        short, long = programs[SHORT], programs[LONG]
        for _, peer in (short, long):
            peer.receive()
        assert short[0].end() == ("", 0), "no answer within 0.5 s is none"
        assert long[0].is_there
        long[1].send("answer\n")
        long[1].close()
        assert long[0].end() == ("answer\n", 0)
        for text, (program, peer) in programs.items():
            if PIPED[text][1] == WAITS:
                peer.receive()
                assert program.is_there, text
                assert not peer.has_ended, text
            peer.close()


@NEEDED
def test_with_exit_as_the_last_line_all_answers_are_shown(server: ServerProcess) -> None:
    with ExitStack() as stack:
        programs = {
            text: stack.enter_context(Piped(text, server.port, "send hi\nping\nexit\n"))
            for text, (_, then) in PIPED.items()
            if then != NOTHING and text != SHORT
        }
        for text, program in programs.items():
            shown, code = program.end()
            types = re.findall(r'^\{"type":"([a-z]+)"', shown, re.MULTILINE)
            own = [type for type in types if type not in {"joined", "left", "message"}]
            assert (own, code) == (["welcome", "sent", "pong", "bye"], 0), text


@pytest.mark.needs("nc", "bash")
def test_the_script_of_the_page_is_answered(server: ServerProcess) -> None:
    (script,) = re.findall(r"^```sh\n(.*?)^```$", DOCS, re.MULTILINE | re.DOTALL)
    ran = subprocess.run(
        ["bash", "-c", script.replace("8000", str(server.port))],
        check=True, capture_output=True, text=True, timeout=PATIENCE,
    )  # fmt: skip
    assert '"type":"sent"' in ran.stdout


@NEEDED
def test_after_exit_each_program_leaves_as_is_said_and_enter_sends_what_is_said() -> None:
    with ExitStack() as stack:
        programs = {}
        for text in TYPED:
            listener = stack.enter_context(Listener())
            program = stack.enter_context(Typed(text, listener.port))
            programs[text] = (program, listener.accept())
        for text, (program, peer) in programs.items():
            end = TYPED[text][2]
            peer.send("welcome\n")
            program.wait_shown("welcome")
            program.type("exit\n")
            assert repr(peer.receive()) == f"b'exit{end}'", text
            peer.send("bye\n")
            peer.end()
            program.wait_shown("bye")

        def leave(when: str) -> None:
            for text, (program, _) in programs.items():
                leaves, code, _ = TYPED[text]
                if leaves == when:
                    assert program.end() == code, text
            assert {TYPED[text][0] for text, (program, _) in programs.items() if program.is_there} == {
                AT_ONCE: {LATER, AT_ENTER}, LATER: {AT_ENTER}, AT_ENTER: set(),
            }[when]  # fmt: skip

        leave(AT_ONCE)
        for _, peer in programs.values():
            peer.reset()
        leave(LATER)
        for program, _ in programs.values():
            if program.is_there:
                program.type("\n")
        leave(AT_ENTER)


@pytest.mark.needs("nc.openbsd")
def test_the_server_lets_a_program_leave_that_waits_for_its_terminal(server: ServerProcess) -> None:
    with Typed("nc.openbsd 127.0.0.1 8000", server.port) as nc:
        nc.wait_shown("welcome")
        nc.type("exit\n")
        assert nc.end() == 0


@pytest.mark.needs("nc.openbsd")
def test_a_typed_line_is_cut_by_the_terminal(server: ServerProcess) -> None:
    with Listener() as listener, Typed("nc.openbsd 127.0.0.1 8000", listener.port) as nc:
        nc.type("x" * 5000 + "\n")
        assert listener.accept().receive() == b"x" * 4095 + b"\n"
    with Typed("nc.openbsd 127.0.0.1 8000", server.port) as nc:
        nc.wait_shown("welcome")
        nc.type("send x" + "я" * 3000 + "\n")
        nc.wait_shown("bad-encoding")


@pytest.mark.needs("gnutls-cli", "openssl")
@pytest.mark.parametrize(
    "text",
    [
        "gnutls-cli --insecure --logfile=/dev/null --port 8000 127.0.0.1",
        "openssl s_client -quiet -connect 127.0.0.1:8000",
    ],
)
def test_over_tls_too_all_answers_are_shown(tls_port: int, text: str) -> None:
    with Piped(text, tls_port, "ping\nexit\n") as program:
        shown, code = program.end()
    assert re.findall(r'^\{"type":"([a-z]+)"', shown, re.MULTILINE) == ["welcome", "pong", "bye"]
    assert code == 0


def test_the_packages_of_the_programs_are_those_of_the_page() -> None:
    for text, (package, _) in PIPED.items():
        assert tools.PACKAGES[text.split()[0]] == package
