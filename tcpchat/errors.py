"""The errors that users cause, which are at the same time the replies that they get.

Owns the list of codes. What is not a `ChatError` is a bug of ours and never reaches a peer; `StartError` is
for the operator.
"""

from __future__ import annotations

from typing import Any, Final

CODES: Final = {
    "bad-encoding": "the line is not UTF-8",
    "bad-json": "the line begins with { and is not one JSON object",
    "unknown-type": "no request has this type",
    "unknown-command": "no command has this name",
    "unknown-field": "the request has no such field",
    "missing-field": "a field that the request needs is not there",
    "wrong-type": "a field holds another type than it should; nothing is converted",
    "bad-value": "a field has the right type and a value that makes no sense",
    "bad-usage": "the plain line does not fit the command's usage",
    "line-too-long": "the line is longer than the limit; it was dropped to its end",
    "http-refused": "the line is HTTP; the connection is closed",
    "tls-required": "the port speaks TLS and the client does not; the connection is closed",
    "not-tls": "the client speaks TLS and the port does not; the connection is closed",
    "text-empty": "there is no text to send",
    "text-too-long": "the text is longer than the limit",
    "bad-name": "the name breaks a rule, which the message tells",
    "name-taken": "somebody here has this name, or one that looks like it",
    "bad-token": "the token belongs to nobody who can still come back",
    "no-such-user": "nobody of this name is here, may come back or is registered",
    "no-such-room": "there is no room of this name",
    "login-required": "this server is for registered users: log in first",
    "wrong-login": "there is no such registered user, or the password is another",
    "bad-password": "the password cannot be one, which the message explains",
    "already-registered": "the user is registered before",
    "not-registered": "only registered users have what was asked for",
    "no-such-session": "the user has no session of this number",
    "too-many-ignored": "the user ignores as many users as the limit allows",
    "ignore-self": "users cannot ignore themselves",
    "banned": "the operator banned this user or address until `until`",
    "muted": "many users reported the sender, or the operator decided so: no sending until `until`",
    "rate-limited": "the user sent more than the limit; works again after `retry_after`",
    "too-many-scheduled": "the user has as many scheduled messages as the limit allows",
    "too-far-ahead": "the time is further ahead than the limit",
    "no-such-scheduled": "the user has no scheduled message, or none of this number",
    "report-self": "users cannot report themselves",
    "already-reported": "this user has reported that one before",
    "server-full": "the server has as many connections as the limit allows; it closes this one",
    "address-full": "the client's address has as many connections as the limit allows; "
    "the server closes this one",
    "storage-failed": "the disk did not take it, so nothing was sent or changed; or did not give it",
    "internal": "a bug of the server; `reference` finds it in the log",
}
"""Every code that an `error` line can carry, and when."""


class StartError(Exception):
    """The server cannot start; the text is one sentence for the operator, with what would help."""


class InUseError(StartError):
    """Another server uses the data folder."""


class ChatError(Exception):
    """A mistake of the user, or a limit that stands in the way: it *is* the reply.

    `details` are fields of `tcpchat.protocol.Error`: `limit`, `retry_after` (seconds), `field`, …
    `re` is the id of the request that it answers, where that could still be read.
    """

    def __init__(self, code: str, message: str, *, re: int | str | None = None, **details: Any) -> None:
        if code not in CODES:
            raise ValueError(f"{code!r} is not in CODES")
        super().__init__(message)
        self.code = code
        self.message = message
        self.re = re
        self.details = details
