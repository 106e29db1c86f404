"""Drafts: text that was typed and not sent when the client had to end, for its next start at that server."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Final

import attrs
import orjson

from tcpchat.files import MAX_BYTES, make_folder, read_file, write_file

FOLDER: Final = "drafts"  # in the folder of the user's state, beside the identities


@attrs.frozen(kw_only=True)
class Draft:
    """Text of the input line, and where it was to go: `to` is the user of a direct room."""

    text: str
    pasted: bool = False
    """The text begins with several pasted lines."""
    to: str | None = None


class Drafts:
    """The drafts for one server, a file for each client that ended. Without a folder none is kept.

    A draft that cannot be written or read is no reason not to end, or not to chat.
    """

    def __init__(self, state: Path | None, address: str) -> None:
        name = hashlib.sha256(address.lower().encode(errors="surrogatepass")).hexdigest()[:32]
        self._folder = None if state is None else state / FOLDER / name

    def keep(self, draft: Draft) -> bool:
        """Write a draft at once, in place of the one before of this process; return whether that worked."""
        try:
            data = orjson.dumps(attrs.asdict(draft))
            if self._folder is None or len(data) > MAX_BYTES:
                return False
            make_folder(self._folder)
            write_file(self._folder / str(os.getpid()), data)
        except (OSError, TypeError):  # the latter for text that came in another encoding
            return False
        return True

    def take(self) -> Draft | None:
        """Return a draft of an earlier client, and remove it; no other client gets it too."""
        try:
            paths = sorted(self._folder.glob("*[0-9]")) if self._folder is not None else []
        except OSError:
            return None
        for path in paths:
            try:
                draft = _parse(read_file(path))
                path.unlink()
            except OSError:  # another client was as fast, or it is no file of ours
                continue
            if draft is not None:
                return draft
        return None


def _parse(data: bytes) -> Draft | None:
    """Return a draft, or None for what is none: cut off, or of another version."""
    try:
        fields = orjson.loads(data)
        text, pasted, to = fields["text"], fields["pasted"], fields["to"]
    except (ValueError, KeyError, TypeError):
        return None
    if not (isinstance(text, str) and isinstance(pasted, bool) and isinstance(to, str | None)):
        return None
    return Draft(text=text, pasted=pasted, to=to)
