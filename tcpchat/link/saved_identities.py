"""The identities that earlier runs saved on this machine, and the one rule for which a start gets.

With a name it is the user of that name, and no other. Without one it is the only registered user of starts
without a name whom no running program is, or else a guest of theirs, or a new one.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import attrs
import orjson

from tcpchat.files import read_file
from tcpchat.link.desired_identity import Identity

SUFFIXES: Final = (".lock", ".new")
"""Of the files beside an identity's."""


@attrs.frozen
class Saved:
    """What one file holds."""

    path: Path
    identity: Identity
    asked: str | None
    """The name that the run asked for which saved it."""


def read_saved(path: Path, address: str) -> Saved | None:
    """Return what a file holds for this server; None if that is nothing, or damaged."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        identity, asked = _parse(read_file(path), address)
        return Saved(path, identity, asked)
    return None


def saved_for(folder: Path, address: str) -> list[Saved]:
    """Return what is saved for this server, in the order of the files' names. Raises OSError."""
    paths = sorted(path for path in folder.iterdir() if path.suffix not in SUFFIXES)
    return [found for path in paths if (found := read_saved(path, address)) is not None]


def same_name(one: str | None, other: str | None) -> bool:
    """Return whether both are the same name, however it is written; the server's own rules are stricter."""
    return one is not None and other is not None and _folded(one) == _folded(other)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()


def named(saved: list[Saved], name: str) -> Iterator[Saved]:
    """Yield what a start with this name may get, best first: a registered user before a guest."""
    exact = [one for one in saved if same_name(one.identity.user, name)]
    yield from sorted(exact, key=lambda one: not one.identity.registered)
    for one in saved:  # another device may have taken another name
        if one not in exact and same_name(one.asked, name):
            yield one


def unnamed(saved: list[Saved]) -> tuple[list[Saved], list[Saved]]:
    """Return the registered users whom a start without a name may be, and the guests."""
    own = [one for one in saved if one.asked is None]
    guests = [one for one in own if not one.identity.registered]
    registered = {one.identity.user: one for one in reversed(own) if one.identity.registered}
    return list(registered.values()), guests


def slots(folder: Path, address: str, name: str | None, most: int) -> Iterator[Path]:
    """Yield the paths of files for this server and name."""
    label = f"{address}\n{(name or '').lower()}"
    key = hashlib.sha256(label.encode(errors="surrogatepass")).hexdigest()[:32]
    for number in range(1, most + 1):
        yield folder / (key if number == 1 else f"{key}.{number}")


def _parse(data: bytes, address: str) -> tuple[Identity, str | None]:
    """Read what was saved. Raises ValueError, KeyError or TypeError if it is something else."""
    fields = orjson.loads(data)
    if fields["address"] != address:
        raise ValueError("it is for another server")
    identity = Identity(
        user=fields["user"],
        token=fields["token"],
        journal=fields["journal"],
        registered=fields["registered"],
        session=fields["session"],
    )
    if not all(isinstance(text, str) for text in (identity.user, identity.token, identity.journal)):
        raise ValueError("user, token and journal are text")
    if type(identity.registered) is not bool or type(identity.session) not in {int, type(None)}:
        raise ValueError("registered is true or false, session a number")
    asked = fields["name"]
    if type(asked) not in {str, type(None)}:
        raise ValueError("name is text, or there is none")
    return identity, asked
