"""Runs of definitions while Temporal is killed, while their database is locked or full, and while it is restarted."""

import asyncio
import random
from pathlib import Path
from typing import Final

from temporalio.client import Client

from chaos.crew import Crew
from chaos.faults import Fault, Full, Locked, SmallDisk
from chaos.house import House
from chaos.judge import Verdict
from chaos.plan import Plan
from chaos.runs import RunLoad
from chaos.scenarios.database import empty_database_on, restart
from chaos.scenarios.engine import disturb_runs
from chaos.world import World
from flowforge.temporal.target import TemporalTarget
from tests.postgres import postgres_server

NAME: Final = "runs of definitions, Temporal killed, the database locked, full or restarted"

_RUNS: Final = 60
"""On each of the four fields, at least: they come until the last fault is healed."""

_TEMPORAL_EVERY_S: Final = 20.0
_BETWEEN_WORKERS_S: Final = 5.0
_LOCKED_S: Final = 30.0
_FULL_S: Final = 10.0
_DISK_MB: Final = 64
_BEFORE_S: Final = 3.0
"""Some runs are under way by then."""


async def run(house: House, plan: Plan) -> Verdict:
    """Do each to a database of its own, side by side, the kills of Temporal to one of its own."""
    verdict = Verdict(name=NAME)
    times = max(1, round(4 * plan.share))
    locked = house.new_file()
    async with house.temporal() as temporal:
        client, target = await temporal.client(), temporal.target
        with SmallDisk(house.folder / "disk-of-runs", _DISK_MB) as disk:
            await asyncio.gather(
                kill_temporal(house, plan.chance(NAME, "Temporal"), verdict, times=times),
                _with_fault(house, target, client, plan, verdict, locked, Locked(locked), lasts_s=_LOCKED_S),
                _with_fault(
                    house, target, client, plan, verdict, empty_database_on(disk, house), Full(disk), lasts_s=_FULL_S
                ),
                _restart_postgres(house, target, client, plan.chance(NAME, "Postgres"), verdict, times=times),
            )
    verdict.must_have_completed()
    return verdict


async def kill_temporal(
    house: House,
    chance: random.Random,
    verdict: Verdict,
    *,
    times: int,
    runs: int = _RUNS,
    every_s: float = _TEMPORAL_EVERY_S,
) -> None:
    """Kill Temporal so often, and a worker in between, while runs come; then judge."""
    async with house.temporal() as temporal:

        async def kill(_world: World, crew: Crew, _load: RunLoad) -> None:
            async def workers() -> None:
                while True:
                    await asyncio.sleep(_BETWEEN_WORKERS_S)
                    crew.kill_one(chance)

            killing = asyncio.create_task(workers())
            try:
                for _ in range(times):
                    await asyncio.sleep(every_s)
                    await temporal.kill()
                    await asyncio.sleep(chance.uniform(0, 1))
                    await temporal.start()
            finally:
                killing.cancel()

        await disturb_runs(house, temporal.target, await temporal.client(), chance, verdict, kill, runs=runs)
        verdict.done["Temporal killed"] += temporal.kills


async def _with_fault(
    house: House,
    target: TemporalTarget,
    client: Client,
    plan: Plan,
    verdict: Verdict,
    file: Path,
    fault: Fault,
    *,
    lasts_s: float,
) -> None:
    async def disturb(_world: World, _crew: Crew, _load: RunLoad) -> None:
        await asyncio.sleep(_BEFORE_S)
        await fault.begin()
        try:
            await asyncio.sleep(lasts_s)
        finally:
            await fault.heal()
        verdict.done[f"{fault.name}, {lasts_s:g} s"] += 1

    chance = plan.chance(NAME, fault.name)
    url = f"sqlite:///{file}"
    await disturb_runs(house, target, client, chance, verdict, disturb, runs=_RUNS, database_url=url)


async def _restart_postgres(
    house: House, target: TemporalTarget, client: Client, chance: random.Random, verdict: Verdict, *, times: int
) -> None:
    opening = postgres_server()
    server = await asyncio.to_thread(opening.__enter__)

    async def disturb(_world: World, _crew: Crew, _load: RunLoad) -> None:
        for _ in range(times):
            await asyncio.sleep(chance.uniform(5, 20))
            await asyncio.to_thread(restart, server)
            verdict.done["Postgres restarted"] += 1

    try:
        with server.database("migrated") as url:
            await disturb_runs(house, target, client, chance, verdict, disturb, runs=_RUNS, database_url=url)
    finally:
        await asyncio.to_thread(opening.__exit__, None, None, None)
