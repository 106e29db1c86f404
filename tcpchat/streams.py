"""The standard streams of a command: missing, broken and full ones, and the encoding of what goes through.

`open_standard_streams` replaces `sys.stdin`, `sys.stdout` and `sys.stderr` once, at the start of the process.
From then on commands read and print as usual, and none of them deals with any of this on its own:

* A stream that the caller has closed is the null device, so that no file or socket gets its number.
* Output that cannot be written raises `OutputError` once; after `keep_going`, and always on stderr, it is
  dropped instead. A full disk is tried again with the next line.
* Characters that the encoding does not have are replaced, and lose nothing else.
* Input that is not in the encoding comes as surrogates, which `fault` finds.
"""

from __future__ import annotations

import codecs
import errno
import io
import locale
import os
import re
import select
import sys
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Final, TextIO

from tcpchat.errors import StartError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

STDIN, STDOUT, STDERR = 0, 1, 2  # file descriptors
REPLACED: Final = "tcpchat-replaced"  # the name of our error handler for characters that cannot be written
SIMILAR: Final = dict(zip("✓✗…→←▸·│─“”", '+!.><>-|-""', strict=True))
"""For each of our own signs an ASCII character of the same width, for encodings without the sign."""
_SIMILAR = str.maketrans(SIMILAR)
_UNDECODED = re.compile("[\udc80-\udcff]")  # what `surrogateescape` makes of bytes


class OutputError(Exception):
    """Stdout cannot be written any more, and writing it was the task. The text is a sentence."""

    def __init__(self, error: OSError) -> None:
        super().__init__(_sentence(error))
        self.gone = error.errno == errno.EPIPE
        """The reader has closed the pipe, as `head` does, and wants no more."""


def _sentence(error: OSError) -> str:
    return f"cannot write to stdout: {error.strerror}"


def open_standard_streams() -> None:
    """Replace the standard streams of this process by ones that hold what this module says."""
    for fd, flags in ((STDIN, os.O_RDONLY), (STDOUT, os.O_WRONLY), (STDERR, os.O_WRONLY)):
        _fill(fd, flags)
    codecs.register_error(REPLACED, _replace)
    sys.stdin = _reader(_encoding(sys.stdin))
    sys.stdout = _writer(_Output(STDOUT), _encoding(sys.stdout))
    sys.stderr = _writer(_Output(STDERR, report=_nothing), _encoding(sys.stderr))


def _fill(fd: int, flags: int) -> None:
    try:
        os.fstat(fd)
    except OSError:
        null = os.open(os.devnull, flags)
        if null != fd:
            os.dup2(null, fd)
            os.close(null)
        os.set_inheritable(fd, True)  # noqa: FBT003


def _encoding(stream: TextIO | None) -> str:
    return locale.getencoding() if stream is None else stream.encoding


def _reader(encoding: str) -> TextIO:
    """Return stdin. Its ASCII may be UTF-8, which is the same and more."""
    if codecs.lookup(encoding).name == "ascii":
        encoding = "utf-8"
    raw = io.BufferedReader(io.FileIO(STDIN, "r", closefd=False))
    return io.TextIOWrapper(raw, encoding=encoding, errors="surrogateescape")


def _writer(raw: _Output, encoding: str) -> TextIO:
    return io.TextIOWrapper(io.BufferedWriter(raw), encoding=encoding, errors=REPLACED, line_buffering=True)


def _replace(error: UnicodeError) -> tuple[str, int]:
    """Replace a sign of ours by one like it, and any other character by its number: backslash, `xe9`."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    sign = error.object[error.start]
    if sign in SIMILAR:
        return SIMILAR[sign], error.start + 1
    escaped, _ = codecs.backslashreplace_errors(
        UnicodeEncodeError(error.encoding, error.object, error.start, error.start + 1, error.reason)
    )
    return str(escaped), error.start + 1


def writable(stream: TextIO, text: str) -> str:
    """Return the text, or with similar signs for ours where the encoding of the stream lacks some character.

    It takes as many columns, so that a screen is drawn as it was planned.
    """
    try:
        text.encode(stream.encoding)
    except UnicodeEncodeError:
        return text.translate(_SIMILAR)
    return text


def can_draw(stream: IO[str]) -> bool:
    """Return whether this is a terminal on which a cursor can be moved: not one that calls itself dumb."""
    return stream.isatty() and os.environ.get("TERM", "") not in {"", "dumb", "unknown"}


def wants_colours() -> bool:
    """Return whether colours may be shown: not if NO_COLOR says otherwise, see no-color.org."""
    return not os.environ.get("NO_COLOR")


def _nothing(_: OSError) -> None:
    """Report nothing: there is nowhere to report it."""


def _complain(error: OSError) -> None:
    """Report a full disk or the like; a reader that has gone knows that it has."""
    if error.errno != errno.EPIPE:
        print(f"tcpchat: {_sentence(error)}", file=sys.stderr)


class _Output(io.FileIO):
    """A file that is written whole. What is lost is reported once, by OutputError if there is no `report`."""

    def __init__(self, fd: int, *, report: Callable[[OSError], None] | None = None) -> None:
        super().__init__(fd, "w", closefd=False)
        self.report = report
        self._failed = self._gone = False
        self._in_line = False  # the last byte that was written does not end a line

    def write(self, data: ReadableBuffer, /) -> int:
        """Write all of it, or drop what cannot be written."""
        whole = bytes(data)
        if not self._gone:
            try:
                if self._failed and self._in_line:  # a line was cut; the next one must not go on in it
                    self._write(b"\n")
                self._write(whole)
            except OSError as error:
                self._fail(error)
        return len(whole)

    def _write(self, data: bytes) -> None:
        while data:
            try:
                count = os.write(self.fileno(), data)
            except BlockingIOError:  # another process that shares the terminal may have made it non-blocking
                select.select([], [self], [])
                continue
            self._in_line = not data[:count].endswith(b"\n")
            data = data[count:]

    def _fail(self, error: OSError) -> None:
        self._gone = error.errno == errno.EPIPE
        if self._failed:
            return
        self._failed = True
        if self.report is None:
            raise OutputError(error)
        self.report(error)


def keep_going(report: Callable[[OSError], None] = _complain) -> None:
    """Let stdout lose what cannot be written from now on, since this command has more to do than to print.

    `report` is called once, at the first loss; by default it writes a line to stderr.
    """
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    if isinstance(raw, _Output):
        raw.report = report


def write_result(text: str) -> None:
    """Write the last output of a command, whose exit code is about what it did even if nobody reads this.

    Raises OutputError for any other reason.
    """
    try:
        print(text, flush=True)
    except OutputError as error:
        if not error.gone:
            raise


def write_json(line: bytes) -> None:
    """Write a line of JSON to stdout, which is UTF-8 in any locale."""
    sys.stdout.flush()
    sys.stdout.buffer.write(line if line.endswith(b"\n") else line + b"\n")
    sys.stdout.buffer.flush()


def read_line() -> str:
    """Return the next line of stdin with its end, or "" after the last one. Raises StartError."""
    try:
        return sys.stdin.readline()
    except OSError as error:
        raise StartError(f"cannot read stdin: {error.strerror}") from None


def read_text() -> str:
    """Return all of stdin, or raise StartError."""
    lines = list(iter(read_line, ""))
    for number, line in enumerate(lines, 1):
        if wrong := fault(line):
            raise StartError(f"line {number} of stdin is {wrong}; nothing was sent")
    return "".join(lines)


def fault(line: str) -> str | None:
    """Return `not UTF-8 at byte 5` for a line of stdin that is not in its encoding, or None."""
    found = _UNDECODED.search(line)
    if found is None:
        return None
    encoding = sys.stdin.encoding
    return _not_in(encoding, len(line[: found.start()].encode(encoding)))


def _not_in(encoding: str, before: int) -> str:
    return f"not {encoding.upper()} at byte {before + 1}"


def argument(text: str) -> str:
    """Return an argument of the command line as text. Raises StartError if it is none."""
    if _UNDECODED.search(text) is None:
        return text
    encoding = sys.getfilesystemencoding()
    encoding = "utf-8" if codecs.lookup(encoding).name == "ascii" else encoding
    try:
        return os.fsencode(text).decode(encoding)
    except UnicodeDecodeError as error:
        raise StartError(f"the text is {_not_in(encoding, error.start)}; nothing was sent") from None
