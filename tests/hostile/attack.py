"""The record of an attack: its name, its function, and its size in a short and in a full run."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from tests.hostile.target import Target

Act = Callable[[Target, int], str]
"""Runs the attack at a size; returns a summary of the answers, which it asserts to be right."""


@attrs.frozen
class Attack:
    """One attack."""

    act: Act
    short: int
    full: int
    memory: float
    """MB by which the server may grow in a short run; in a full one it is twice that."""
    options: tuple[str, str] | tuple[()]

    @property
    def name(self) -> str:
        return self.act.__name__.replace("_", " ")


ATTACKS: list[Attack] = []
"""All attacks, in the order in which their modules are imported."""


def attack(
    short: int, full: int, memory: float = 8.0, options: tuple[str, str] | tuple[()] = ()
) -> Callable[[Act], Act]:
    """Register the decorated function as an attack."""

    def register(act: Act) -> Act:
        ATTACKS.append(Attack(act, short, full, memory, options))
        return act

    return register
