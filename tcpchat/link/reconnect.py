"""When to try again after a connection is lost: a policy as a value. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import attrs


def _positive(_: object, attribute: attrs.Attribute[float], value: float) -> None:
    if value <= 0:
        raise ValueError(f"{attribute.name} must be more than 0, not {value}")


@attrs.frozen(kw_only=True)
class Reconnect:
    """Exponential back-off with jitter, as in https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/.

    The wait before attempt n is `first * factor**n`, at most `most`, of which a random part up to `jitter`
    is taken off, so that those who were dropped together do not come back together.
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

    @classmethod
    def never(cls) -> Reconnect:
        """Return the policy of a client that ends with its connection."""
        return cls(give_up=0)

    def waits(self, random: Callable[[], float]) -> Iterator[float]:
        """Yield the seconds to wait before each attempt; `random` gives numbers from 0 to 1."""
        wait = min(self.first, self.most)
        while True:
            yield wait * (1 - self.jitter * random())
            wait = min(wait * self.factor, self.most)
