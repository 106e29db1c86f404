"""The operator's requests: sent to a data folder, with the replies printed."""

from __future__ import annotations

import os
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from getpass import getpass
from pathlib import Path
from typing import Any

import attrs
import orjson
import trio

from tcpchat import streams
from tcpchat.cli import admin_output
from tcpchat.cli.confirm import confirm
from tcpchat.cli.exit_codes import FAILED, cause, complain
from tcpchat.errors import StartError
from tcpchat.log import LogWriter, configure
from tcpchat.protocol import LOBBY, Request
from tcpchat.service.offline import ask
from tcpchat.store.backup import restore
from tcpchat.store.sqlite import DATABASE, lock_folder
from tcpchat.times import SystemClock

Line = dict[str, Any]
STDERR = 2  # file descriptor
GENERATED = 12  # random bytes of a generated password: 16 characters


def exit_code(run: Callable[[], int | None]) -> int:
    """Run it and return the exit code; write one sentence to stderr if it fails."""
    try:
        code = run()
    except (Exception, KeyboardInterrupt, BaseExceptionGroup) as error:
        return _explain(error)
    return code or 0


def _explain(error: BaseException) -> int:
    error = cause(error)
    if isinstance(error, KeyboardInterrupt | EOFError):
        return FAILED
    if not isinstance(error, StartError):
        raise error
    complain(str(error))
    return FAILED


def _print(line: Line) -> None:
    streams.write_json(orjson.dumps(line))


@attrs.frozen
class Operator:
    """Asks the server of a data folder. Methods return the exit code, or raise StartError."""

    folder: Path
    json: bool

    def do(self, request: Request, *, new: bool = False, generated: str | None = None) -> int:
        """Do one thing, and print the reply with the password that was generated for it."""
        reply = self._ask(request, new=new)
        if generated is not None and reply["type"] != "error":
            reply["password"] = generated
        return self._show(reply)

    def export(self, request: Request) -> int:
        """Print records as JSON lines, and nothing else on stdout."""
        reply = self._ask(request, lambda event: _print(event["record"]))
        if reply["type"] == "error":
            return self._show(reply)
        print(admin_output.sentence(reply), file=sys.stderr)
        return 0

    def restore(self, file: Path, confirmed: Callable[[], bool]) -> int:
        """Replace the data of a server that does not run with a copy, if `confirmed` returns True."""
        if not file.is_file():  # before a folder is made
            raise StartError(f"there is no file {file}")
        lock = lock_folder(self.folder)
        try:
            if not confirmed():
                return FAILED
            now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
            restored = restore(file, self.folder / DATABASE, LOBBY, now)
        finally:
            os.close(lock)
        reply = {"type": "restored", "messages": restored.backup.messages, "seq": restored.backup.seq}
        before = {} if restored.before is None else {"before": str(restored.before)}
        return self._show(reply | before)

    def show(self, table: str, page: Callable[[list[Line]], Request], empty: str) -> int:
        """Print the table of this name in the replies; `page` asks for the rows after those it is given."""
        rows: list[Line] = []
        for reply in self._pages(table, page, rows):
            if self.json or reply["type"] == "error":
                code = self._show(reply)
                if code:
                    return code
        if not self.json:
            print(admin_output.TABLES[table](rows) if rows else empty)
        return 0

    def _pages(self, table: str, page: Callable[[list[Line]], Request], rows: list[Line]) -> Iterator[Line]:
        more = True
        while more:
            reply = self._ask(page(rows))
            rows += reply.get(table, [])
            more = reply.get("more", False)
            yield reply

    def _ask(
        self, request: Request, take: Callable[[Line], None] = lambda _: None, *, new: bool = False
    ) -> Line:
        writer = LogWriter(STDERR)
        log = configure(writer, format="text", level="warning")
        try:
            return trio.run(partial(ask, self.folder, request, take, log=log, clock=SystemClock(), new=new))
        finally:
            writer.close()

    def _show(self, reply: Line) -> int:
        failed = reply["type"] == "error"
        if self.json:
            _print(reply)
        elif failed:
            complain(reply["message"])
        else:
            streams.write_result(admin_output.sentence(reply))
        return FAILED if failed else 0


def read_password() -> str:
    """Return a new password: typed twice, or the first line of stdin if piped. Raises StartError."""
    if not _is_terminal():
        password = streams.read_line().rstrip("\r\n")
        if not password:
            raise StartError("there is no password in stdin; write it there, or use --generate")
        return password
    password = getpass("New password: ")
    if getpass("Repeat the password: ") != password:
        raise StartError("the passwords do not match; nothing was changed")
    return password


def generate_password() -> str:
    """Return a password that nobody can guess."""
    return secrets.token_urlsafe(GENERATED)


def is_sure(question: str, why: str = "this cannot be undone") -> bool:
    """Ask for confirmation, for the reason `why`. Raises StartError where nobody can be asked."""
    if not _is_terminal():
        raise StartError(f"{why}; confirm it with --yes")
    return confirm(question)


def _is_terminal() -> bool:
    return sys.stdin.isatty()
