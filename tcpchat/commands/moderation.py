"""The command that reports a user."""

from __future__ import annotations

from typing import ClassVar

import attrs

from tcpchat.commands.command import Command, argument
from tcpchat.wire.base import AT, Reply, Request, about


@attrs.frozen(kw_only=True)
class Reported(Reply):
    """The report is recorded."""

    type: ClassVar[str] = "reported"
    username: str
    reports: int = attrs.field(metadata=about("the number of different users who have reported this one"))
    muted_until: str | None = attrs.field(default=None, metadata=AT)


@attrs.frozen(kw_only=True)
class Report(Request[Reported]):
    """Report a user."""

    type: ClassVar[str] = "report"
    username: str = attrs.field(metadata=argument("NAME", "the user"))
    reason: str | None = attrs.field(
        default=None,
        metadata=argument(
            "REASON", "the reason; the reported user may see it, but not who wrote it", rest=True
        ),
    )


REPORT = Command(
    request=Report,
    reply=Reported,
    summary="report a user; enough reports by different users mute the user for a while",
    examples=("report bob spam", '{"type":"report","username":"bob","reason":"spam"}'),
)
