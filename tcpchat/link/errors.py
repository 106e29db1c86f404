"""The errors of the client library."""

from __future__ import annotations

from tcpchat.protocol import Error


class DisconnectedError(Exception):
    """There is no connection, or it broke before the reply. The message says which and why."""


class ConnectError(DisconnectedError):
    """No tcpchat server answered; the message says where and why.

    `nothing_listens`: the connection was refused. `is_other`: another program listens, or seems to.
    """

    def __init__(self, message: str, *, nothing_listens: bool = False, is_other: bool = False) -> None:
        super().__init__(message)
        self.nothing_listens = nothing_listens
        self.is_other = is_other


class UntrustedError(ConnectError):
    """The server's certificate is not trusted, and nothing was sent. Trying again does not help.

    `fingerprint` is that of the certificate if it is available, `why` a few words, and `expected` the
    fingerprint that was trusted, if one was. `reconnecting`: there was a connection before.
    """

    def __init__(self, where: str, fingerprint: str | None, why: str, *, expected: str | None = None) -> None:
        shown = "" if fingerprint is None else f"; its fingerprint is {fingerprint}"
        super().__init__(f"the certificate of {where} is not trusted: {why}{shown}")
        self.where = where
        self.fingerprint = fingerprint
        self.why = why
        self.expected = expected
        self.reconnecting = False


class RefusedError(Exception):
    """The server refused a request; the text is its reason.

    `code` is a word that programs may rely on, `error` the whole line, with `retry_after` and the like.
    """

    def __init__(self, error: Error) -> None:
        super().__init__(error.message)
        self.code = error.code
        self.error = error
