"""A worker is killed, or frozen, at every point there is, so many times, in both placements."""

import asyncio
import time
from collections.abc import Sequence
from typing import Final, Literal

from temporalio.client import Client

from chaos.drill import Drill
from chaos.house import House
from chaos.judge import Verdict
from chaos.plan import Plan
from chaos.points import PLACEMENTS, Point, every_point
from chaos.replays import replay
from flowforge.durable.placement import Placement
from flowforge.temporal.target import TemporalTarget

LEAST_HITS: Final = 5

_AT_ONCE: Final = 16
"""Most of a kill's time is waiting for Temporal to find out; so many worlds wait side by side."""

_NAMES: Final = {"kill": "a worker killed at each point", "stop": "a worker frozen at each point, and woken too late"}


async def kills(house: House, plan: Plan) -> Verdict:
    """Kill workers at every point."""
    async with house.temporal() as temporal:
        client = await temporal.client()
        verdict = await drills(house, temporal.target, client, every_point(), PLACEMENTS, plan.times)
    verdict.must_have_hit(LEAST_HITS)
    return verdict


async def zombies(house: House, _plan: Plan) -> Verdict:
    """Freeze workers at every point."""
    async with house.temporal() as temporal:
        client = await temporal.client()
        return await drills(house, temporal.target, client, every_point(), PLACEMENTS, 1, how="stop")


async def drills(
    house: House,
    target: TemporalTarget,
    client: Client,
    points: Sequence[Point],
    placements: Sequence[Placement],
    times: int,
    *,
    how: Literal["kill", "stop"] = "kill",
) -> Verdict:
    """Do the drill at each of these points, in a world each."""
    verdict = Verdict(name=_NAMES[how])
    begun = time.monotonic()
    places = asyncio.Semaphore(_AT_ONCE)
    hits: dict[str, int] = {}

    async def one(point: Point, placement: Placement) -> None:
        async with places, house.world(target, client) as world:
            drill = Drill(world=world, point=point, placement=placement, how=how)
            try:
                await drill.run(times)
                replayed = await replay(world, drill.placed[-1])
                verdict.done["histories replayed"] += replayed  # not in one: others add to it meanwhile
            except Exception as wrong:  # noqa: BLE001 -- whatever kept an order from its end
                verdict.violations.append(f"{point}, {placement}: {type(wrong).__name__}: {wrong}")
            hits[str(point)] = hits.get(str(point), 0) + drill.hits
            verdict.done["workers killed" if how == "kill" else "workers frozen"] += drill.hits
            verdict.done["followed by a cancellation"] += drill.cancelled
            verdict.done["asked of an order again, unanswered for 30 s"] += drill.unanswered
            verdict.ends.update(drill.ends)

    await asyncio.gather(*(one(point, placement) for placement in placements for point in points))
    verdict.hits.update(hits)
    verdict.took_s = time.monotonic() - begun
    return verdict
