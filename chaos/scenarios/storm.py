"""Orders under load while workers and Temporal are killed at random; and many orders while both die steadily."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Final

from chaos.crew import Crew, open_crew
from chaos.house import House
from chaos.judge import Judge, Verdict
from chaos.load import Load, Wish
from chaos.plan import Plan
from chaos.temporal import Temporal

STORM: Final = "workers and Temporal killed at random under load"
MARATHON: Final = "many orders, a worker killed every 5 s and Temporal every 60 s"

_FIELDS: Final = 3
"""So many Temporals with a database and a crew each, side by side: a kill of Temporal is waited for only there."""

_CREW: Final = 3
_PAUSE_S: Final = (1.0, 2.5)
"""Between two kills on one field. A new worker takes about a second of a core: faster than this, and two cores do
nothing else than start workers."""


async def storm(house: House, plan: Plan) -> Verdict:
    """Kill workers by chance on each field, and its Temporal every 20 s."""
    verdict = Verdict(name=STORM)
    begun = time.monotonic()

    def part(whole: int, number: int) -> int:
        return whole // _FIELDS + (number < whole % _FIELDS)

    await asyncio.gather(
        *(
            field(
                house,
                plan.chance(STORM, number),
                verdict,
                orders=part(plan.storm_orders, number),
                kills=part(plan.kills, number),
                temporal_kills=part(plan.temporal_kills, number),
            )
            for number in range(_FIELDS)
        )
    )
    verdict.took_s = time.monotonic() - begun
    return verdict


async def field(
    house: House,
    chance: random.Random,
    verdict: Verdict,
    *,
    orders: int,
    kills: int,
    temporal_kills: int,
    temporal_every_s: float = 20.0,
) -> None:
    """Kill so many workers and Temporal so often, while at least so many orders come; then judge."""

    async def disturb(crew: Crew, temporal: Temporal) -> None:
        async def workers() -> None:
            while crew.kills < kills:
                await asyncio.sleep(chance.uniform(*_PAUSE_S))
                crew.kill_one(chance)

        async def server() -> None:
            while temporal.kills < temporal_kills:
                await asyncio.sleep(temporal_every_s)
                await temporal.kill()
                await asyncio.sleep(chance.uniform(0, 1))
                await temporal.start()

        await asyncio.gather(workers(), server())

    await _under_load(house, chance, verdict, disturb, orders=orders, in_flight=14)


async def marathon(house: House, plan: Plan) -> Verdict:
    """Kill a worker every 5 s and Temporal every 60 s until so many orders have come."""
    verdict = Verdict(name=MARATHON)
    begun = time.monotonic()
    chance = plan.chance(MARATHON)

    async def disturb(crew: Crew, temporal: Temporal) -> None:
        for second in range(5, 86_400, 5):
            await asyncio.sleep(5)
            crew.kill_one(chance)
            if second % 60 == 0:
                await temporal.kill()
                await temporal.start()

    await _under_load(house, chance, verdict, disturb, orders=plan.marathon_orders, in_flight=60, until_disturbed=False)
    verdict.took_s = time.monotonic() - begun
    return verdict


async def _under_load(
    house: House,
    chance: random.Random,
    verdict: Verdict,
    disturb: Callable[[Crew, Temporal], Awaitable[None]],
    *,
    orders: int,
    in_flight: int,
    until_disturbed: bool = True,
) -> None:
    """Have orders come while something is disturbed.

    Args:
        house: where.
        chance: which orders.
        verdict: is added to.
        disturb: kills.
        orders: at least so many.
        in_flight: so many at once.
        until_disturbed: whether orders come until `disturb` has ended; else it is ended with them.
    """
    async with house.temporal() as temporal:
        client = await temporal.client()
        async with house.world(temporal.target, client) as world, open_crew(world, _CREW) as crew:
            load = Load(world=world)
            disturbing = asyncio.ensure_future(disturb(crew, temporal))

            def wishes() -> Iterator[Wish]:
                while load.asked < orders or (until_disturbed and not disturbing.done()):
                    yield Wish.by_chance(chance)

            try:
                await load.steadily(wishes(), in_flight=in_flight)
                if until_disturbed:
                    await disturbing
            finally:
                disturbing.cancel()
                await asyncio.gather(disturbing, return_exceptions=True)
            if not temporal.is_running:
                await temporal.start()
            await Judge(world, verdict).examine(load, chance=chance)
            verdict.done["workers killed"] += crew.kills
            verdict.done["Temporal killed"] += temporal.kills
            verdict.done["requests answered only later"] += load.retried
