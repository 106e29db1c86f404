"""Trust on first use: the certificates that a person accepted before, and the question about a new one."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeAlias, TypeVar

import attrs

from tcpchat.cli.confirm import confirm
from tcpchat.client import ConnectError, DisconnectedError, UntrustedError
from tcpchat.errors import StartError
from tcpchat.files import NO_HOME, reason
from tcpchat.fingerprint import halves
from tcpchat.link.known_servers import KnownServers
from tcpchat.repl.options import Options

T = TypeVar("T")
LookUp: TypeAlias = Callable[[], str | None]


def trusting(plan: Options, run: Callable[[Options], T], *, asks: bool) -> T:
    """Run it with the certificates that this person trusts; if `asks`, ask once about an unknown server.

    Raises DisconnectedError if the server is not trusted, which says what the person can do.
    """
    try:
        return _asking(plan, run, asks=asks)
    except UntrustedError as error:
        if not asks or error.expected is None:
            raise DisconnectedError(f"{error}{_hint(plan, error)}") from None
        _warn(error)
        raise DisconnectedError(f"not connected to {error.where}{_hint(plan, error)}") from None


def _asking(plan: Options, run: Callable[[Options], T], *, asks: bool) -> T:
    try:
        return run(_with_known(plan))
    except UntrustedError as error:
        if not asks or error.reconnecting or error.expected is not None or _is_settled(plan):
            raise
        trusted = _ask(plan, error)
    return run(trusted)


def _warn(error: UntrustedError) -> None:
    """Show the trusted and the new fingerprint one above the other, so that people can compare them."""
    _tell(
        f"THIS MAY NOT BE YOUR SERVER. The certificate of {error.where} differs from the one that you trust:"
    )
    for name, one in (("trusted", error.expected), ("shown", error.fingerprint)):
        if one is not None:
            _tell_fingerprint(f"{name:<7}  ", one)


def forget(plan: Options) -> None:
    """Remove the certificate that this person accepted for the server. Raises StartError."""
    if plan.state is not None:
        try:
            KnownServers(plan.state).forget(plan.address)
        except OSError as error:
            raise StartError(f"cannot remove the trusted certificate: {reason(error)}") from None


def _is_settled(plan: Options) -> bool:
    """Return whether the command line says what to trust."""
    return plan.tls is not None and (plan.tls.ca is not None or plan.tls.fingerprint is not None)


def _with_known(plan: Options) -> Options:
    if plan.tls is None or plan.state is None or _is_settled(plan):
        return plan
    look_up = partial(_look_up, plan.state, plan.address)
    try:
        fingerprint = look_up()
    except ConnectError as error:
        raise StartError(str(error)) from None
    return _pinned(plan, fingerprint, look_up)


def _look_up(state: Path, address: str) -> str | None:
    """Return the trusted fingerprint, which another run may have stored meanwhile. Raises ConnectError."""
    try:
        return KnownServers(state).find(address)
    except OSError as error:
        raise ConnectError(
            f"cannot read the trusted certificate of {address}: {reason(error)};"
            f" give --tls-fingerprint, or remove it with --tls-forget"
        ) from None


def _pinned(plan: Options, fingerprint: str | None, look_up: LookUp | None = None) -> Options:
    assert plan.tls is not None
    return attrs.evolve(plan, tls=attrs.evolve(plan.tls, fingerprint=fingerprint, look_up=look_up))


def _ask(plan: Options, error: UntrustedError) -> Options:
    """Return the options with the certificate, if the person trusts it. Raises DisconnectedError."""
    if error.fingerprint is None:
        raise DisconnectedError(str(error))
    _tell(f"The certificate of {error.where} is not trusted: {error.why}.")
    _tell("It may still be genuine, or someone may be intercepting the connection. Its fingerprint is")
    _tell_fingerprint("", error.fingerprint)
    if not _is_trusted():
        raise DisconnectedError(f"not connected to {error.where}; nothing was sent")
    kept = _keep(plan.state, plan.address, error.fingerprint)
    return _with_known(plan) if kept else _pinned(plan, error.fingerprint)


def _is_trusted() -> bool:
    try:
        return confirm("Does this match what the server's operator told you? Trust it from now on?")
    except KeyboardInterrupt:
        return False


def _keep(state: Path | None, address: str, fingerprint: str) -> bool:
    """Return whether it is stored for other and later runs."""
    if state is None:
        _tell(f"Trusted for this run only: {NO_HOME}")
        return False
    try:
        KnownServers(state).trust(address, fingerprint)
    except OSError as error:
        _tell(f"Trusted for this run only, since it cannot be stored: {reason(error)}")
        return False
    return True


def _tell(text: str) -> None:
    from tcpchat.repl.view.clean import clean_line

    print(clean_line(text), file=sys.stderr)


def _tell_fingerprint(name: str, fingerprint: str) -> None:
    """Show it in two lines, since one would not fit into a terminal, and people are to compare them."""
    first, second = halves(fingerprint)
    _tell(f"  {name}{first}")
    _tell(f"  {' ' * len(name)}{second}")


def _hint(plan: Options, error: UntrustedError) -> str:
    """Return advice for the person."""
    if _is_settled(plan):
        return "; ask the server's operator for the right fingerprint"
    if error.expected is not None:
        nothing = "nothing was sent to it" if error.reconnecting else "nothing was sent"
        return (
            f". Someone may be intercepting the connection; {nothing}. If the server's operator confirms the"
            f" new certificate: tcpchat connect --tls --tls-forget {plan.address}"
        )
    if error.fingerprint is None:
        return "; give --tls-ca FILE if your own authority signed it"
    return "; if the server's operator confirms it, give it as --tls-fingerprint; see also --tls-ca"
