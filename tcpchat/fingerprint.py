"""Fingerprints of certificates, as people compare them. Pure."""

from __future__ import annotations

import hashlib
import re

_FINGERPRINT = re.compile(
    r"(?:SHA-?256(?::| Fingerprint=))?(?P<digits>[0-9A-F]{2}(?::?[0-9A-F]{2}){31})", re.IGNORECASE | re.ASCII
)


def fingerprint(certificate: bytes) -> str:
    """Write the SHA-256 of a certificate (DER): `SHA256:AB:CD:…`."""
    return _write(hashlib.sha256(certificate).digest())


def parse_fingerprint(text: str) -> str:
    """Return the fingerprint as `fingerprint` writes it; openssl writes it in another way.

    Raises ValueError.
    """
    match = _FINGERPRINT.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not the SHA-256 of a certificate, SHA256: and 64 hexadecimal digits")
    return _write(bytes.fromhex(match["digits"].replace(":", "")))


def _write(digest: bytes) -> str:
    return f"SHA256:{digest.hex(':').upper()}"
