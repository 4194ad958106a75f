"""Runs of definitions, the bundled sagas and a booking over HTTP, while workers are killed by chance."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Final

from sqlalchemy import Connection, func, select
from temporalio.client import Client

from chaos.crew import Crew, open_crew
from chaos.house import House
from chaos.judge import Verdict
from chaos.plan import Plan
from chaos.run_judge import RunJudge
from chaos.runs import EGRESS, RunLoad, RunWish, open_runs
from chaos.stranger import open_stranger
from chaos.world import World
from flowforge.persistence.tables.engine import EXECUTIONS
from flowforge.temporal.target import TemporalTarget
from tests.postgres import postgres_server

Disturb = Callable[[World, Crew, RunLoad], Awaitable[None]]

NAME: Final = "runs of definitions, a worker killed at random"

_RUNS: Final = 450
"""Of six one is a booking and one a purchase: 300 are of the bundled sagas."""

_LEAST: Final = 40
_CREW: Final = 2
_IN_FLIGHT: Final = 14
_PAUSE_S: Final = (1.0, 2.5)
_LOOK_S: Final = 0.1
_BETWEEN_KILLS: Final = 10
"""Turns of runs, at least: where workers start slowly, they would else die of this before they work."""


async def run(house: House, plan: Plan) -> Verdict:
    """Have half of the runs on SQLite and half on Postgres, side by side, a worker of each killed again and again."""
    verdict = Verdict(name=NAME)
    runs = max(_LEAST, round(_RUNS * plan.share))
    opening = postgres_server()
    server = await asyncio.to_thread(opening.__enter__)
    try:
        with server.database("migrated") as url:
            async with house.temporal() as temporal:
                client, target = await temporal.client(), temporal.target
                await asyncio.gather(
                    kill_during_runs(house, target, client, plan.chance(NAME, "SQLite"), verdict, runs=runs // 2),
                    kill_during_runs(
                        house, target, client, plan.chance(NAME, "Postgres"), verdict, runs=runs // 2, database_url=url
                    ),
                )
    finally:
        await asyncio.to_thread(opening.__exit__, None, None, None)
    verdict.must_have_completed()
    return verdict


async def kill_during_runs(
    house: House,
    target: TemporalTarget,
    client: Client,
    chance: random.Random,
    verdict: Verdict,
    *,
    runs: int,
    database_url: str = "",
) -> None:
    """Kill workers while so many runs come, then judge.

    Args:
        house: where.
        target: a Temporal that runs.
        client: connected to it.
        chance: which runs, and whom.
        verdict: is added to.
        runs: how many.
        database_url: an empty database that is up to date; a new file by default.
    """

    async def kill(world: World, crew: Crew, load: RunLoad) -> None:
        """Kill one again and again, but only while there is something to break: runs that go on."""
        seen = 0
        while load.asked < runs:
            await asyncio.sleep(chance.uniform(*_PAUSE_S))
            while await world.database.read(_turns) < seen + _BETWEEN_KILLS:  # noqa: ASYNC110 -- rows are written by other processes
                await asyncio.sleep(_LOOK_S)
            seen = await world.database.read(_turns)
            crew.kill_one(chance)

    await disturb_runs(house, target, client, chance, verdict, kill, runs=runs, database_url=database_url)


async def disturb_runs(
    house: House,
    target: TemporalTarget,
    client: Client,
    chance: random.Random,
    verdict: Verdict,
    disturb: Disturb,
    *,
    runs: int,
    database_url: str = "",
) -> None:
    """Have at least so many runs come, and go on coming until `disturb` has done what it does; then judge.

    Args:
        house: where.
        target: a Temporal that runs.
        client: connected to it.
        chance: which runs.
        verdict: is added to.
        disturb: is told the world, its workers, and what comes; it heals what it breaks.
        runs: at least so many.
        database_url: an empty database that is up to date; a new file by default.
    """
    begun = time.monotonic()
    async with (
        open_stranger(chance) as stranger,
        house.world(target, client, database_url=database_url, settings=EGRESS) as world,
        open_runs(world, stranger) as (engine, load),
        open_crew(world, _CREW) as crew,
    ):
        disturbing = asyncio.ensure_future(disturb(world, crew, load))

        def wishes() -> Iterator[RunWish]:
            while load.asked < runs or not disturbing.done():
                yield RunWish.by_chance(chance, stranger, load.asked)

        try:
            await load.steadily(wishes(), in_flight=_IN_FLIGHT)
            await disturbing
        finally:
            disturbing.cancel()
            await asyncio.gather(disturbing, return_exceptions=True)
        verdict.done["workers killed"] += crew.kills
        verdict.done["requests answered only later"] += load.retried
        await RunJudge(world, engine, stranger, verdict, chance=chance).examine(load)
    verdict.took_s = max(verdict.took_s, time.monotonic() - begun)


def _turns(connection: Connection) -> int:
    turns: int = connection.execute(select(func.coalesce(func.sum(EXECUTIONS.c.turn), 0))).scalar_one()
    return turns
