"""Rules for passwords, and their hashes, which cost time and memory to guess. No I/O.

The rules are RFC 8265 (PRECIS), profile OpaqueString, and a length. The hash is Argon2id, RFC 9106. Hashing
takes long and releases the interpreter's lock meanwhile: do it in a thread, and only a few at once.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import attrs

from tcpchat.errors import ChatError

if TYPE_CHECKING:
    from argon2 import PasswordHasher

SHORTEST = 8  # characters; RFC 8265 leaves this to us, and most services require it
LONGEST = 256  # characters; enough for a sentence, and little work for us


@attrs.frozen
class Cost:
    """The cost of one guess. Each hash contains its own, so raising this keeps older hashes valid."""

    passes: int = 3
    memory: int = 64 * 1024  # KiB
    lanes: int = 1


COST = Cost()
"""The second recommended option of RFC 9106, but with one lane instead of four.

A guess costs the same memory and work: 150 ms of a core. Lanes are threads, which would take the cores from
the chat: with two hashes at a time on two cores, one wake-up in 1000 was late by 18 to 41 ms, and with one
lane by 6 to 19 ms. Less memory or fewer passes hardly change that, only how long it lasts.
"""


def prepare(password: str) -> str:
    """Return the form of a password that is hashed: composed, with every kind of space made the same.

    Raises ChatError `bad-password`, whose text has the rule that it breaks and never the password.
    """
    from precis_i18n import get_profile  # slow to import, and a client never needs it

    _check_length(password)
    try:
        prepared: str = get_profile("OpaqueString").enforce(password)
    except UnicodeEncodeError as error:  # contains the password, so it must not be passed on
        rule = error.reason.partition("/")[2].replace("_", " ") or error.reason
    else:
        _check_length(prepared)
        return prepared
    raise _bad(f"must not have such characters: {rule}; use letters, digits, spaces, punctuation and symbols")


def _check_length(form: str) -> None:
    if len(form) < SHORTEST:
        raise _bad(f"must have at least {SHORTEST} characters", limit=SHORTEST)
    if len(form) > LONGEST:
        raise _bad(f"must have at most {LONGEST} characters", limit=LONGEST)


def _bad(rule: str, **details: Any) -> ChatError:
    return ChatError("bad-password", f"the password {rule}", **details)


def hash_password(password: str, cost: Cost = COST) -> str:
    """Return the hash of a password, to be stored. Blocks. Raises ChatError `bad-password`."""
    prepared = prepare(password)
    return _hasher(cost).hash(prepared)


def verify(hash: str | None, password: str, cost: Cost = COST) -> bool:
    """Return whether the password matches the hash; False without a hash. Blocks.

    The time that it takes does not reveal whether there is a hash, that is, whether the user exists.
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
    from argon2 import PasswordHasher  # slow to import, and a client never needs it

    return PasswordHasher(time_cost=cost.passes, memory_cost=cost.memory, parallelism=cost.lanes)


def _nobodys(cost: Cost) -> str:
    """Return a hash that matches no known password, without the time that hashing one would take."""
    salt, digest = "A" * 22, "A" * 43  # zeros, as Base64 of 16 and 32 bytes: the lengths of real ones
    return f"$argon2id$v=19$m={cost.memory},t={cost.passes},p={cost.lanes}${salt}${digest}"
