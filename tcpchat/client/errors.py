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


class RefusedError(Exception):
    """The server did not do what was asked; the text is its reason.

    `code` is a word that programs may rely on, `error` the whole line, with `retry_after` and the like.
    """

    def __init__(self, error: Error) -> None:
        super().__init__(error.message)
        self.code = error.code
        self.error = error
