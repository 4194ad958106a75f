"""Undos that fail again and again before they succeed, and undos that never can: all else is undone meanwhile."""

import asyncio
from typing import Final

from temporalio.client import Client

from chaos.house import House
from chaos.judge import Judge, Verdict
from chaos.load import Load
from chaos.plan import Plan
from chaos.points import LAST, PLACEMENTS, UNDO_NAMES, UNDOS
from chaos.world import World
from flowforge.durable.placement import Placement
from flowforge.errors import FlowForgeError
from flowforge.orders.contracts import OrderStatus
from flowforge.orders.gateway import PlacedOrder
from flowforge.orders.records import OrderRecord
from flowforge.temporal.target import TemporalTarget

NAME: Final = "undos that fail for long, and for good"

_WITHIN_S: Final = 120.0
_FAILURES: Final = 40
"""At half a second between two attempts that is 20 s; it stands for hours, which would differ in nothing but time."""


async def run(house: House, plan: Plan) -> Verdict:
    """Have each undo fail for long, and for good, in both placements."""
    async with house.temporal() as temporal:
        failures = max(8, round(_FAILURES * plan.share))
        return await each_undo(house, temporal.target, await temporal.client(), failures=failures)


async def each_undo(house: House, target: TemporalTarget, client: Client, *, failures: int) -> Verdict:
    """Have each undo fail so often, and for good; an operator tries some of the latter again, and gives others up."""
    verdict = Verdict(name=NAME)

    async def one(undo: str, placement: Placement, *, for_good: bool) -> None:
        async with house.world(target, client) as world:
            fault = f"refuse:{undo}:before" if for_good else f"fail:{undo}:before:{failures}"
            worker = await world.worker(fault)
            placed = await world.place_longest(placement, fail_at=LAST)
            judge = Judge(world, verdict)
            others = set(UNDO_NAMES.values()) - {UNDO_NAMES[undo]}
            try:
                async with asyncio.timeout(_WITHIN_S):
                    if for_good:
                        waits = await _reaches(world, placed, "needs_attention")
                        settled = {each.name for each in waits.compensations if each.status == "completed"}
                        if settled != others:
                            verdict.violations.append(f"{undo} refuses, and of the others only {settled} were done")
                        verdict.done["undos that refused for good"] += 1
                        if placement == "auto":
                            await worker.end()
                            await world.worker()
                            await _insist(world, placed, UNDO_NAMES[undo], write_off=False)
                        else:
                            await _insist(world, placed, UNDO_NAMES[undo], write_off=True)
                    record = await _reaches(world, placed, "failed")
                    if not for_good:
                        verdict.done["failures of undos that were tried again"] += failures
                        [mine] = [each for each in record.compensations if each.name == UNDO_NAMES[undo]]
                        if mine.status != "completed" or mine.attempts <= failures:
                            verdict.violations.append(f"{undo} failed {failures} times and is {mine}")
            except TimeoutError:
                verdict.violations.append(f"{undo}, {placement}, {'for good' if for_good else 'for long'}: not in time")
            await judge.drain([placed.order_id])
            verdict.ends["failed"] += 1
            await worker.end()
            await world.worker()
            await judge.last_requests(Load(world=world))
            await judge.audit()

    await asyncio.gather(
        *(
            one(undo, placement, for_good=for_good)
            for undo in UNDOS
            for placement in PLACEMENTS
            for for_good in (False, True)
        )
    )
    return verdict


async def _reaches(world: World, placed: PlacedOrder, status: OrderStatus) -> OrderRecord:
    while True:
        record = await world.reads.get(placed.order_id)
        if record is not None and record.status == status:
            return record
        await asyncio.sleep(0.1)


async def _insist(world: World, placed: PlacedOrder, undo: str, *, write_off: bool) -> None:
    """Decide on a stuck undo, as soon as the run knows that it is."""
    while True:
        try:
            if write_off:
                await world.control.write_off(placed.order_id, undo, "ann", "settled by hand")
            else:
                await world.control.retry_compensation(placed.order_id, undo)
        except FlowForgeError:
            await asyncio.sleep(0.2)
        else:
            return
