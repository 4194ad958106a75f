"""A worker dies between a run's end and the delivery of its webhook: another one delivers it, under the same id."""

import asyncio
import random
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from temporalio.client import Client

from chaos.house import House
from chaos.runs import EGRESS, RunLoad, RunWish, open_runs
from chaos.stranger import Stranger, open_stranger
from chaos.world import World
from flowforge.engine.delivery import DELIVERY
from flowforge.persistence.leases import hold, new_holder
from flowforge.temporal.target import TemporalTarget

Scene = tuple[World, Stranger, RunLoad]


@asynccontextmanager
async def scene(house: House, target: TemporalTarget, client: Client) -> AsyncIterator[Scene]:
    """Open a world in which bookings tell a stranger how they end."""
    async with (
        open_stranger(random.Random(7)) as stranger,
        house.world(target, client, settings=EGRESS) as world,
        open_runs(world, stranger) as (_, load),
    ):
        yield world, stranger, load


async def told(stranger: Stranger, name: str) -> dict[str, int]:
    """Wait until the stranger was told that a run completed; return how often, by the message's id."""
    async with asyncio.timeout(60):
        while not stranger.told[name, "workflow.completed"]:  # noqa: ASYNC110 -- another process tells it
            await asyncio.sleep(0.05)
    return stranger.told[name, "workflow.completed"]


async def test_worker_killed_before_it_tells_of_a_run_another_one_tells(
    client: Client, temporal_target: TemporalTarget, house: House
) -> None:
    async with scene(house, temporal_target, client) as (world, stranger, load):
        holder = new_holder()  # of a process that delivers, and dies with the other one
        await world.database.write(hold, DELIVERY, holder, timedelta(minutes=10))
        worker = await world.worker()
        name = await load.run(RunWish.by_chance(random.Random(7), stranger, 0, kind="plain"))
        assert (await load.engine.runs.wait(name, 60)).status == "completed"
        await worker.end(signal.SIGKILL)
        assert stranger.told == {}
        await world.database.write(hold, DELIVERY, holder, timedelta(0))
        await world.worker()
        assert len(await told(stranger, name)) == 1


async def test_worker_killed_while_it_tells_of_a_run_another_one_tells_the_same_again(
    client: Client, temporal_target: TemporalTarget, house: House
) -> None:
    async with scene(house, temporal_target, client) as (world, stranger, load):
        stranger.heard = asyncio.Event()
        worker = await world.worker()
        name = await load.run(RunWish.by_chance(random.Random(7), stranger, 0, kind="plain"))
        await asyncio.wait_for(stranger.heard.wait(), 60)
        [first] = await told(stranger, name)
        await worker.end(signal.SIGKILL)
        stranger.heard = None
        await world.worker()
        async with asyncio.timeout(60):
            while stranger.told[name, "workflow.completed"] == {first: 1}:  # noqa: ASYNC110 -- as above
                await asyncio.sleep(0.05)
        assert set(await told(stranger, name)) == {first}
