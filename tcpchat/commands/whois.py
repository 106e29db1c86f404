"""`whois`: what is known of a user."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

from tcpchat.commands.command import Command, argument
from tcpchat.protocol import Request
from tcpchat.protocol import Whois as WhoisReply

if TYPE_CHECKING:
    from tcpchat.chat.context import Context


@attrs.frozen(kw_only=True)
class Whois(Request):
    """Ask about one user, here or not."""

    type: ClassVar[str] = "whois"
    name: str = attrs.field(metadata=argument("NAME", "whom"))


async def run(context: Context, request: Whois) -> WhoisReply:
    return await context.relations.whois(request.name)


COMMAND = Command(
    request=Whois,
    run=run,
    summary="what is known of a user: registered or guest, since, last seen, away",
    examples=("whois bob", '{"type":"whois","name":"bob"}'),
)
