"""The client in pipes and scripts: real processes, linear text, JSON lines, exit codes."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Self

import orjson
import pytest

from tests.process import COMMAND, PATIENCE, Client, ServerProcess, free_port
from tests.terminal import home

FULL = Path("/dev/full")
REPLIES = {"sent", "users", "error", "pong"}
LATIN_1 = {"PYTHONIOENCODING": "latin-1"}
FORBIDDEN = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")  # all controls but the line feed


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with ServerProcess("--ephemeral", "--presence-seconds", "0", "--log-level", "error") as server:
        yield server


@pytest.fixture
def bob(server: ServerProcess) -> Iterator[Client]:
    with server.connect() as client:
        client.send("rename bob")
        client.next("renamed")
        yield client
        client.send("exit")
        client.next("bye")


@pytest.fixture
def where(server: ServerProcess) -> str:
    return f"127.0.0.1:{server.port}"


def run(
    folder: Path,
    *arguments: str,
    input: str = "",
    stdin: int = subprocess.PIPE,
    stdout: int | IO[str] = subprocess.PIPE,
    encoding: str = "utf-8",
    environ: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run `tcpchat` with pipes until it ends."""
    with subprocess.Popen(
        [*COMMAND, *arguments],
        stdin=stdin,
        stdout=stdout,
        stderr=subprocess.PIPE,
        encoding=encoding,
        errors="surrogateescape",
        env=home(folder) | dict(environ or {}),
    ) as process:
        out, err = process.communicate(input if stdin == subprocess.PIPE else None, PATIENCE)
    return subprocess.CompletedProcess(arguments, process.returncode, out or "", err)


class Running:
    """`tcpchat` with pipes while the block lasts; by its end the process is gone."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [*COMMAND, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=home(folder),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def enter(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def line_with(self, text: str) -> str:
        """Return the next line of stdout that holds this text."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if text in line:
                return line
        raise AssertionError(f"{text!r} never came")

    def ended(self, number: int) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


def said(client: Client, count: int) -> list[str]:
    """Return the next texts."""
    return [client.next("message")["text"] for _ in range(count)]


def lines_of(output: str) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in output.splitlines()]


# tcpchat connect


def test_a_line_of_a_pipe_is_sent_before_it_leaves(where: str, bob: Client, tmp_path: Path) -> None:
    done = run(tmp_path, "connect", where, input="deploy done\n")
    assert (done.returncode, done.stderr) == (0, "")
    assert said(bob, 1) == ["deploy done"]


def test_many_lines_arrive_in_order_however_fast(where: str, bob: Client, tmp_path: Path) -> None:
    texts = [f"line {number}" for number in range(60)]
    done = run(tmp_path, "connect", where, "--name", "robbie", input="\n".join(texts))
    assert (done.returncode, done.stderr) == (0, "")
    assert said(bob, 60) == texts
    shown = [line[6:] for line in done.stdout.splitlines() if "✓" in line]
    assert shown == [f"robbie ✓ {text}" for text in texts[: len(shown)]]
    assert len(shown) >= 59, "only the last may be acknowledged before it comes in"


def test_no_control_gets_into_a_pipe(where: str, bob: Client, tmp_path: Path) -> None:
    with Running(tmp_path, "connect", where, "--name", "eve") as eve:
        eve.enter("ready")
        eve.line_with("✓ ready")
        bob.send(orjson.dumps({"type": "send", "text": "a\x1b[2J\x07\x9b\rb @eve"}).decode())
        assert eve.line_with("bob  a") == f"{eve_time(bob)} bob  a␛[2J␇<U+009B>\n"
        assert not FORBIDDEN.search(eve.line_with("b @eve"))
        assert eve.ended(signal.SIGTERM) == 0
        assert eve.process.stderr is not None
        assert not FORBIDDEN.search(eve.process.stderr.read())


def eve_time(client: Client) -> str:
    """Return the time of the last thing that this client said, as it is shown."""
    at: str = client.next("sent")["at"]
    return at[11:16]


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_lines_of_a_pipe_are_text_whatever_they_say(
    where: str, bob: Client, tmp_path: Path, form: tuple[str, ...]
) -> None:
    texts = ["exit", "/rename eve", "report bob spam", "send -u bob secret", "//c", "  two blanks", "help"]
    done = run(tmp_path, "connect", where, *form, input="\n".join([*texts, "", "   ", "end"]))
    assert (done.returncode, done.stderr) == (0, "")
    assert said(bob, 8) == [*texts, "end"]


@pytest.mark.parametrize("slash", ["", "/"])
def test_lines_are_commands_if_that_is_asked_for(where: str, bob: Client, tmp_path: Path, slash: str) -> None:
    lines = ["rename cy", "send hi", "send -u bob psst", "exit", "send never"]
    done = run(tmp_path, "connect", where, "--commands", input="\n".join(f"{slash}{line}" for line in lines))
    assert done.returncode == 0
    assert said(bob, 2) == ["hi", "psst"]
    assert "never" not in done.stdout


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("hello", "there is no command /hello. To send it as text, start the line with a space"),
        ("sned -u bob secret", "there is no command /sned; did you mean /send?"),
        ("/send -u nobody hi", "nobody"),
        ("users all", "users does not take 'all'"),
        ("/nope", "there is no command /nope"),
    ],
)
def test_failed_commands_are_reported_with_exit_code_1(
    where: str, bob: Client, tmp_path: Path, line: str, told: str
) -> None:
    done = run(tmp_path, "connect", where, "--commands", input=f"{line}\n after\n")
    assert done.returncode == 1
    assert told in " ".join(done.stderr.split())
    assert "✗ " in done.stderr
    assert said(bob, 1) == ["after"]


def test_plain_shows_messages_until_a_signal(where: str, bob: Client, tmp_path: Path) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        with Running(tmp_path, "connect", where, "--plain", "--name", "sue") as sue:
            sue.enter("I listen")
            sue.line_with("sue ✓ I listen")
            bob.send("send -u sue psst")
            assert sue.line_with("psst")[6:] == "bob → sue  psst\n"
            assert sue.ended(number) == 0


# Streams that are missing, closed or full, or in another encoding.


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_all_is_sent_if_nobody_reads_what_is_printed(
    where: str, bob: Client, tmp_path: Path, form: tuple[str, ...]
) -> None:
    texts = [f"line {number}" for number in range(45)]
    with Running(tmp_path, "connect", where, *form) as client:
        assert client.process.stdout is not None
        client.process.stdout.close()
        client.process.stdout = None
        _, err = client.process.communicate("\n".join(texts), timeout=PATIENCE)
        assert (client.process.returncode, err) == (0, "")
    assert said(bob, 45) == texts


@pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full here")
@pytest.mark.parametrize(
    ("arguments", "code"), [(("connect",), 0), (("connect", "--json"), 0), (("tail",), 1)]
)
def test_a_full_disk_is_reported_and_loses_nothing_that_is_sent(
    where: str, bob: Client, tmp_path: Path, arguments: tuple[str, ...], code: int
) -> None:
    bob.send("send something to print")
    bob.next("message")
    with FULL.open("w") as full:
        done = run(tmp_path, *arguments, where, input="hi\n", stdout=full)
    assert (done.returncode, done.stderr) == (
        code,
        "tcpchat: cannot write to stdout: No space left on device\n",
    )
    if arguments != ("tail",):
        assert said(bob, 1) == ["hi"]


@pytest.mark.parametrize("redirect", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("command", ["connect", "connect --json", "tail", "send hi --address"])
def test_missing_streams_are_no_failure(
    where: str, bob: Client, tmp_path: Path, command: str, redirect: str
) -> None:
    line = f'exec "$@" {command} {where} {redirect}'
    done = subprocess.run(
        ["/bin/sh", "-c", line, "sh", *COMMAND],
        input=b"hi\n",
        capture_output=True,
        env=home(tmp_path),
        timeout=PATIENCE,
        check=False,
    )
    assert (done.returncode, b"Traceback" in done.stderr) == (0, False)
    if command.startswith("send") or ("connect" in command and "<&-" not in redirect):
        assert said(bob, 1) == ["hi"]


def test_text_without_stdin_is_missing(where: str, tmp_path: Path) -> None:
    done = run(tmp_path, "send", "--address", where, stdin=subprocess.DEVNULL)
    assert (done.returncode, done.stderr) == (2, "tcpchat: there is no TEXT to send\n")


@pytest.mark.parametrize("arguments", [("connect",), ("tail", "-n", "1"), ("connect", "--json")])
def test_what_the_locale_cannot_write_is_replaced(
    where: str, bob: Client, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    bob.send("send ✓ 日")
    bob.next("message")
    done = run(tmp_path, *arguments, where, input="über\nend\n", encoding="latin-1", environ=LATIN_1)
    assert done.returncode == 0
    if arguments == ("tail", "-n", "1"):
        assert done.stdout[6:] == "bob  + \\u65e5\n"
    elif arguments == ("connect",):
        assert "+ über\n" in done.stdout
        assert said(bob, 2) == ["über", "end"]
    else:
        assert "über" in [line.get("text") for line in lines_of(done.stdout.encode("latin-1").decode())]


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_a_line_that_is_not_utf_8_is_refused_with_its_number(
    where: str, bob: Client, tmp_path: Path, form: tuple[str, ...]
) -> None:
    done = run(tmp_path, "connect", where, *form, input="one\nb\udce9d\ntwo\n")
    assert done.returncode == 1
    assert "line 2 is not UTF-8 at byte 2; nothing was done" in done.stdout + done.stderr
    assert said(bob, 2) == ["one", "two"]


@pytest.mark.parametrize(("arguments", "input"), [((), "one\nb\udce9d\n"), (("b\udce9d",), "")])
def test_send_refuses_what_is_not_utf_8(
    where: str, tmp_path: Path, arguments: tuple[str, ...], input: str
) -> None:
    done = run(tmp_path, "send", "--address", where, *arguments, input=input)
    assert done.returncode == 1
    assert done.stderr.startswith("tcpchat: ")
    assert done.stderr.endswith("is not UTF-8 at byte 2; nothing was sent\n")
    assert len(done.stderr.splitlines()) == 1


# --json


def test_a_line_of_json_is_a_request_and_its_id_is_in_the_reply(
    where: str, bob: Client, tmp_path: Path
) -> None:
    requests = [
        {"type": "ping", "id": "one"},
        {"type": "send", "id": 2, "text": "héllo"},
        {"type": "send", "id": 3, "text": "once", "key": "k"},
        {"type": "send", "id": 4, "text": "once", "key": "k"},
        {"type": "users"},
        {"type": "send", "id": 5, "txt": "no"},
        {"type": "rename", "id": 6, "name": "bob"},
        {"type": "exit"},
        {"type": "ping", "id": "never"},
    ]
    lines = [orjson.dumps(request).decode() for request in requests]
    done = run(tmp_path, "connect", where, "--json", input="\n".join([*lines[:4], "{not json", *lines[4:]]))
    assert (done.returncode, done.stderr) == (1, "")
    replies = [line for line in lines_of(done.stdout) if line["type"] in REPLIES]
    assert [(line["type"], line.get("re"), line.get("code")) for line in replies] == [
        ("pong", "one", None),
        ("sent", 2, None),
        ("sent", 3, None),
        ("sent", 4, None),
        ("error", None, "bad-json"),
        ("users", None, None),
        ("error", 5, "unknown-field"),
        ("error", 6, "name-taken"),
    ]
    assert replies[2]["seq"] == replies[3]["seq"]
    assert said(bob, 2) == ["héllo", "once"]


def test_a_request_is_utf_8_in_every_locale(where: str, bob: Client, tmp_path: Path) -> None:
    line = '{"type":"send","text":"hé"}\n'.encode().decode("latin-1")
    done = run(tmp_path, "connect", where, "--json", input=line, encoding="latin-1", environ=LATIN_1)
    assert done.returncode == 0
    assert said(bob, 1) == ["hé"]


def test_in_json_too_lines_are_commands_if_that_is_asked_for(where: str, bob: Client, tmp_path: Path) -> None:
    done = run(
        tmp_path,
        "connect",
        where,
        "--json",
        "--commands",
        "--name",
        "jo",
        input=" hello\nusers\n\n/set\n/users all\nusers all\nhello\n",
    )
    assert (done.returncode, done.stderr) == (1, "")
    lines = lines_of(done.stdout)
    assert lines[0]["type"] == "welcome"
    replies = [line for line in lines if line["type"] in REPLIES]
    assert [line["type"] for line in replies] == ["sent", "users", *["error"] * 4]
    assert {user["name"] for user in replies[1]["users"]} >= {"jo", "bob"}
    unknown, wrong = "unknown-command", "bad-usage"
    assert [line["code"] for line in replies[2:]] == [unknown, wrong, wrong, unknown]
    assert said(bob, 1) == ["hello"]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("/login bob\nwrong1\n wrong1\n hello\n", ["hello"]),
        ("/login bob wrong1\n wrong1\n hello\n", ["hello"]),
        ("/to bob\n for bob\n/send for bob\n/to\n hello\n", ["hello"]),
    ],
)
def test_json_holds_text_after_a_refusal(
    where: str, bob: Client, tmp_path: Path, lines: str, said: list[str]
) -> None:
    done = run(tmp_path, "connect", where, "--json", "--commands", input=lines)
    assert done.returncode == 1
    assert [line["text"] for line in lines_of(done.stdout) if line["type"] == "message"] == said


def test_a_request_of_json_can_be_an_action(where: str, tmp_path: Path) -> None:
    line = '{"type":"send","text":"waves","action":true}'
    done = run(tmp_path, "connect", where, "--json", input=line)
    assert [one["action"] for one in lines_of(done.stdout) if one["type"] == "message"] == [True]


def test_json_refuses_an_option_after_the_text(where: str, tmp_path: Path) -> None:
    done = run(tmp_path, "connect", where, "--json", "--commands", input="/send my pin is 1234 -u bob\n")
    assert done.returncode == 1
    (error,) = (line for line in lines_of(done.stdout) if line["type"] == "error")
    assert error["code"] == "bad-usage"
    assert "send -u bob my pin is 1234" in error["message"]


def test_json_prints_events_as_they_come(where: str, bob: Client, tmp_path: Path) -> None:
    with Running(tmp_path, "connect", where, "--json", "--name", "jo") as jo:
        jo.enter('{"type":"ping"}')
        jo.line_with('"pong"')
        bob.send(orjson.dumps({"type": "send", "text": "raw\x1b"}).decode())
        line = orjson.loads(jo.line_with('"message"'))
        assert (line["from"], line["text"]) == ("bob", "raw\x1b")
        jo.enter('{"type":"exit"}')
        assert jo.process.wait(PATIENCE) == 0


# tcpchat send


@pytest.mark.parametrize(
    ("arguments", "input", "text"),
    [
        (("deploy", "done"), "", "deploy done"),
        ((), "two\nlines\n", "two\nlines"),
        (("users",), "", "users"),
        (("--", "-u"), "", "-u"),
    ],
)
def test_send_sends_the_text(
    where: str, bob: Client, tmp_path: Path, arguments: tuple[str, ...], input: str, text: str
) -> None:
    done = run(tmp_path, "send", "--address", where, *arguments, input=input)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert said(bob, 1) == [text]


def test_send_to_one_user(where: str, bob: Client, tmp_path: Path) -> None:
    done = run(tmp_path, "send", "--address", where, "-u", "bob", "--name", "ci", "psst")
    assert done.returncode == 0
    line = bob.next("message")
    assert (line["from"], line["to"], line["text"]) == ("ci", "bob", "psst")


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("-u", "nobody", "hi"), 1, "nobody"),
        (("--name", "bob", "hi"), 1, "bob"),
        ((), 2, "there is no TEXT to send"),
        (("-t", "soon", "hi"), 2, "--time"),
        (("--nope", "hi"), 2, "--nope"),
        (("--address", "here:port", "hi"), 2, "port"),
    ],
)
def test_send_explains_failures(
    where: str, bob: Client, tmp_path: Path, arguments: tuple[str, ...], code: int, told: str
) -> None:
    done = run(tmp_path, "send", *(() if "--address" in arguments else ("--address", where)), *arguments)
    assert done.returncode == code
    assert done.stderr.startswith("tcpchat: ")
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == 1


# tcpchat tail


def test_tail_prints_the_last_messages(where: str, bob: Client, tmp_path: Path) -> None:
    for number in range(5):
        bob.send(f"send tail {number}")
        bob.next("sent")
    done = run(tmp_path, "tail", where, "-n", "3")
    assert (done.returncode, done.stderr) == (0, "")
    assert [line[6:] for line in done.stdout.splitlines()] == [f"bob  tail {number}" for number in (2, 3, 4)]
    assert run(tmp_path, "tail", where, "-n", "0").stdout == ""
    as_json = lines_of(run(tmp_path, "tail", where, "--json", "-n", "2").stdout)
    assert [(line["type"], line["text"]) for line in as_json] == [
        ("message", "tail 3"),
        ("message", "tail 4"),
    ]


def test_tail_ends_where_the_last_event_is_an_edit(where: str, bob: Client, tmp_path: Path) -> None:
    bob.send("send see you at six")
    seq = bob.next("sent")["seq"]
    bob.send(f"edit {seq} see you at five")
    bob.next("sent")
    done = run(tmp_path, "tail", where, "-n", "1")
    assert done.stdout[6:] == "bob  (edited) see you at five\n"


def test_tail_ends_where_the_last_author_is_ignored_and_prints_nothing_private(
    where: str, bob: Client, tmp_path: Path
) -> None:
    lines = "register\nhunter22\nignore bob\n"
    assert run(tmp_path, "connect", where, "--commands", "--name", "toby", input=lines).returncode == 0
    bob.send("send for all")
    bob.next("sent")
    bob.send("send -u toby psst")
    bob.next("sent")
    done = run(tmp_path, "tail", where, "-n", "3", "--name", "toby")
    assert (done.returncode, done.stderr) == (0, "")
    assert "for all" not in done.stdout
    assert "psst" not in done.stdout


def test_tail_follows_edits_and_prints_nothing_private(where: str, bob: Client, tmp_path: Path) -> None:
    bob.send("send tea?")
    seq = bob.next("sent")["seq"]
    with Running(tmp_path, "tail", where, "--follow", "-n", "1", "--name", "tim") as tail:
        tail.line_with("tea?")
        bob.send("send -u tim psst")
        bob.send(f"edit {seq} coffee?")
        assert tail.process.stdout is not None
        assert tail.process.stdout.readline()[6:] == f"bob edited {seq}: coffee?\n"


def test_tail_follows_new_messages(where: str, bob: Client, tmp_path: Path) -> None:
    bob.send("send before")
    bob.next("sent")
    with Running(tmp_path, "tail", where, "--follow", "-n", "1") as tail:
        tail.line_with("bob  before")
        bob.send("send after")
        assert tail.line_with("after")[6:] == "bob  after\n"
        if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:  # as in the background of a shell
            assert tail.ended(signal.SIGINT) == 0


def test_tail_follows_over_a_restart_of_the_server(tmp_path: Path) -> None:
    data = ("--data", str(tmp_path / "data"))
    with ServerProcess(*data) as first:
        with first.connect() as client:
            client.send("send before")
            client.next("sent")
        with Running(tmp_path, "tail", f"127.0.0.1:{first.port}", "--follow") as tail:
            tail.line_with("before")
            first.process.kill()
            first.wait()
            with ServerProcess(*data, port=first.port) as second, second.connect() as client:
                client.send("send after")
                tail.line_with("after")


def test_a_closed_pipe_ends_tail_quietly(where: str, bob: Client, tmp_path: Path) -> None:
    bob.send("send first")
    bob.next("sent")
    with Running(tmp_path, "tail", where, "--follow", "-n", "1") as tail:
        assert tail.process.stdout is not None
        tail.line_with("first")
        tail.process.stdout.close()
        bob.send("send second")
        assert tail.process.wait(PATIENCE) == 0
        assert tail.process.stderr is not None
        assert tail.process.stderr.read() == ""
        tail.process.stdout = None


# No server.


@pytest.mark.parametrize("arguments", [("connect",), ("connect", "--json"), ("send", "hi"), ("tail",)])
def test_without_a_server_the_exit_code_is_3(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    nobody = f"127.0.0.1:{free_port()}"
    where = ("--address", nobody) if arguments[0] == "send" else (nobody,)
    done = run(tmp_path, arguments[0], *where, *arguments[1:], input="hi\n")
    assert done.returncode == 3
    assert done.stdout == ""
    assert done.stderr == f"tcpchat: cannot reach {nobody}: nothing listens there; is the server running?\n"


@pytest.mark.parametrize(
    "arguments", [("conect",), ("connect", "a:b"), ("tail", "-n", "-1"), ("connect", "--nope")]
)
def test_called_wrongly_the_exit_code_is_2(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = run(tmp_path, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("tcpchat: ")


def test_it_reads_no_terminal_and_starts_no_prompt_toolkit(where: str, tmp_path: Path) -> None:
    code = "import sys; from tcpchat.cli import run; run(sys.argv[1:]); "
    code += "sys.exit('prompt_toolkit' in sys.modules)"
    command = [sys.executable, "-c", code, "connect", where]
    done = subprocess.run(
        command, input=b"hi", capture_output=True, env=home(tmp_path), timeout=PATIENCE, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_errors_with_text_of_others_are_clean(tmp_path: Path) -> None:
    """The reason of a report is another user's text; it comes back to the reported one in a refusal."""
    evil = "\x1b]52;c;ZXZpbA==\x07\x1b]0;T\x07\x9b2J\u202eX"
    with ServerProcess("--ephemeral", "--reports-to-mute", "1") as server:
        with server.connect() as vic, server.connect() as bob:
            vic.send("rename vic")
            vic.next("renamed")
            bob.send(orjson.dumps({"type": "report", "username": "vic", "reason": evil}).decode())
            bob.next("reported")
            vic.send("exit")
            vic.rest()
        done = run(tmp_path, "send", "--address", f"127.0.0.1:{server.port}", "--name", "vic", "hi")
    assert done.returncode == 1
    assert "the last one wrote" in done.stderr
    assert not set(done.stderr) & set(evil[:1] + "\x07\x9b\u202e")


def test_a_program_gets_the_reset_of_the_data(tmp_path: Path) -> None:
    with (
        ServerProcess("--ephemeral") as first,
        Running(tmp_path, "connect", f"127.0.0.1:{first.port}", "--json", "--name", "bot") as bot,
    ):
        bot.enter("before")
        bot.line_with('"sent"')
        first.process.kill()
        first.wait()
        with ServerProcess("--ephemeral", port=first.port):
            (back,) = lines_of(bot.line_with('"reconnected"'))
    assert (back["user"], back["data_reset"], back["same_user"]) == ("bot", True, False)
    assert back["missed"] == 0
