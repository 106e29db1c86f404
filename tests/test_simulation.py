"""Whatever happens to devices, connections and the server: in the end every device holds everything, once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import trio
import trio.testing

from tests.simulation import Device, World

HUNT = os.environ.get("HYPOTHESIS_PROFILE") == "hunt"
SEEDS = range(300) if HUNT else range(5)
STEPS = 400 if HUNT else 150


@pytest.mark.parametrize("seed", SEEDS)
async def test_every_device_holds_everything_once(
    tmp_path: Path, mock_clock: trio.testing.MockClock, seed: int
) -> None:
    async with trio.open_nursery() as nursery:
        world = World(tmp_path, seed, nursery, mock_clock)
        try:
            await world.start()
            await world.people()
            for _ in range(STEPS):
                await world.step()
            await world.quiet()
            await check(world)
            await world.kill()
            await world.start()
            await world.quiet()
            await check(world)
            await world.kill()
        except BaseException as error:
            error.add_note(f"seed {seed}, step {len(world.steps)}: {', '.join(world.steps[-20:])}")
            raise


async def check(world: World) -> None:
    """Compare what all devices hold, what was acknowledged, and what the server says of it."""
    places = {"lobby": world.devices[0].lobby}
    for device in world.devices:
        assert device.lobby == places["lobby"], f"{device.label} holds another lobby"
        for id, held in device.private.items():
            assert places.setdefault(id, held) == held, f"{device.label} holds another {id}"
    for id, held in places.items():
        users = {device.name for device in world.devices if id in device.private}
        assert len(users) <= 2, "nobody else has it"
        for device in world.devices:
            assert device.name not in users or device.private[id] == held
    numbers = [(text, seq) for held in places.values() for seq, (_, text) in enumerate(held, 1)]
    assert len(dict(numbers)) == len(numbers), "nothing is said twice"
    assert world.certain <= dict(numbers).keys(), "nothing is lost"
    assert world.acknowledged.items() <= dict(numbers).items()
    for device in world.devices:
        await check_marks(world, device)


async def check_marks(world: World, device: Device) -> None:
    """What a user was told to have read stays read, and what is unread is counted exactly."""
    person = device.person
    assert person is not None
    infos = (await person.do("unread"))["rooms"]
    unread = {info["room"]: info["count"] for info in infos}
    for place, held in {"lobby": device.lobby, **device.private}.items():
        told = [
            seq for (label, read), seq in world.read.items() if read == place and label[:-1] == device.name
        ]
        of = {} if place == "lobby" else {"room": place}
        kept = (await person.do("read", seq=0, **of))["seq"]
        assert kept >= max(told, default=0), f"{device.label} had read {place}"
        others = [author for author, _ in held[kept:] if author != device.name]
        assert len(others) == unread.get(place, 0), f"{device.label} has not read {place}"
