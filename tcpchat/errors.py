"""The errors that users cause, which are also the replies that they get, and the list of error codes.

Any other exception is a bug of ours, and its text never reaches a peer. `StartError` is for the operator.
"""

from __future__ import annotations

from typing import Any, Final

CODES: Final = {
    "bad-encoding": "the line is not UTF-8",
    "bad-json": "the line begins with { but is not one JSON object",
    "unknown-type": "no request has this type",
    "unknown-command": "no command has this name",
    "unknown-field": "the request has no such field",
    "missing-field": "a required field is missing",
    "wrong-type": "a field has the wrong type; values are not converted",
    "bad-value": "a field has the right type but an impossible value",
    "bad-usage": "the plain line does not match the command's usage",
    "line-too-long": "the line is longer than the limit and was dropped",
    "unfinished-line": "the input ended within a line, which was not carried out",
    "http-refused": "the line is HTTP; the connection is closed",
    "tls-required": "the port speaks TLS and the client does not; the connection is closed",
    "not-tls": "the client speaks TLS and the port does not; the connection is closed",
    "text-empty": "there is no text to send",
    "text-too-long": "the text is longer than the limit",
    "bad-name": "the name breaks a rule; the message says which",
    "name-taken": "another user has this name, or one that looks like it",
    "bad-token": "no session has this token any more",
    "no-such-user": "no registered user, and no guest who is here or may come back, has this name",
    "no-such-room": "there is no room of this name",
    "not-a-member": "the user is not in the room",
    "already-member": "the user is in the room already",
    "not-allowed": "the user's role in the room does not allow it",
    "last-owner": "a room that is not closed keeps an owner",
    "removed": "the user was removed from the room, and must be invited to come back",
    "no-such-invite": "the user is not invited to the room",
    "room-taken": "another room has this name, or one that looks like it",
    "room-closed": "the room is closed: it can be read, and nothing more said in it",
    "too-many-rooms": "the user owns as many rooms as the limit allows",
    "login-required": "this server admits registered users only: log in first",
    "wrong-login": "no registered user has this name and password",
    "bad-password": "the password breaks a rule; the message says which",
    "already-registered": "the user is registered already",
    "not-registered": "only registered users can do this",
    "no-such-session": "the user has no session with this number",
    "no-such-message": "the room has no message with this number",
    "not-yours": "only the author of a message can change it",
    "too-many-ignored": "the user ignores as many users as the limit allows",
    "ignore-self": "users cannot ignore themselves",
    "banned": "the operator banned this user or address until `until`",
    "muted": "the sender may not send until `until`, because of reports or by the operator",
    "rate-limited": "the user sent more than the limit; try again after `retry_after` seconds",
    "too-many-scheduled": "the user has as many scheduled messages as the limit allows",
    "too-far-ahead": "the time is further ahead than the limit",
    "no-such-scheduled": "the user has no scheduled message, or none with this number",
    "report-self": "users cannot report themselves",
    "already-reported": "this user has reported the other one already",
    "server-full": "the server has as many connections as the limit allows, and closes this one",
    "address-full": "the client's address has as many connections as the limit allows; "
    "the server closes this one",
    "storage-failed": "the disk could not be written, so nothing was changed; or it could not be read",
    "internal": "the server has a bug; `reference` identifies it in the log",
}
"""Every code of an `error` line, and its meaning."""


class StartError(Exception):
    """The server cannot start. The text is one sentence for the operator, with a remedy."""


class InUseError(StartError):
    """Another server uses the data folder."""


class UnreachableError(StartError):
    """Nothing answers at the address."""


class ChatError(Exception):
    """A mistake of the user, or a limit that was reached: the error *is* the reply.

    `details` are fields of `tcpchat.protocol.Error`: `limit`, `retry_after` (seconds), `field`, …
    `re` is the id of the refused request, if it could be read.
    """

    def __init__(self, code: str, message: str, *, re: int | str | None = None, **details: Any) -> None:
        if code not in CODES:
            raise ValueError(f"{code!r} is not in CODES")
        super().__init__(message)
        self.code = code
        self.message = message
        self.re = re
        self.details = details
