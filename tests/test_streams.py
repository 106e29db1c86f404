"""The standard streams of a command: missing, closed, full, and in an encoding that lacks characters."""

from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tcpchat import streams
from tcpchat.errors import StartError

FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="there is no /dev/full here")


def python(script: str, *, redirect: str = "", input: bytes = b"", **environ: str) -> tuple[int, str, str]:
    """Run a script after `open_standard_streams`; return its exit code, stdout and stderr."""
    start = "import sys, os, errno; from tcpchat import streams; streams.open_standard_streams()\n"
    command = ["/bin/sh", "-c", f'exec "$0" -c "$1" {redirect}', sys.executable, start + script]
    done = subprocess.run(command, input=input, capture_output=True, env=os.environ | environ, check=False)
    return done.returncode, done.stdout.decode("latin-1"), done.stderr.decode("latin-1")


# Missing streams.


@pytest.mark.parametrize("redirect", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_missing_stream_is_the_null_device(redirect: str) -> None:
    script = """
opened = os.open("/", os.O_RDONLY)
sys.exit(opened < 3 or streams.read_line() != "" or print("x") or print("y", file=sys.stderr))
"""
    assert python(script, redirect=redirect)[0] == 0


def test_a_program_that_is_started_inherits_them() -> None:
    script = "import subprocess; sys.exit(subprocess.call(['/bin/sh', '-c', 'echo x']))"
    assert python(script, redirect=">&-") == (0, "", "")


def test_the_others_are_as_they_were() -> None:
    script = "print(streams.read_line() + streams.read_line()); print('e', file=sys.stderr)"
    assert python(script, input=b"a\r\nb") == (0, "a\nb\n", "e\n")


def test_stdin_that_cannot_be_read_is_an_error_of_one_sentence() -> None:
    script = """
from tcpchat.errors import StartError
try:
    streams.read_line()
except StartError as error:
    sys.exit(str(error))
"""
    assert python(script, redirect="0>&1") == (1, "", "cannot read stdin: Bad file descriptor\n")


# Output that cannot be written.


@needs_full
def test_a_full_disk_is_an_error_once() -> None:
    script = """
try:
    print("one")
except streams.OutputError as error:
    print(error, error.gone, file=sys.stderr)
print("two")
"""
    told = "cannot write to stdout: No space left on device False\n"
    assert python(script, redirect=">/dev/full") == (0, "", told)


@needs_full
def test_who_keeps_going_is_told_once_on_stderr() -> None:
    script = "streams.keep_going(); print('one'); print('two')"
    told = "tcpchat: cannot write to stdout: No space left on device\n"
    assert python(script, redirect=">/dev/full") == (0, "", told)


@needs_full
def test_a_full_stderr_is_no_error() -> None:
    assert python("print('one', file=sys.stderr); print('two')", redirect="2>/dev/full") == (0, "two\n", "")


@needs_full
def test_a_result_that_cannot_be_written_is_an_error() -> None:
    script = "streams.write_result('x')"
    assert "OutputError: cannot write to stdout" in python(script, redirect=">/dev/full")[2]


@pytest.fixture
def closed_pipe() -> Iterator[int]:
    """A pipe that nobody reads."""
    reading, writing = os.pipe()
    os.close(reading)
    yield writing
    os.close(writing)


def run_into(fd: int, script: str) -> tuple[int, str]:
    start = "import sys; from tcpchat import streams; streams.open_standard_streams()\n"
    command = [sys.executable, "-c", start + script]
    done = subprocess.run(command, stdout=fd, stderr=subprocess.PIPE, check=False)
    return done.returncode, done.stderr.decode()


def test_a_reader_that_has_gone_is_an_error_of_its_own(closed_pipe: int) -> None:
    script = """
try:
    print("one")
except streams.OutputError as error:
    sys.exit(7 if error.gone else 1)
"""
    assert run_into(closed_pipe, script) == (7, "")


@pytest.mark.parametrize(
    "script",
    ["streams.keep_going(); print('x'); print('y')", "streams.write_result('x'); streams.write_result('y')"],
)
def test_nobody_misses_what_a_reader_that_has_gone_does_not_get(closed_pipe: int, script: str) -> None:
    assert run_into(closed_pipe, script) == (0, "")


class Disk:
    """A file of so many bytes; `os.write` of it writes what fits, and then fails."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.written = b""

    def write(self, _: int, data: bytes) -> int:
        if not self.room:
            raise OSError(errno.ENOSPC, "full")
        part = bytes(data[: self.room])
        self.room -= len(part)
        self.written += part
        return len(part)


Files = Callable[[Disk], io.FileIO]


@pytest.fixture
def on_disk(monkeypatch: pytest.MonkeyPatch, closed_pipe: int) -> Files:
    def open_on(disk: Disk) -> io.FileIO:
        monkeypatch.setattr(os, "write", disk.write)
        return streams._Output(closed_pipe, report=lambda _: None)

    return open_on


def test_a_disk_with_room_again_gets_the_next_line_and_no_half_one_before_it(on_disk: Files) -> None:
    disk = Disk(room=6)
    output = on_disk(disk)
    assert [output.write(line) for line in (b"one\n", b"two\n")] == [4, 4]
    assert disk.written == b"one\ntw"
    disk.room = 100
    output.write(b"three\n")
    assert disk.written == b"one\ntw\nthree\n"


def test_a_line_that_was_lost_whole_leaves_nothing(on_disk: Files) -> None:
    disk = Disk(room=4)
    output = on_disk(disk)
    output.write(b"one\n")
    output.write(b"two\n")
    disk.room = 100
    output.write(b"three\n")
    assert disk.written == b"one\nthree\n"


def test_a_terminal_that_others_made_non_blocking_is_written_whole() -> None:
    reading, writing = os.pipe()
    script = f"""
import threading
os.set_blocking(1, False)
print("x" * {1 << 20})
"""
    start = "import sys, os; from tcpchat import streams; streams.open_standard_streams()\n"
    with subprocess.Popen([sys.executable, "-c", start + script], stdout=writing) as process:
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            assert len(pipe.read()) == (1 << 20) + 1
        assert process.wait() == 0


# Encodings.


@pytest.mark.parametrize(
    ("encoding", "written"),
    [
        ("utf-8", "é ✓ 日 …".encode()),
        ("latin-1", b"\xe9 + \\u65e5 ."),
        ("ascii", b"\\xe9 + \\u65e5 ."),
        ("ascii:strict", b"\\xe9 + \\u65e5 ."),
    ],
)
@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_what_the_encoding_does_not_have_is_replaced(encoding: str, written: bytes, stream: str) -> None:
    script = f"print('\\xe9 \\u2713 \\u65e5 \\u2026', file=sys.{stream})"
    _, out, err = python(script, PYTHONIOENCODING=encoding)
    assert (out or err).encode("latin-1") == written + b"\n"


def test_a_file_name_that_is_no_text_is_written() -> None:
    assert python("print('\\udcff')", PYTHONIOENCODING="utf-8")[1] == "\\udcff\n"


def test_json_is_utf_8_in_every_locale_and_after_what_was_printed() -> None:
    script = "sys.stdout.write('a '); streams.write_json('\"\\u2713\"'.encode()); streams.write_json(b'2\\n')"
    assert python(script, PYTHONIOENCODING="ascii")[1].encode("latin-1") == 'a "✓"\n2\n'.encode()


@pytest.mark.parametrize(("encoding", "text"), [("latin-1", "+ +. ü日"), ("utf-8", "✓ ✓… ü日")])
def test_a_screen_gets_signs_of_the_same_width(encoding: str, text: str) -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    assert streams.writable(stream, "✓ ✓… ü日") == text
    assert all(len(sign) == len(similar) == 1 for sign, similar in streams.SIMILAR.items())


@pytest.mark.parametrize(
    ("encoding", "data", "fault"),
    [
        ("utf-8", b"ok \xc3\xa9", "None"),
        ("utf-8", b"\xc3\xa9\xff", "not UTF-8 at byte 3"),
        ("ascii", b"ok \xc3\xa9", "None"),
        ("ascii", b"\xff", "not UTF-8 at byte 1"),
        ("latin-1", b"\xff", "None"),
        ("euc-jp", b"\xb0\xa1\xff", "not EUC_JP at byte 3"),
    ],
)
def test_input_that_is_not_in_its_encoding_is_found(encoding: str, data: bytes, fault: str) -> None:
    script = "print(streams.fault(streams.read_line()))"
    assert python(script, input=data + b"\n", PYTHONIOENCODING=encoding)[1] == f"{fault}\n"


def test_a_whole_text_is_refused_with_line_and_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    def stdin(data: bytes) -> io.TextIOWrapper:
        return io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", errors="surrogateescape")

    monkeypatch.setattr(sys, "stdin", stdin(b"ok\nb\xe9d\n"))
    with pytest.raises(StartError, match=r"^line 2 of stdin is not UTF-8 at byte 2; nothing was sent$"):
        streams.read_text()
    monkeypatch.setattr(sys, "stdin", stdin("ok\nbéd".encode()))
    assert streams.read_text() == "ok\nbéd"


def test_an_argument_is_text_or_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    assert streams.argument("é") == "é"
    with pytest.raises(StartError, match=r"^the text is not UTF-8 at byte 3; nothing was sent$"):
        streams.argument("a \udcff")
    monkeypatch.setattr(sys, "getfilesystemencoding", lambda: "ascii")
    assert streams.argument("\udcc3\udca9") == "é"


# Terminals.


@pytest.mark.parametrize(
    ("term", "terminal", "draws"),
    [
        ("xterm", True, True),
        ("dumb", True, False),
        ("unknown", True, False),
        ("", True, False),
        ("xterm", False, False),
    ],
)
def test_only_a_terminal_that_is_not_dumb_can_be_drawn_on(
    term: str, terminal: bool, draws: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Stream(io.StringIO):
        def isatty(self) -> bool:
            return terminal

    monkeypatch.setenv("TERM", term)
    assert streams.can_draw(Stream()) == draws


@pytest.mark.parametrize(("value", "wanted"), [("", True), ("1", False), ("0", False)])
def test_no_color_means_no_colours_unless_it_is_empty(
    value: str, wanted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", value)
    assert streams.wants_colours() == wanted
