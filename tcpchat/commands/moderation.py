"""Reports of users."""

from __future__ import annotations

from typing import ClassVar

import attrs

from tcpchat.commands.command import Command, argument
from tcpchat.wire.base import AT, Reply, Request, about


@attrs.frozen(kw_only=True)
class Reported(Reply):
    """The report counts."""

    type: ClassVar[str] = "reported"
    username: str
    reports: int = attrs.field(metadata=about("how many different users reported this one"))
    muted_until: str | None = attrs.field(default=None, metadata=AT)


@attrs.frozen(kw_only=True)
class Report(Request[Reported]):
    """Ask that a user is muted."""

    type: ClassVar[str] = "report"
    username: str = attrs.field(metadata=argument("NAME", "whom to report"))
    reason: str | None = attrs.field(
        default=None,
        metadata=argument("REASON", "why; the reported user may read it, not who wrote it", rest=True),
    )


REPORT = Command(
    request=Report,
    reply=Reported,
    summary="report a user; enough reports by different users mute for a while",
    examples=("report bob spam", '{"type":"report","username":"bob","reason":"spam"}'),
)
