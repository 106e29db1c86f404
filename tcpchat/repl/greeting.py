"""What is told at the start: where this is, and who one is there. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from tcpchat.client import Client
from tcpchat.repl.view import render_people as about


def greeting(client: Client, kept: str | None, *, person: bool) -> Iterator[str]:
    """Yield its lines; for scripts only if this is a server of our own, which `kept` tells."""
    if kept is not None:
        yield f"nobody answered on {client.address}, so this is the server now; {kept}"
    if not person:
        return
    place = f"{client.server} on {where(client)}"
    if client.user:
        who = about.you_are(client.user, registered=client.registered)
        yield f"{place}; {who}. Just type, or type help."
    else:
        yield f"{place}; this server is for registered users: login NAME"
    if client.remember_problem:
        yield client.remember_problem


def where(client: Client) -> str:
    """Return what people are told of where they are."""
    return str(client.address) if client.tls is None else f"{client.address} TLS"
