"""Each attack in short: other users notice nothing, memory is bounded, and the attacker gets answers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.hostile import ATTACKS
from tests.hostile.attack import Attack
from tests.hostile.target import Target


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    """One server, which has to withstand all attacks one after another."""
    options = dict(attack.options for attack in ATTACKS if attack.options)
    with Target(*(part for option in options.items() for part in option)) as target:
        yield target


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_other_users_notice_nothing_of(attack: Attack, target: Target) -> None:
    before = target.memory()
    target.observe()
    attack.act(target, attack.short)
    assert target.observe()["messages"], "the bystander checks that each arrives once and in order"
    assert target.memory() - before < attack.memory
    assert not target.bugs()
