"""The client's side of TLS: the servers that it trusts, and the reasons why it does not trust others."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import attrs
import trio

from tcpchat.address import Address
from tcpchat.fingerprint import fingerprint, parse_fingerprint
from tcpchat.link.errors import ConnectError, UntrustedError

NOT_TLS = {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE"}
"""OpenSSL's reasons where the server does not speak TLS."""
WANTS_CERTIFICATE = {"TLSV13_ALERT_CERTIFICATE_REQUIRED", "SSLV3_ALERT_HANDSHAKE_FAILURE"}
"""OpenSSL's reasons where the server requires a certificate, in TLS 1.3 and 1.2; the second may mean more."""
REFUSES_CERTIFICATE = {
    "TLSV1_ALERT_UNKNOWN_CA": "the server does not trust the authority that signed it",
    "SSLV3_ALERT_BAD_CERTIFICATE": "it is damaged",
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE": "it is not a certificate for clients",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "it has expired",
    "SSLV3_ALERT_CERTIFICATE_REVOKED": "it was revoked",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "the server does not say why",
}
"""OpenSSL's reasons where the server refuses the client's certificate, in words."""

Encrypted = trio.SSLStream[trio.SocketStream]


@attrs.frozen(kw_only=True)
class Tls:
    """The servers that a client trusts, and its own certificate; all files are PEM.

    By default, a server is trusted if its certificate is for the host's name, and the system trusts it.
    Raises ValueError for options that exclude each other.
    """

    ca: Path | None = None
    """Trust the authorities in this file, and no others; the host's name must still be right."""
    fingerprint: str | None = attrs.field(
        default=None, converter=attrs.converters.optional(parse_fingerprint)
    )
    """Trust exactly this certificate, whoever signed it and for whatever name: `SHA256:AB:CD:…`."""
    cert: Path | None = None
    """The client's own certificate, for servers that require one."""
    key: Path | None = None
    """The key of `cert`, if it is not in the same file."""
    look_up: Callable[[], str | None] | None = None
    """Called before each connection; returns the `fingerprint` to trust instead, or None.

    Its answer may change while the client runs. It may raise ConnectError.
    """

    def __attrs_post_init__(self) -> None:
        if self.ca is not None and (self.fingerprint, self.look_up) != (None, None):
            raise ValueError("trust either an authority or a fingerprint, not both")
        if self.key is not None and self.cert is None:
            raise ValueError("a key requires its certificate")

    def context(self) -> ssl.SSLContext:
        """Return the context for connections, with the files read. Raises ValueError."""
        try:
            context = ssl.create_default_context(cafile=self.ca)
        except OSError as error:
            missing = "it contains no certificate"
            raise ValueError(_unreadable("authorities", self.ca, error, missing)) from None
        self.set_checks(context)
        if self.cert is not None:
            try:
                context.load_cert_chain(self.cert, self.key, password=_no_password)
            except OSError as error:
                files = self.cert if self.key is None else f"{self.cert} with {self.key}"
                missing = "it contains no certificate with its private key"
                raise ValueError(_unreadable("your certificate", files, error, missing)) from None
        return context

    def set_checks(self, context: ssl.SSLContext) -> None:
        """Let the context check the certificate, unless its fingerprint is compared after the handshake."""
        if self.fingerprint is not None:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        else:
            context.verify_mode = ssl.CERT_REQUIRED
            context.check_hostname = True

    def now(self) -> Tls:
        """Return the same with the fingerprint that `look_up` returns now."""
        return self if self.look_up is None else attrs.evolve(self, fingerprint=self.look_up())


def tls_opener(address: Address, tls: Tls) -> Callable[[], Awaitable[trio.abc.Stream]]:
    """Return a function that connects to a trusted server; files are read once, now. Raises ValueError."""
    context = tls.context()

    async def open_stream() -> trio.abc.Stream:
        now = tls.now()
        now.set_checks(context)
        return await open_tls_stream(address, now, context)

    return open_stream


def _no_password() -> str:
    raise ValueError("your key is encrypted, which is not supported; decrypt it with openssl pkey")


def _unreadable(what: str, path: object, error: OSError, missing: str) -> str:
    why = error.strerror or str(error)
    if isinstance(error, ssl.SSLError):
        why = (
            "the key does not belong to the certificate" if error.reason == "KEY_VALUES_MISMATCH" else missing
        )
    return f"cannot read {what} from {path}: {why}"


async def open_tls_stream(address: Address, tls: Tls, context: ssl.SSLContext) -> trio.abc.Stream:
    """Connect and shake hands; return a stream to a server that `tls` trusts.

    `context` is that of `tls`. Raises UntrustedError, OSError if nothing listens there, or ConnectError if
    the server does not speak TLS.
    """
    try:
        stream = await _shake_hands(address, context)
    except trio.BrokenResourceError as error:
        cause = error.__cause__
        if isinstance(cause, ssl.SSLCertVerificationError):
            raise UntrustedError(str(address), await _untrusted_fingerprint(address), _why(cause)) from None
        raise ConnectError(f"{address}: {explain(error)}") from None
    if tls.fingerprint is not None:
        shown = _fingerprint(stream)
        if shown != tls.fingerprint:
            await trio.aclose_forcefully(stream)
            why = f"expected {tls.fingerprint}"
            raise UntrustedError(str(address), shown, why, expected=tls.fingerprint)
    return stream


async def _shake_hands(address: Address, context: ssl.SSLContext) -> Encrypted:
    stream = trio.SSLStream(
        await trio.open_tcp_stream(address.host, address.port),
        context,
        server_hostname=address.host.partition("%")[
            0
        ],  # certificates do not contain the zone of an IPv6 address
        https_compatible=True,  # the chat has its own end of a connection, `bye`
    )
    try:
        await stream.do_handshake()
    except BaseException:
        await trio.aclose_forcefully(stream)
        raise
    return stream


async def _untrusted_fingerprint(address: Address) -> str | None:
    """Return the fingerprint of a server that failed the checks, since a checking context does not give it.

    Another server may answer this second connection. If its fingerprint is trusted, later connections
    compare it.
    """
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        stream = await _shake_hands(address, context)
    except (OSError, trio.BrokenResourceError):
        return None
    shown = _fingerprint(stream)
    await trio.aclose_forcefully(stream)
    return shown


def _fingerprint(stream: Encrypted) -> str | None:
    certificate: bytes | None = stream.getpeercert(binary_form=True)
    return None if certificate is None else fingerprint(certificate)


def _why(error: ssl.SSLCertVerificationError) -> str:
    return error.verify_message.removesuffix(".")


def explain(error: Exception) -> str:
    """Return why a connection broke, as far as TLS gives a reason."""
    cause = error.__cause__
    if not isinstance(cause, ssl.SSLError):
        return "the connection broke"
    reason = cause.reason or ""
    if reason in NOT_TLS:
        return "the server does not speak TLS; connect without --tls, or to its port for TLS, usually 8443"
    if reason in WANTS_CERTIFICATE:
        return "the server requires a certificate: give --tls-cert and --tls-key"
    if reason in REFUSES_CERTIFICATE:
        return f"the server refuses your certificate: {REFUSES_CERTIFICATE[reason]}"
    if isinstance(cause, ssl.SSLEOFError | ssl.SSLSyscallError):
        return "the server closed the connection without ending TLS"
    return f"TLS failed: {reason.lower().replace('_', ' ') or cause}"
