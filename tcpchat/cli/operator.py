"""Has done what the operator wants, and prints the replies."""

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

from tcpchat.cli import answers
from tcpchat.cli.outcome import FAILED, cause, complain, print_no_more
from tcpchat.errors import StartError
from tcpchat.log import LogWriter, configure
from tcpchat.protocol import LOBBY, Request
from tcpchat.repl.confirm import confirm
from tcpchat.service.offline import ask
from tcpchat.store.backup import take_in
from tcpchat.store.sqlite import DATABASE, lock_folder
from tcpchat.times import SystemClock

Line = dict[str, Any]
STDERR = 2  # file descriptor
GENERATED = 12  # random bytes of a password that nobody has to think up: 16 characters


def coded(run: Callable[[], int]) -> int:
    """Run it and return the exit code; tell in one sentence on stderr why it could not be done."""
    try:
        code = run()
        sys.stdout.flush()
    except (Exception, KeyboardInterrupt, BaseExceptionGroup) as error:
        return _told(error)
    return code


def _told(error: BaseException) -> int:
    error = cause(error)
    if isinstance(error, BrokenPipeError):
        print_no_more()
        return FAILED
    if isinstance(error, KeyboardInterrupt | EOFError):
        return FAILED
    if not isinstance(error, StartError):
        raise error
    complain(str(error))
    return FAILED


def _print(line: Line) -> None:
    print(orjson.dumps(line).decode())


@attrs.frozen
class Operator:
    """Asks the server of a data folder. What is done returns the exit code, or raises StartError."""

    folder: Path
    json: bool

    def do(self, request: Request, *, new: bool = False, made_up: str | None = None) -> int:
        """Have one thing done; show the password that was made up for it."""
        reply = self._ask(request, new=new)
        if made_up is not None and reply["type"] != "error":
            reply["password"] = made_up
        return self._show(reply)

    def export(self, request: Request) -> int:
        """Print records as JSON lines, and nothing else on stdout."""
        reply = self._ask(request, lambda event: _print(event["record"]))
        if reply["type"] == "error":
            return self._show(reply)
        print(answers.sentence(reply), file=sys.stderr)
        return 0

    def restore(self, file: Path, wanted: Callable[[], bool]) -> int:
        """Put a copy in the place of the data of a server that does not run, if that is `wanted` then."""
        if not file.is_file():  # before a folder is made
            raise StartError(f"there is no file {file}")
        lock = lock_folder(self.folder)
        try:
            if not wanted():
                return FAILED
            now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
            copied, before = take_in(file, self.folder / DATABASE, LOBBY, now)
        finally:
            os.close(lock)
        reply = {"type": "restored", "messages": copied.messages, "seq": copied.seq}
        return self._show(reply if before is None else reply | {"before": str(before)})

    def show(self, table: str, page: Callable[[list[Line]], Request], empty: str) -> int:
        """Print what the replies list under this name; `page` asks for what comes after some of it."""
        rows: list[Line] = []
        for reply in self._pages(table, page, rows):
            if self.json or reply["type"] == "error":
                code = self._show(reply)
                if code:
                    return code
        if not self.json:
            print(answers.TABLES[table](rows) if rows else empty)
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
            print(answers.sentence(reply))
        return FAILED if failed else 0


def take_password() -> str:
    """Return a new password: typed twice, or what stdin says if that is no terminal. Raises StartError."""
    if not _is_terminal():
        password = sys.stdin.readline().rstrip("\r\n")
        if not password:
            raise StartError("there is no password in stdin; put one there, or --generate one")
        return password
    password = getpass("New password: ")
    if getpass("The same again: ") != password:
        raise StartError("these were two different passwords, so nothing was done")
    return password


def make_up_password() -> str:
    """Return a password that nobody can guess."""
    return secrets.token_urlsafe(GENERATED)


def is_sure(question: str, why: str = "this cannot be undone") -> bool:
    """Ask whether something is to be done, where there is a reason `why` to ask. Raises StartError."""
    if not _is_terminal():
        raise StartError(f"{why}; give --yes to have it done without being asked")
    return confirm(question)


def _is_terminal() -> bool:
    return sys.stdin.isatty()
