"""What a password may be, and how it is kept: as a hash that costs time and memory to guess at. No I/O.

The rules are RFC 8265 (PRECIS), profile OpaqueString, and a length. The hash is Argon2id, RFC 9106. Hashing
takes long and frees the interpreter's lock meanwhile: do it in a thread, and only a few at once.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import attrs

from tcpchat.errors import ChatError

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST = 8  # characters; what RFC 8265 leaves to us, and most services ask for
LONGEST = 256  # characters; room for a sentence, and no work for us with much more than that


@attrs.frozen
class Cost:
    """What one guess costs. Each hash carries its own, so this may be raised: older ones still count."""

    passes: int = 3
    memory: int = 64 * 1024  # KiB
    lanes: int = 1


COST = Cost()
"""RFC 9106's second recommended option, but one lane in the place of four.

A guess costs the same memory and work: 150 ms of a core. Lanes are threads, which take the cores from the
chat. With two hashes at a time on two cores one wake-up in 1000 was late by 18 to 41 ms, with one lane by 6
to 19 ms. Less memory or fewer passes change little of that, only how long it lasts.
"""


def prepare(password: str) -> str:
    """Return the form of a password that is hashed: composed, and every kind of space the same.

    Raises ChatError `bad-password` with the rule that it breaks, never with what it is.
    """
    from precis_i18n import get_profile  # costs a moment to load, and a client never needs it

    _check_length(password)
    try:
        prepared: str = get_profile("OpaqueString").enforce(password)
    except UnicodeEncodeError as error:  # which has the password, so it goes no further
        rule = error.reason.partition("/")[2].replace("_", " ") or error.reason
    else:
        _check_length(prepared)
        return prepared
    raise _bad(f"cannot have such characters: {rule}; use letters, digits, spaces, punctuation and symbols")


def _check_length(form: str) -> None:
    if len(form) < SHORTEST:
        raise _bad(f"has at least {SHORTEST} characters, and this one is shorter", limit=SHORTEST)
    if len(form) > LONGEST:
        raise _bad(f"has at most {LONGEST} characters, and this one is longer", limit=LONGEST)


def _bad(rule: str, **details: Any) -> ChatError:
    return ChatError("bad-password", f"a password {rule}", **details)


def hash_password(password: str, cost: Cost = COST) -> str:
    """Return what is kept of a password. Blocks. Raises ChatError `bad-password`."""
    prepared = prepare(password)
    return _hasher(cost).hash(prepared)


def verify(hash: str | None, password: str, cost: Cost = COST) -> bool:
    """Say whether this is the password. Blocks.

    Whether there is such a user (`hash` is None if not), and what a wrong password looks like, does not show
    in how long it takes.
    """
    from argon2.exceptions import VerifyMismatchError

    try:
        prepared = prepare(password)
    except ChatError:
        hash, prepared = None, ""
    try:
        _hasher(cost).verify(_nobodys(cost) if hash is None else hash, prepared)
    except VerifyMismatchError:
        return False
    return hash is not None


@cache
def _hasher(cost: Cost) -> PasswordHasher:
    from argon2 import PasswordHasher  # costs a moment to load, and a client never needs it

    return PasswordHasher(time_cost=cost.passes, memory_cost=cost.memory, parallelism=cost.lanes)


def _nobodys(cost: Cost) -> str:
    """Return a hash that no password is known to have; to make one would take as long as to verify it."""
    salt, digest = "A" * 22, "A" * 43  # zeros, as Base64 of 16 and 32 bytes: the lengths of real ones
    return f"$argon2id$v=19$m={cost.memory},t={cost.passes},p={cost.lanes}${salt}${digest}"
