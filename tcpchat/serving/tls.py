"""TLS of the server: its certificate, and streams that begin with a handshake."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import attrs
import trio

from tcpchat.errors import ChatError, StartError
from tcpchat.fingerprint import fingerprint
from tcpchat.settings import TlsSettings

HANDSHAKE = 10.0  # seconds that a peer may take for the handshake
SILENCE = 3.0  # seconds; a TLS client sends first, so a silent peer waits for a greeting, as netcat does
FIRST = 16 * 1024  # bytes that are read before the protocol is known; the most that a TLS record holds
REFILL = 512  # bytes that are decrypted at once, so that the loop is never blocked for long
KEY_UPDATES = 16  # that a peer may request; each costs us a thousand times what it costs the peer
_HANDSHAKE_RECORD, _KEY_UPDATE = 22, 24  # RFC 8446, sections 5.1 and 4
IS_TLS = b"\x16"  # the first byte of a handshake, RFC 8446 section 5.1
TLS_REQUIRED = (
    "this port speaks TLS; connect with tcpchat connect --tls HOST:PORT, or openssl s_client -quiet"
    " -connect HOST:PORT"
)

Stream = trio.abc.HalfCloseableStream


class HandshakeError(Exception):
    """The handshake failed. The text is the reason, for the log."""


@attrs.define(eq=False)
class Certificate:
    """The server's certificate and key, and the authorities of its clients. Lives as long as the server."""

    settings: TlsSettings
    context: ssl.SSLContext
    """For new connections; existing ones keep the context that they began with."""
    fingerprint: str

    @classmethod
    def load(cls, settings: TlsSettings) -> Certificate | None:
        """Read the files; return None if no certificate is set. Raises StartError."""
        if settings.tls_cert is None:
            for name in ("tls_key", "tls_client_ca"):
                if getattr(settings, name) is not None:
                    option = f"--{name.replace('_', '-')}"
                    raise StartError(
                        f"{option} requires --tls-cert, the server's certificate, or --tls-self-signed"
                    )
            return None
        return cls(settings, *_read(settings, settings.tls_cert))

    def read_again(self) -> Callable[[], None]:
        """Read the files, and return a function that applies them to new connections. Raises StartError."""
        assert self.settings.tls_cert is not None
        context, shown = _read(self.settings, self.settings.tls_cert)

        def use() -> None:
            self.context, self.fingerprint = context, shown

        return use


def _read(settings: TlsSettings, cert: Path) -> tuple[ssl.SSLContext, str]:
    """Return a new context and the certificate's fingerprint, so that half a change is never in use."""
    name = str(cert) if settings.tls_self_signed else f"--tls-cert {cert}"
    chain = _text(name, cert)
    blocks = ssl.PEM_HEADER, ssl.PEM_FOOTER
    start, end = (chain.find(block) for block in blocks)
    if not 0 <= start < end:
        raise StartError(f"{name} contains no certificate; it must be a PEM file with the whole chain")
    key = settings.tls_key or cert
    if "PRIVATE KEY-----" not in _text(f"--tls-key {key}", key):
        hint = "give its file as --tls-key" if settings.tls_key is None else "it must be a PEM file"
        raise StartError(f"{key} contains no private key; {hint}")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context._msg_callback = _count_key_update  # type: ignore[attr-defined]  # noqa: SLF001  # there is no public way
    context.options |= ssl.OP_NO_RENEGOTIATION  # before OpenSSL 3 a peer could make us compute forever
    context.options |= (
        ssl.OP_IGNORE_UNEXPECTED_EOF
    )  # a peer that just closes still gets its replies, as without TLS
    context.num_tickets = 0  # TLS sessions are not resumed
    try:
        context.load_cert_chain(cert, key, password=partial(_no_password, key))
        pem = chain[start : end + len(ssl.PEM_FOOTER)]
        shown = fingerprint(ssl.PEM_cert_to_DER_cert(pem))
    except (OSError, ValueError) as error:
        raise StartError(_why_not(error, cert, key)) from None
    if settings.tls_client_ca is not None:
        _text(f"--tls-client-ca {settings.tls_client_ca}", settings.tls_client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
        try:
            context.load_verify_locations(settings.tls_client_ca)
        except (OSError, ValueError):
            what = f"--tls-client-ca {settings.tls_client_ca} contains no certificate"
            raise StartError(f"{what}; it must be a PEM file with the authorities' certificates") from None
    return context, shown


def _count_key_update(
    tls: ssl.SSLObject, direction: str, version: object, content: int, message: int, data: bytes
) -> None:
    if direction == "read" and content == _HANDSHAKE_RECORD and message == _KEY_UPDATE:
        tls.key_updates = getattr(tls, "key_updates", 0) + 1  # type: ignore[attr-defined]


def _asks_for_keys(tls: ssl.SSLObject) -> bool:
    return getattr(tls, "key_updates", 0) > KEY_UPDATES


def _text(name: str, path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError as error:
        raise StartError(f"cannot read {name}: {error.strerror}") from None


def _no_password(key: Path) -> str:
    raise StartError(
        f"the key in {key} is encrypted, and a server cannot ask for its password;"
        f" decrypt it with: openssl pkey -in {key} -out FILE"
    )


def _why_not(error: Exception, cert: Path, key: Path) -> str:
    reason = getattr(error, "reason", None)
    if reason == "KEY_VALUES_MISMATCH":
        return f"the key in {key} does not match the certificate in {cert}"
    if reason in {"EE_KEY_TOO_SMALL", "CA_MD_TOO_WEAK"}:
        return f"the certificate in {cert} is too weak by today's standards; create one with a longer key"
    return f"the certificate in {cert} or the key in {key} is damaged: {reason or error}"


class _Transport(trio.abc.Stream):
    """The stream below TLS: its first bytes can be inspected, and the end of TLS does not close it."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._seen = b""
        self.asks_for_keys: Callable[[], bool] = bool
        """Whether the peer requests key updates again and again."""

    async def look(self) -> bytes:
        """Return the first bytes, which will be received again."""
        self._seen = bytes(await self._stream.receive_some(FIRST))
        return self._seen

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        if self._seen:
            await trio.lowlevel.checkpoint()
            data, self._seen = self._seen[:max_bytes], self._seen[max_bytes:] if max_bytes else b""
            return data
        if self.asks_for_keys():
            raise trio.BrokenResourceError("the peer requests key updates again and again")
        return await self._stream.receive_some(max_bytes or REFILL)

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        await self._stream.send_eof()


class TlsStream(trio.abc.HalfCloseableStream):
    """A connection that is encrypted from the end of `begin` to `send_eof`.

    Nothing is sent before or after that, except a reason to a peer that does not speak TLS, as `begin` found.
    What a peer still sends after our end can be read and discarded.
    """

    def __init__(self, stream: Stream, context: ssl.SSLContext, turns: trio.Lock) -> None:
        self._turns = turns
        self.transport_stream = stream
        """The stream below: a socket."""
        self._transport = _Transport(stream)
        self._context = context
        self._tls: trio.SSLStream[_Transport] | None = None
        self._out: trio.abc.Stream | None = None
        self.begun = False
        """Whether a handshake was attempted."""

    async def begin(self) -> None:
        """Do the handshake, in bounded time.

        Raises ChatError if the peer does not speak TLS, HandshakeError if the handshake fails otherwise.
        """
        self.begun = True
        try:
            with trio.fail_after(HANDSHAKE):
                await self._expect_tls()
            async with self._turns:  # only one handshake begins in each turn of the loop
                await trio.lowlevel.checkpoint()
            with trio.fail_after(HANDSHAKE):
                await self._shake_hands()
        except trio.TooSlowError:
            raise HandshakeError(f"the handshake took longer than {HANDSHAKE:g} s") from None
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            raise HandshakeError(_reason(error)) from None

    async def _expect_tls(self) -> None:
        first = None
        with trio.move_on_after(SILENCE):
            first = await self._transport.look()
        if first == b"":
            raise HandshakeError("the peer closed the connection")
        if first is None or not first.startswith(IS_TLS):
            self._out = self._transport
            raise ChatError("tls-required", TLS_REQUIRED)

    async def _shake_hands(self) -> None:
        tls = trio.SSLStream(self._transport, self._context, server_side=True)
        self._transport.asks_for_keys = partial(_asks_for_keys, tls._ssl_object)  # noqa: SLF001  # the same
        try:
            await tls.do_handshake()
        except trio.BrokenResourceError:
            # Trio does not send the alert with the reason, and there is no public way to get it.
            with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
                await self._transport.send_all(tls._outgoing.read())  # noqa: SLF001
                await self._transport.aclose()
            raise
        self._tls = self._out = tls

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        if self._tls is None:
            return await self._transport.receive_some(max_bytes)
        try:
            return await self._tls.receive_some(max_bytes)
        except trio.BrokenResourceError as error:
            if isinstance(error.__cause__, ssl.SSLEOFError):  # most programs just close
                return b""
            raise

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self._sending().send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._sending().wait_send_all_might_not_block()

    def _sending(self) -> trio.abc.Stream:
        if self._out is None:  # so that nothing is sent unencrypted by mistake
            raise trio.ClosedResourceError("TLS has not begun, or has ended")
        return self._out

    async def send_eof(self) -> None:
        """End TLS, then the sending side of TCP."""
        out, self._out, self._tls = self._out, None, None
        await (out or self._transport).aclose()

    async def aclose(self) -> None:
        """Close at once. Call `send_eof` before, if the peer is to read the last bytes."""
        await self.transport_stream.aclose()


def _reason(error: Exception) -> str:
    cause = error.__cause__
    if isinstance(cause, ssl.SSLEOFError | ssl.SSLSyscallError) or not isinstance(cause, ssl.SSLError):
        return "the peer closed the connection"
    return cause.reason or str(cause)


class TlsListener(trio.abc.Listener[TlsStream]):
    """Accepts connections before their handshake, which runs in their own tasks and delays nobody else."""

    def __init__(self, listener: trio.SocketListener, certificate: Certificate) -> None:
        self.transport_listener = listener
        self._certificate = certificate
        self._turns = trio.Lock()

    async def accept(self) -> TlsStream:
        stream = await self.transport_listener.accept()
        return TlsStream(stream, self._certificate.context, self._turns)

    async def aclose(self) -> None:
        await self.transport_listener.aclose()
