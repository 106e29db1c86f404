"""The options of TLS that every command has that connects."""

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
class Encryption:
    """Whether the connection is encrypted, and who is trusted."""

    tls: Switch = False
    """Encrypt, and trust who the system trusts, or whom you said once that you do. Each other option here
    means it too."""
    tls_ca: File = None
    """PEM file with the authorities to trust, instead of those of the system."""
    tls_fingerprint: Annotated[str | None, Parameter(show_default=False, validator=_check_fingerprint)] = None
    """Trust this one certificate: its SHA-256, as the server's log tells it."""
    tls_cert: OwnFile = None
    """PEM file with a certificate of yours, for a server that wants to see one."""
    tls_key: OwnFile = None
    """PEM file with its private key. Default: in the file of the certificate."""

    def tls_of(self, *, meant: bool = False) -> Tls | None:
        """Return it as the client takes it; None for no TLS, unless it is `meant` otherwise."""
        files = (self.tls_ca, self.tls_fingerprint, self.tls_cert, self.tls_key)
        if not (self.tls or meant) and files == (None,) * len(files):
            return None
        from tcpchat.client import Tls

        try:
            tls = Tls(ca=self.tls_ca, fingerprint=self.tls_fingerprint, cert=self.tls_cert, key=self.tls_key)
            tls.context()
        except ValueError as error:
            raise CycloptsError(msg=str(error)) from None
        return tls


PLAIN = Encryption()
