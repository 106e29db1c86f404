"""The TLS options of every command that connects."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import attrs
from cyclopts import CycloptsError, Group, Parameter

from tcpchat.fingerprint import parse_fingerprint

if TYPE_CHECKING:
    from tcpchat.client import Tls

Switch = Annotated[bool, Parameter(negative="", show_default=False)]
File = Annotated[Path | None, Parameter(show_default=False)]
OwnFile = Annotated[Path | None, Parameter(show_default=False, show_env_var=False)]


def _check_fingerprint(_: type, value: str | None) -> None:
    if value is not None:
        parse_fingerprint(value)  # its ValueError is what the parser shows


@Parameter(name="*", group=Group("TLS"))
@attrs.frozen(kw_only=True)
class TlsOptions:
    """Whether the connection uses TLS, and which servers are trusted."""

    tls: Switch = False
    """Use TLS. Trusts the system's authorities and certificates that you accepted before. Implied by the
    other TLS options."""
    tls_ca: File = None
    """PEM file with authorities to trust instead of the system's."""
    tls_fingerprint: Annotated[str | None, Parameter(show_default=False, validator=_check_fingerprint)] = None
    """Trust only the certificate with this SHA-256 fingerprint, which the server's log shows."""
    tls_cert: OwnFile = None
    """PEM file with your own certificate, for a server that requires one."""
    tls_key: OwnFile = None
    """PEM file with its private key. Default: the file of the certificate."""

    def as_tls(self, *, implied: bool = False) -> Tls | None:
        """Return what the client takes; None for no TLS, unless another option implies it."""
        files = (self.tls_ca, self.tls_fingerprint, self.tls_cert, self.tls_key)
        if not (self.tls or implied) and files == (None,) * len(files):
            return None
        from tcpchat.client import Tls

        try:
            tls = Tls(ca=self.tls_ca, fingerprint=self.tls_fingerprint, cert=self.tls_cert, key=self.tls_key)
            tls.context()
        except ValueError as error:
            raise CycloptsError(msg=str(error)) from None
        return tls


NO_TLS = TlsOptions()
