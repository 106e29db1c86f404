"""Devices on the bare protocol, with everything failing often: in the end each has everything, once."""

from __future__ import annotations

import os

import pytest

from chaos.nemesis import Rates
from chaos.scenario import Plan, run
from tcpchat.settings import Limits, Settings

HUNT = os.environ.get("HYPOTHESIS_PROFILE") == "hunt"
SEEDS = range(300) if HUNT else range(5)
HOURS = 0.3 if HUNT else 0.1
SETTINGS = Settings(
    limits=Limits(
        messages_per_second=0, requests_per_second=0, backlog_bytes=8000
    )  # stalled clients are soon slow
)
RATES = Rates(partition=120, latency=60, disk=300, crash=60)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_device_receives_everything_once(seed: int) -> None:
    plan = Plan(
        seed=seed, hours=HOURS, rates=RATES, settings=SETTINGS, pace=3, edits=True, registered=(), guests=(),
        devices=("alice1", "alice2", "alice3", "bob1", "bob2", "carol1", "carol2"), guest_devices=("dave",),
    )  # fmt: skip
    result = run(plan)
    assert result.problem is None, "\n".join(["", *result.last, str(result.problem)])
    assert result.acknowledged > 100
