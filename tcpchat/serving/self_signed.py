"""A certificate that a server makes for itself, once, in its data folder. The program openssl makes it."""

from __future__ import annotations

import re
import ssl
import subprocess
from collections.abc import Iterable
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from typing import Final

import attrs

from tcpchat.errors import StartError
from tcpchat.files import create_file, reason
from tcpchat.settings import Settings, TlsSettings
from tcpchat.times import MILLISECONDS

FILE: Final = "tls.pem"
"""In the data folder: the key, and the certificate behind it. In one file there is never half a pair."""
DAYS: Final = 3650  # long, as a new certificate has another fingerprint, which each user has to accept
WARN: Final = 30 * 86400 * MILLISECONDS  # before the end
PROGRAM: Final = "openssl"
_LOCAL: Final = ("localhost", "127.0.0.1", "::1")
_NAME: Final = re.compile(r"[A-Za-z0-9._-]{1,253}")  # nothing that has a meaning in the file below
# It names no file for the key, so openssl writes key and certificate to stdout, and there is no other copy.
# pathlen:0, so that no authority below this one is trusted by whoever trusts it.
_CONFIG: Final = """\
[req]
distinguished_name = name
x509_extensions = extensions
prompt = no
[name]
CN = tcpchat
[extensions]
subjectAltName = {names}
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, digitalSignature, keyCertSign
extendedKeyUsage = serverAuth
subjectKeyIdentifier = hash
"""


def with_certificate(settings: Settings) -> TlsSettings:
    """Return the settings of TLS, with the file of the server's own certificate where that is wanted.

    The first time the file is made; where two servers start at once, both use the same. Raises StartError.
    """
    tls = settings.tls
    if not tls.tls_self_signed:
        return tls
    if tls.tls_cert is not None or tls.tls_key is not None:
        raise StartError(
            "--tls-self-signed makes a certificate, and --tls-cert and --tls-key name yours;"
            " give one or the other"
        )
    folder = settings.storage.folder
    if folder is None:
        raise StartError(
            "--tls-self-signed keeps its certificate in the data folder, and with --ephemeral there is none"
        )
    path = folder / FILE
    try:
        if not path.exists():
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            create_file(path, _make(tls.tls_host or settings.listening.host))
    except OSError as error:
        if not path.exists():  # otherwise another server was faster
            raise StartError(f"cannot make the certificate {path}: {reason(error)}") from None
    return attrs.evolve(tls, tls_cert=path)


def ends_soon(path: Path, now: int) -> int | None:
    """Return when the certificate of a server ends, if that is soon or past; in milliseconds since 1970.

    It is not replaced then: clients that compare its fingerprint accept it, and would refuse another one.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with suppress(OSError):  # it was loaded before, so it is gone by now
        context.load_verify_locations(path)
    ends = [ssl.cert_time_to_seconds(str(each["notAfter"])) * MILLISECONDS for each in context.get_ca_certs()]
    return min((end for end in ends if end - now < WARN), default=None)


def _make(hosts: Iterable[str]) -> bytes:
    """Return a new key and certificate as PEM. Raises StartError, or OSError if openssl cannot be started."""
    command = [PROGRAM, "req", "-x509", "-new", "-nodes", "-newkey", "ec", "-days", str(DAYS)]
    command += ["-pkeyopt", "ec_paramgen_curve:prime256v1", "-config", "/dev/stdin"]
    config = _CONFIG.format(names=", ".join(_alternative_names(hosts))).encode()
    try:
        made = subprocess.run(command, check=True, input=config, capture_output=True)  # noqa: S603  # fixed
    except FileNotFoundError:
        raise StartError(
            f"--tls-self-signed needs the program {PROGRAM}, which is not installed;"
            f" install the package {PROGRAM}, or give a certificate of your own as --tls-cert"
        ) from None
    except subprocess.CalledProcessError as error:
        why = error.stderr.decode(errors="replace").strip().rpartition("\n")[2]
        raise StartError(f"{PROGRAM} cannot make a certificate: {why or error}") from None
    return made.stdout


def _alternative_names(hosts: Iterable[str]) -> list[str]:
    """Return the names that the certificate is for, as openssl writes them: this machine's and the hosts."""
    names: dict[str, None] = {}
    for host in (*_LOCAL, *hosts):
        try:
            address = ip_address(host.partition("%")[0])  # certificates do not contain the zone
        except ValueError:
            if _NAME.fullmatch(host):
                names[f"DNS:{host}"] = None
        else:
            if not address.is_unspecified:  # that listens on all addresses and is none
                names[f"IP:{address.exploded}"] = None
    return list(names)
