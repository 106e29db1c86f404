"""A policy for reconnecting after a connection is lost, as a value. Pure."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

import attrs


def _positive(_: object, attribute: attrs.Attribute[float], value: float) -> None:
    if value <= 0:
        raise ValueError(f"{attribute.name} must be more than 0, not {value}")


@attrs.frozen(kw_only=True)
class Reconnect:
    """Exponential back-off with jitter.

    As in https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/: the wait before attempt n
    is `first * factor**n`, at most `most`, less a random part up to `jitter` of it, so that clients that
    lost their connections together do not come back together. Raises ValueError.
    """

    first: float = attrs.field(default=0.5, validator=_positive)
    """Seconds before the first attempt."""
    factor: float = attrs.field(default=2.0, validator=attrs.validators.ge(1))
    most: float = attrs.field(default=30.0, validator=_positive)
    """Seconds between attempts at most."""
    jitter: float = attrs.field(default=0.5, validator=[attrs.validators.ge(0), attrs.validators.le(1)])
    """The part of a wait that is random: 0 none, 1 all."""
    give_up: float | None = attrs.field(
        default=None, validator=attrs.validators.optional(attrs.validators.ge(0))
    )
    """Seconds without a connection after which no more attempts are made; None: never."""
    random: Callable[[], float] = attrs.field(default=random.random, eq=False, repr=False)
    """Returns numbers from 0 to 1 for the jitter."""

    @classmethod
    def never(cls) -> Reconnect:
        """Return the policy of a client that ends with its connection."""
        return cls(give_up=0)

    def waits(self) -> Iterator[float]:
        """Yield the seconds to wait before each attempt."""
        wait = min(self.first, self.most)
        while True:
            yield wait * (1 - self.jitter * self.random())
            wait = min(wait * self.factor, self.most)
