"""What an attack is: a sentence, what is done, and how much of it in a short and in a full run."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from tests.hostile.target import Target

Act = Callable[[Target, int], str]
"""Does so much of it; returns how that was answered. Asserts that the answer is right."""


@attrs.frozen
class Attack:
    """One way to be hostile."""

    act: Act
    short: int
    full: int
    memory: float
    """MB by which the server may grow in a short run, and twice that in a full one."""
    options: tuple[str, str] | tuple[()]

    @property
    def name(self) -> str:
        return self.act.__name__.replace("_", " ")


ATTACKS: list[Attack] = []
"""All of them, in the order in which the modules are imported."""


def attack(
    short: int, full: int, memory: float = 8.0, options: tuple[str, str] | tuple[()] = ()
) -> Callable[[Act], Act]:
    """Make the decorated function an attack."""

    def register(act: Act) -> Act:
        ATTACKS.append(Attack(act, short, full, memory, options))
        return act

    return register
