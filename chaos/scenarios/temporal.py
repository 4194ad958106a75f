"""Runs that are terminated from outside, at each step and undo; and a Temporal that comes back without its state."""

import asyncio
import signal
import time
from collections.abc import Iterator
from typing import Final

from sqlalchemy import Connection, func, select

from chaos.crew import open_crew
from chaos.house import House
from chaos.judge import Judge, Verdict
from chaos.load import PLAIN, Load, Wish
from chaos.plan import Plan
from chaos.points import FORWARD, LAST, PLACEMENTS, UNDOS
from chaos.world import World
from flowforge.durable.placement import Placement
from flowforge.orders.gateway import PlacedOrder
from flowforge.persistence.tables.orders import ORDERS

TERMINATED: Final = "terminated from outside at each step and undo"
LOST: Final = "Temporal killed and its state lost"
LOST_AGAIN: Final = "Temporal killed and its state lost, again and again under load"

_WITHIN_S: Final = 120.0
"""Workers look for orders whose run is gone every 15 s, and take those that have not moved for 20 s. Those of a
Temporal that lost its state wait 30 s more, until it is sure that no worker of the old one lives."""

_IN_FLIGHT: Final = 8


async def terminate(house: House, _plan: Plan) -> Verdict:
    """Freeze a worker before each step and undo, terminate the run, let the worker go on."""
    verdict = Verdict(name=TERMINATED)
    async with house.temporal() as temporal:
        client = await temporal.client()

        async def one(operation: str, placement: Placement) -> None:
            async with house.world(temporal.target, client) as world:
                worker = await world.worker(f"stop:{operation}:before")
                placed = await world.place_longest(placement, fail_at=LAST if operation in UNDOS else None)
                try:
                    async with asyncio.timeout(_WITHIN_S):
                        await worker.stopped.wait()
                except TimeoutError:
                    told = worker.log.read_text()[-500:]
                    verdict.violations.append(f"{placed.order_id} did not come to {operation}, {placement}: {told}")
                    return
                await world.handle(placed.workflow_id).terminate("somebody pressed the wrong button")
                verdict.done["runs terminated"] += 1
                worker.send(signal.SIGCONT)
                judge = Judge(world, verdict, within_s=_WITHIN_S)
                if operation == FORWARD[0] and not await _has_row(world, placed):
                    # Through the queue the frozen attempt may come too late to be answered, but not to be written.
                    verdict.done["terminated before they had a row"] += 1
                else:
                    await judge.drain([placed.order_id])
                record = await world.reads.get(placed.order_id)
                if record is not None:
                    verdict.ends[record.status] += 1
                    # A worker that was in the middle of local steps may have done them all, and have closed the order.
                    if record.status not in ({"failed"} if operation in UNDOS else {"failed", "completed"}):
                        verdict.violations.append(f"terminated at {operation}: {placed.order_id} is {record.status}")
                await judge.last_requests(Load(world=world))
                await judge.audit()

        await asyncio.gather(*(one(each, placement) for each in (*FORWARD, *UNDOS) for placement in PLACEMENTS))
    return verdict


async def _has_row(world: World, placed: PlacedOrder) -> bool:
    """Give a first step that was frozen the time to write its row."""
    for _ in range(50):
        if await world.reads.get(placed.order_id) is not None:
            return True
        await asyncio.sleep(0.1)
    return False


async def lose_state(house: House, plan: Plan) -> Verdict:
    """Have Temporal lose orders that have completed, that wait for a timer, and that have not begun."""
    verdict = Verdict(name=LOST)
    count = max(10, round(60 * plan.share))
    async with house.temporal() as temporal:
        client = await temporal.client()
        async with house.world(temporal.target, client) as world:
            completed, waiting, unbegun = Load(world=world), Load(world=world), Load(world=world)
            worker = await world.worker()
            await asyncio.gather(*(completed.order(PLAIN) for _ in range(count)))
            judge = Judge(world, verdict, within_s=_WITHIN_S)
            await judge.drain([each.placed.order_id for each in completed.accepted])
            await judge.compare(completed.accepted)
            await worker.end()
            worker = await world.worker("fail:payments.charge:before")
            await asyncio.gather(*(waiting.order(PLAIN) for _ in range(count)))
            await _until_rows(world, 2 * count)
            await worker.end()
            await asyncio.gather(*(unbegun.order(PLAIN) for _ in range(count)))
            await temporal.kill()
            temporal.forget()
            await temporal.start()
            verdict.done["state lost"] += 1
            async with open_crew(world, 2):
                healed = time.monotonic()
                await judge.drain([each.placed.order_id for each in waiting.accepted])
                verdict.counted["unwound after, s"] = f"{time.monotonic() - healed:.0f}"
                for each in waiting.accepted:
                    record = await world.reads.get(each.placed.order_id)
                    told = None if record is None else (record.status, record.failure_code)
                    verdict.ends["lost" if told is None else told[0]] += 1
                    if told != ("failed", "abandoned"):
                        verdict.violations.append(f"{each.placed.order_id} had begun and is {told}")
                verdict.done["waiting for a timer"] += count
                for each in unbegun.accepted:
                    if await world.reads.get(each.placed.order_id) is None:
                        verdict.done["had not begun, lost"] += 1
                await judge.last_requests(completed)
                await judge.audit()
    return verdict


async def _until_rows(world: World, least: int) -> None:
    def count(connection: Connection) -> int:
        return connection.execute(select(func.count()).select_from(ORDERS)).scalar_one()

    while await world.database.read(count) < least:  # noqa: ASYNC110 -- rows are written by other processes
        await asyncio.sleep(0.1)


async def lose_state_again(house: House, plan: Plan) -> Verdict:
    """Have Temporal lose everything every 20 s, while orders come, fail and are cancelled and workers live on."""
    return await lose_state_under_load(house, plan, times=max(2, round(6 * plan.share)))


async def lose_state_under_load(house: House, plan: Plan, *, times: int, every_s: float = 20.0) -> Verdict:
    """Have Temporal lose everything so many times; then judge every order that had begun, and count the others."""
    verdict = Verdict(name=LOST_AGAIN)
    chance = plan.chance(LOST_AGAIN)
    async with house.temporal() as temporal:
        client = await temporal.client()
        async with house.world(temporal.target, client) as world, open_crew(world, 2):
            load, over = Load(world=world), asyncio.Event()

            def wishes() -> Iterator[Wish]:
                while not over.is_set():
                    yield Wish.by_chance(chance)

            loading = asyncio.create_task(load.steadily(wishes(), in_flight=_IN_FLIGHT))
            for _ in range(times):
                await asyncio.sleep(every_s)
                await temporal.kill()
                temporal.forget()
                await temporal.start()
                verdict.done["state lost"] += 1
            healed = time.monotonic()
            over.set()
            await loading
            judge = Judge(world, verdict, within_s=_WITHIN_S)
            begun = [each for each in load.accepted if await world.reads.get(each.placed.order_id) is not None]
            await judge.drain([each.placed.order_id for each in begun])
            verdict.counted["the last order ended after, s"] = f"{time.monotonic() - healed:.0f}"
            for each in begun:
                record = await world.reads.get(each.placed.order_id)
                status = "lost" if record is None else record.status
                verdict.ends[status] += 1
                is_abandoned = record is not None and record.failure_code == "abandoned"
                verdict.done["abandoned"] += is_abandoned
                if status not in each.wish.ends and not is_abandoned:
                    verdict.violations.append(f"{each.placed.order_id}, which was {each.wish.kind}, is {status}")
            verdict.done["had not begun, lost"] += len(load.accepted) - len(begun)
            await judge.last_requests(load)
            await judge.audit()
    return verdict
