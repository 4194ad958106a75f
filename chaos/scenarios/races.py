"""More orders than units, many requests with one key, and a price that changes between two deliveries of a step."""

import asyncio
import uuid
from typing import Final

from temporalio.client import Client

from chaos.crew import open_crew
from chaos.house import House
from chaos.judge import Judge, Verdict
from chaos.load import Load
from chaos.plan import Plan
from chaos.points import PLACEMENTS
from chaos.world import PRODUCT, World
from flowforge.durable.placement import Placement
from flowforge.errors import IdempotencyKeyReused
from flowforge.services.inventory.contracts import SetStock
from flowforge.temporal.target import TemporalTarget

NAME: Final = "50 orders for 10 units, 30 racers with one key, changed prices and stock"

_SCARCE: Final = "SKU-002"
_UNITS: Final = 10
_BUYERS: Final = 50
_RACERS: Final = 30


async def run(house: House, plan: Plan) -> Verdict:
    """Run all races, workers being killed meanwhile."""
    async with house.temporal() as temporal:
        return await races(house, temporal.target, await temporal.client(), plan)


async def races(house: House, target: TemporalTarget, client: Client, plan: Plan) -> Verdict:
    """Run them on some Temporal."""
    verdict = Verdict(name=NAME)
    await asyncio.gather(
        _scarce(house, target, client, plan, verdict),
        _one_key(house, target, client, verdict),
        *(_changed(house, target, client, verdict, placement) for placement in PLACEMENTS),
    )
    return verdict


async def _scarce(house: House, target: TemporalTarget, client: Client, plan: Plan, verdict: Verdict) -> None:
    """Have fifty want ten units, while workers are killed."""
    chance = plan.chance(NAME)
    async with house.world(target, client) as world, open_crew(world, 3) as crew:
        await world.services.inventory.set_stock(SetStock(product_id=_SCARCE, on_hand=_UNITS))
        wishes = [
            world.place(PLACEMENTS[number % 2], product_id=_SCARCE, quantity=1, customer_id=f"cust_{number}")
            for number in range(_BUYERS)
        ]
        placing = asyncio.gather(*wishes)
        for _ in range(3):
            await asyncio.sleep(chance.uniform(0.2, 0.6))
            crew.kill_one(chance)
        placed = await placing
        judge = Judge(world, verdict)
        await judge.drain([each.order_id for each in placed])
        records = [await world.reads.get(each.order_id) for each in placed]
        ends = [None if record is None else (record.status, record.failure_code) for record in records]
        bought, refused = ends.count(("completed", None)), ends.count(("failed", "out_of_stock"))
        verdict.done["orders for 10 units"] += _BUYERS
        verdict.done["workers killed"] += crew.kills
        verdict.ends.update({"completed": bought, "failed": refused})
        if (bought, refused) != (_UNITS, _BUYERS - _UNITS):
            verdict.violations.append(f"{_BUYERS} wanted {_UNITS} units: {bought} got one, {refused} were refused")
        await judge.last_requests(Load(world=world))
        await judge.audit()


async def _one_key(house: House, target: TemporalTarget, client: Client, verdict: Verdict) -> None:
    """Have thirty place one order; every third wants another one under the key."""
    async with house.world(target, client) as world, open_crew(world, 2):
        key = uuid.uuid4().hex
        load = Load(world=world)

        async def race(number: int) -> str:
            try:
                placed = await load.until_answered(
                    lambda: world.place(idempotency_key=key, quantity=2 if number % 3 else 3)
                )
            except IdempotencyKeyReused:
                return "refused"
            return str(placed.order_id)

        answers = await asyncio.gather(*map(race, range(_RACERS)))
        verdict.done["racers with one key"] += _RACERS
        verdict.done["racers answered only later"] += load.retried
        orders = set(answers) - {"refused"}
        count = (await world.reads.counts())["orders"]
        if len(orders) != 1:
            verdict.violations.append(f"{_RACERS} racers with one key got {sorted(orders)}")
        judge = Judge(world, verdict)
        await judge.drain(sorted(orders))
        count = (await world.reads.counts())["orders"]
        verdict.ends["completed"] += count
        if count != 1:
            verdict.violations.append(f"{_RACERS} racers with one key placed {count} orders")
        await judge.last_requests(load)
        await judge.audit()


async def _changed(
    house: House, target: TemporalTarget, client: Client, verdict: Verdict, placement: Placement
) -> None:
    """Kill a worker when it has quoted; change price and stock before another one delivers the step again."""
    async with house.world(target, client) as world:
        before = await _price(world)
        victim = await world.worker("kill:inventory.quote:after-commit")
        placed = await world.place(placement, quantity=1)
        await asyncio.shield(victim.exited)
        change = SetStock(product_id=PRODUCT, on_hand=1, unit_price_minor=before + 1000)
        await world.services.inventory.set_stock(change)
        verdict.done["prices and stock changed between two deliveries"] += 1
        await world.worker()
        judge = Judge(world, verdict)
        await judge.drain([placed.order_id])
        record = await world.reads.get(placed.order_id)
        paid = None if record is None else record.amount_minor
        verdict.ends["completed"] += 1
        if paid != before:
            verdict.violations.append(f"{placed.order_id} was quoted {before} and paid {paid}")
        await judge.audit()


async def _price(world: World) -> int:
    levels = await world.services.inventory.levels()
    return next(level.unit_price_minor for level in levels if level.product_id == PRODUCT)
