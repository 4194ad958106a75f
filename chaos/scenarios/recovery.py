"""How soon an order goes on whose worker was killed when another one lives; and whether tasks repeat without a kill."""

import asyncio
import time
from collections import Counter
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection, select
from temporalio.api.enums.v1 import EventType

from chaos.crew import open_crew
from chaos.house import House
from chaos.judge import Judge, Verdict
from chaos.load import Load, Wish
from chaos.plan import Plan
from chaos.points import PLACEMENTS
from chaos.world import World
from flowforge.durable.placement import Placement
from flowforge.orders.contracts import OrderOptions
from flowforge.persistence.tables.orders import ORDERS

NAME: Final = "recovery, with the settings as they come"

_IN_FLIGHT: Final = 50
_REPEATS: Final = {
    EventType.EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT: "workflow tasks repeated at 50 in flight",
    EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED: "workflow tasks failed at 50 in flight",
    EventType.EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT: "activities timed out at 50 in flight",
}


async def run(house: House, plan: Plan) -> Verdict:
    """Measure both, in each placement."""
    verdict = Verdict(name=NAME)
    kills = max(3, round(20 * plan.share))
    async with house.temporal() as temporal:
        client = await temporal.client()
        for placement in PLACEMENTS:
            async with house.world(temporal.target, client, options=OrderOptions()) as world:
                await _many_in_flight(world, verdict, placement, count=max(100, round(500 * plan.share)))
            async with house.world(temporal.target, client, options=OrderOptions()) as world:
                await _one_killed(world, verdict, placement, kills=kills)
    return verdict


async def _one_killed(world: World, verdict: Verdict, placement: Placement, *, kills: int) -> None:
    """Kill a worker in the middle of an order while another lives, and measure until the order goes on."""
    waits: list[float] = []
    for _ in range(kills):
        # It dies of its own order: the other one comes when it has it, and is ready long before it could take over.
        victim = await world.worker("kill:payments.charge:before")
        placed = await world.place(placement)
        await asyncio.shield(victim.exited)
        killed_at = datetime.now(UTC)
        heir = await world.worker()
        updated_at = killed_at
        while updated_at <= killed_at:
            await asyncio.sleep(0.02)
            record = await world.reads.get(placed.order_id)
            updated_at = killed_at if record is None or record.updated_at is None else record.updated_at
        waits.append((updated_at - killed_at).total_seconds())
        await Judge(world, verdict).drain([placed.order_id])
        verdict.ends["completed"] += 1
        await heir.end()
    waits.sort()
    verdict.done["workers killed"] += kills
    told = f"{waits[len(waits) // 2]:.1f}, at most {waits[-1]:.1f}"
    verdict.counted[f"an order goes on after the kill, steps {_PLACE[placement]}, s"] = told
    await Judge(world, verdict).audit()


_PLACE: Final = {"auto": "inside the workflow task", "queue": "through the task queue"}


async def _many_in_flight(world: World, verdict: Verdict, placement: Placement, *, count: int) -> None:
    """Count what was repeated although nothing was killed."""
    load = Load(world=world)
    async with open_crew(world, 2):
        begun = time.monotonic()
        wishes = iter([Wish(kind="plain", placement=placement)] * count)
        await load.steadily(wishes, in_flight=_IN_FLIGHT)
        await Judge(world, verdict).drain([each.placed.order_id for each in load.accepted])
        took_s = time.monotonic() - begun
        repeats: Counter[str] = Counter(dict.fromkeys(_REPEATS.values(), 0))
        for each in load.accepted:
            history = await world.handle(each.placed.workflow_id).fetch_history()
            repeats.update(_REPEATS[event.event_type] for event in history.events if event.event_type in _REPEATS)
        statuses: list[str] = await world.database.read(_statuses)
        verdict.ends.update(statuses)
        for what, times in repeats.items():
            verdict.counted[f"{what}, steps {_PLACE[placement]}"] = times
        verdict.counted[f"orders at 50 in flight, steps {_PLACE[placement]}"] = f"{count} in {took_s:.0f} s"
        await Judge(world, verdict).audit()


def _statuses(connection: Connection) -> list[str]:
    return list(connection.scalars(select(ORDERS.c.status)))
