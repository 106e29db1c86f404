"""Fingerprints of certificates as text."""

from __future__ import annotations

import hashlib

import pytest

from tcpchat.fingerprint import fingerprint, halves, parse_fingerprint


def test_a_fingerprint_is_the_sha_256_in_pairs_of_digits() -> None:
    digest = hashlib.sha256(b"certificate").hexdigest().upper()
    written = fingerprint(b"certificate")
    assert written.startswith("SHA256:")
    assert written.removeprefix("SHA256:").replace(":", "") == digest


def test_a_fingerprint_is_accepted_in_our_form_and_in_that_of_openssl() -> None:
    written = fingerprint(b"certificate")
    digits = written.removeprefix("SHA256:")
    for text in (
        written,
        digits,
        digits.replace(":", "").lower(),
        f"sha256 Fingerprint={digits}",
        f" {written}\n",
        "\n".join(halves(written)),
        f"  {halves(written)[0]}:\r\n\t {halves(written)[1]}",
        digits.replace(":", " "),
    ):
        assert parse_fingerprint(text) == written


def test_anything_else_is_refused() -> None:
    digits = fingerprint(b"certificate").removeprefix("SHA256:")
    for text in (
        "",
        "SHA256:",
        digits[:-3],
        digits + ":00",
        digits.replace("A", "G", 1) + "G",
        "SHA1:" + digits,
    ):
        with pytest.raises(ValueError, match="is not the SHA-256 of a certificate"):
            parse_fingerprint(text)


def test_a_fingerprint_is_shown_in_two_lines_of_16_bytes_one_below_the_other() -> None:
    first, second = halves("SHA256:" + ":".join(f"{byte:02X}" for byte in range(32)))
    assert first == "SHA256:00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F"
    assert second == "       10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F"
