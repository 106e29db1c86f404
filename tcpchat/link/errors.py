"""What can go wrong between a client and its server."""

from __future__ import annotations

from tcpchat.protocol import Error


class DisconnectedError(Exception):
    """There is no connection, or it broke before the answer. The message says which and why."""


class ConnectError(DisconnectedError):
    """No tcpchat server answered. The message says where and why; `nobody` if nothing listens there."""

    def __init__(self, message: str, *, nobody: bool = False) -> None:
        super().__init__(message)
        self.nobody = nobody


class UntrustedError(ConnectError):
    """The server has a certificate that is not to be trusted, and was told nothing. Trying again is no use.

    `fingerprint` is that of the certificate, if it could be had, `why` a few words, and `expected` the one
    that it should have been. `again` tells that there was a connection before.
    """

    def __init__(self, where: str, fingerprint: str | None, why: str, *, expected: str | None = None) -> None:
        shown = "" if fingerprint is None else f"; its fingerprint is {fingerprint}"
        super().__init__(f"the certificate of {where} is not trusted: {why}{shown}")
        self.where = where
        self.fingerprint = fingerprint
        self.why = why
        self.expected = expected
        self.again = False


class RefusedError(Exception):
    """The server did not do what was asked; the text is its reason.

    `code` is a word that programs may rely on, `error` the whole line, with `retry_after` and the like.
    """

    def __init__(self, error: Error) -> None:
        super().__init__(error.message)
        self.code = error.code
        self.error = error
