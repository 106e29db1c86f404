"""Fingerprints of certificates, in the form that people compare. Pure."""

from __future__ import annotations

import hashlib
import re

_FINGERPRINT = re.compile(
    r"(?:SHA-?256(?::|Fingerprint=))?(?P<digits>[0-9A-F]{2}(?::?[0-9A-F]{2}){31})", re.IGNORECASE | re.ASCII
)


def fingerprint(certificate: bytes) -> str:
    """Return the SHA-256 of a certificate (DER) as `SHA256:AB:CD:…`."""
    return _write(hashlib.sha256(certificate).digest())


def parse_fingerprint(text: str) -> str:
    """Return a fingerprint in the form of `fingerprint`; the form of openssl is accepted too.

    Spaces and line breaks are ignored, since a pasted fingerprint may have them. Raises ValueError.
    """
    match = _FINGERPRINT.fullmatch("".join(text.split()))
    if match is None:
        raise ValueError(
            f"{text!r} is not the SHA-256 of a certificate: write SHA256: and 64 hexadecimal digits"
        )
    return _write(bytes.fromhex(match["digits"].replace(":", "")))


def halves(written: str) -> tuple[str, str]:
    """Return the fingerprint as two lines of 16 bytes each, to be shown one below the other."""
    name, _, digits = written.partition(":")
    middle = len(digits) // 2
    return f"{name}:{digits[:middle]}", " " * (len(name) + 1) + digits[middle + 1 :]


def _write(digest: bytes) -> str:
    return f"SHA256:{digest.hex(':').upper()}"
