"""The servers whose certificates a person has accepted: one fingerprint each, in a file of its own."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

import orjson

from tcpchat.files import make_folder, read_file, write_file
from tcpchat.fingerprint import parse_fingerprint

FOLDER: Final = "trusted"  # in the folder of the user's state, beside the identities


class KnownServers:
    """The accepted certificates in one folder of a user's state. Every method raises OSError."""

    def __init__(self, state: Path) -> None:
        self._folder = state / FOLDER

    def find(self, address: str) -> str | None:
        """Return the fingerprint that the server at this address must have; None if none was accepted.

        A file that cannot be read is an error: it must not look as if nothing had been accepted before.
        """
        path = self._path(address)
        try:
            return _parse(read_file(path), address)
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise OSError(f"{path} is damaged: {error}") from None

    def trust(self, address: str, fingerprint: str) -> None:
        """Accept this certificate for the server at this address from now on, and no other."""
        make_folder(self._folder)
        fields = {"address": address.lower(), "fingerprint": fingerprint}
        write_file(self._path(address), orjson.dumps(fields, option=orjson.OPT_INDENT_2))

    def forget(self, address: str) -> None:
        """Accept no certificate for that address any more."""
        self._path(address).unlink(missing_ok=True)

    def _path(self, address: str) -> Path:
        return self._folder / hashlib.sha256(address.lower().encode(errors="surrogatepass")).hexdigest()[:32]


def _parse(data: bytes, address: str) -> str:
    fields = orjson.loads(data)
    if fields["address"] != address.lower():
        raise ValueError("it is for another server")
    return parse_fingerprint(fields["fingerprint"])
