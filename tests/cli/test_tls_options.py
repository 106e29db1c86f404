"""The TLS options: their meaning for the client, and refused values."""

from __future__ import annotations

from pathlib import Path

import pytest
from cyclopts import CycloptsError

from tcpchat.cli.tls_options import NO_TLS, TlsOptions
from tests.certificates import write_ca
from tests.cli.conftest import refusal

FINGERPRINT = "SHA256:" + ":".join(["AB"] * 32)


def test_without_options_there_is_no_tls_unless_another_option_implies_it() -> None:
    assert NO_TLS.as_tls() is None
    assert NO_TLS.as_tls(implied=True) is not None


def test_each_option_implies_tls(tmp_path: Path) -> None:
    for options in (TlsOptions(tls=True), TlsOptions(tls_fingerprint=FINGERPRINT)):
        assert options.as_tls() is not None
    ca = write_ca(tmp_path)
    tls = TlsOptions(tls_ca=ca).as_tls()
    assert tls is not None
    assert tls.ca == ca


def test_a_missing_file_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(CycloptsError):
        TlsOptions(tls_ca=tmp_path / "missing.pem").as_tls()


def test_an_invalid_fingerprint_is_refused(capfd: pytest.CaptureFixture[str]) -> None:
    assert "--tls-fingerprint" in refusal(capfd, 2, "connect", "--tls-fingerprint", "AB:CD")
