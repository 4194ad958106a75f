"""The database is locked, full, read-only or gone for a while, or a Postgres that is restarted, while orders come."""

import asyncio
import contextlib
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from temporalio.client import Client

from chaos.crew import open_crew
from chaos.faults import Fault, Full, Gone, Locked, ReadOnly, SmallDisk
from chaos.house import House
from chaos.judge import Judge, Verdict
from chaos.load import Load, Wish
from chaos.plan import Plan
from flowforge.temporal.target import TemporalTarget
from tests.postgres import PostgresServer, postgres_server

NAME: Final = "database locked, full, read-only, gone; Postgres restarted"

_DISK_MB: Final = 24
_LOCKED_S: Final = 30.0
_READ_ONLY_S: Final = 8.0
_IN_FLIGHT: Final = 8


async def run(house: House, plan: Plan) -> Verdict:
    """Do it all, one database each, side by side."""
    verdict = Verdict(name=NAME)
    restarts = max(2, round(6 * plan.share))
    async with house.temporal() as temporal:
        client, target = await temporal.client(), temporal.target
        with contextlib.ExitStack() as disks:
            full = disks.enter_context(SmallDisk(house.folder / "disk-full", _DISK_MB))
            read_only = disks.enter_context(SmallDisk(house.folder / "disk-read-only", _DISK_MB))
            locked, gone, on_full = house.new_file(), house.new_file(), empty_database_on(full, house)
            await asyncio.gather(
                with_fault(house, target, client, plan, verdict, locked, Locked(locked), lasts_s=_LOCKED_S),
                with_fault(house, target, client, plan, verdict, gone, Gone(gone), lasts_s=10),
                with_fault(house, target, client, plan, verdict, on_full, Full(full), lasts_s=10),
                read_only_for_a_while(house, target, client, plan, verdict, read_only),
                with_postgres_restarted(house, target, client, plan, verdict, restarts=restarts),
            )
    return verdict


async def with_fault(
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
    """Have orders come before, during and after a fault."""
    chance = plan.chance(NAME, fault.name)
    async with (
        house.world(target, client, database_url=f"sqlite:///{file}") as world,
        open_crew(world, 2),
    ):
        load = Load(world=world)
        over = asyncio.Event()
        loading = asyncio.create_task(load.steadily(_until(over, chance), in_flight=_IN_FLIGHT))
        await asyncio.sleep(3)
        await fault.begin()
        await asyncio.sleep(lasts_s)
        await fault.heal()
        verdict.done[f"{fault.name}, {lasts_s:g} s"] += 1
        await asyncio.sleep(1)
        over.set()
        await loading
        await Judge(world, verdict).examine(load, chance=chance)


async def read_only_for_a_while(
    house: House, target: TemporalTarget, client: Client, plan: Plan, verdict: Verdict, disk: Path
) -> None:
    """Place orders, and have their workers meet a database that they cannot write, until they can."""
    chance = plan.chance(NAME, ReadOnly.name)
    url = f"sqlite:///{empty_database_on(disk, house)}"
    async with house.world(target, client, database_url=url) as world:
        load = Load(world=world)
        await asyncio.gather(*(load.order(Wish.by_chance(chance)) for _ in range(20)))
        queue, environment = world.task_queue, world.environment
    # The kernel makes a file system read-only when nobody has its files open for writing, so we have not either.
    fault = ReadOnly(disk)
    await fault.begin()
    worker = await house.nursery.start("worker", environment)
    await asyncio.sleep(_READ_ONLY_S)
    verdict.done[f"{fault.name}, {_READ_ONLY_S:g} s"] += 1
    verdict.done["workers that said so and ended"] += worker.exited.done()
    await worker.end()
    await fault.heal()
    async with house.world(target, client, database_url=url, task_queue=queue) as world, open_crew(world, 2):
        load.world = world
        await Judge(world, verdict).examine(load, chance=chance)


async def with_postgres_restarted(
    house: House, target: TemporalTarget, client: Client, plan: Plan, verdict: Verdict, *, restarts: int
) -> None:
    """Have orders come while their Postgres is stopped at once and started again, every 5 to 40 s."""
    chance = plan.chance(NAME, "Postgres")
    opening = postgres_server()
    server = await asyncio.to_thread(opening.__enter__)
    try:
        with server.database("migrated") as url:
            async with house.world(target, client, database_url=url) as world, open_crew(world, 2):
                load = Load(world=world)
                over = asyncio.Event()
                loading = asyncio.create_task(load.steadily(_until(over, chance), in_flight=_IN_FLIGHT))
                for _ in range(restarts):
                    await asyncio.sleep(chance.uniform(5, 40 if restarts > 2 else 8))
                    await asyncio.to_thread(restart, server)
                    verdict.done["Postgres restarted"] += 1
                over.set()
                await loading
                await Judge(world, verdict).examine(load, chance=chance)
    finally:
        await asyncio.to_thread(opening.__exit__, None, None, None)


def restart(server: PostgresServer) -> None:
    """Stop a Postgres as if it had crashed, and start it."""
    server.stop(at_once=True)
    server.start()


def _until(over: asyncio.Event, chance: random.Random) -> Iterator[Wish]:
    while not over.is_set():
        yield Wish.by_chance(chance)


def empty_database_on(disk: Path, house: House) -> Path:
    """Put an empty database on a disk."""
    file = disk / "flowforge.sqlite3"
    shutil.copy(house.folder / "empty.sqlite3", file)
    return file
