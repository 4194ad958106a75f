"""The worker is killed again and again while orders come, fail and are cancelled: every one of them ends whole."""

import asyncio
import os
import random
from collections import Counter as Tally
from dataclasses import replace
from pathlib import Path
from typing import Final

from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from flowforge.orders.contracts import OrderOptions
from flowforge.orders.gateway import OrderGateway, PlacedOrder
from flowforge.services.inventory.contracts import SetStock
from tests.chaos.effects import EFFECTS, effects_of
from tests.chaos.nursery import Nursery
from tests.workflow.shop import Counter, open_counter

KILLS: Final = 8
ORDERS_A_KILL: Final = 8
FAILING: Final = 0.3
CANCELLED: Final = 0.2


async def place_and_perhaps_cancel(counter: Counter, chance: random.Random) -> PlacedOrder:
    """Place an order that may be one that fails, and cancel it perhaps, once or twice, while it runs."""
    fail_at = "warehouse" if chance.random() < FAILING else None
    cancels = chance.choice((1, 2)) if chance.random() < CANCELLED else 0
    pauses = [chance.uniform(0, 0.4) for _ in range(cancels)]
    await asyncio.sleep(chance.uniform(0, 0.3))
    placed = await counter.place(fail_at=fail_at, quantity=1)
    for pause in pauses:
        await asyncio.sleep(pause)
        try:
            await counter.handle(placed).cancel()
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:  # it has ended
                raise
    return placed


async def count_open(counter: Counter) -> int:
    """Return how many orders have a row and have not ended."""
    return len(await counter.reads.open_orders(limit=200))


async def test_worker_killed_at_random_under_load_every_order_ends_whole(
    client: Client, nursery: Nursery, tmp_path: Path
) -> None:
    seed = int(os.environ.get("CHAOS_SEED") or random.SystemRandom().randrange(1_000_000))
    print(f"CHAOS_SEED={seed}")
    chance = random.Random(seed)
    options = OrderOptions(forward_max_interval_s=0.5, undo_max_interval_s=0.5, attempt_timeout_s=3)
    async with open_counter(client, tmp_path, options) as counter:
        await counter.services.inventory.set_stock(SetStock(product_id="SKU-001", on_hand=10_000))
        through_queue = replace(options, placement="queue")
        gateway = OrderGateway(client, counter.reads, task_queue=counter.task_queue, options=through_queue)
        counters = [counter, replace(counter, gateway=gateway)]
        placing: list[asyncio.Task[PlacedOrder]] = []
        worker = await nursery.worker(counter)
        interrupted = 0
        for number in range(KILLS):
            await asyncio.sleep(chance.uniform(1.2, 2.0))
            for place in range(ORDERS_A_KILL):
                wish = place_and_perhaps_cancel(counters[place % 2], random.Random(f"{seed} {number} {place}"))
                placing.append(asyncio.create_task(wish))
            await asyncio.sleep(chance.uniform(0.1, 0.6))
            await worker.end()
            interrupted += await count_open(counter)
            worker = await nursery.worker(counter)
        ends: Tally[str] = Tally()
        for placed in await asyncio.gather(*placing):
            record = await counter.end(placed)
            ends[record.status] += 1
            effects = await effects_of(counter, placed.order_id)
            assert effects.agree_with_the_ledger(), effects
            is_applied = [effects.ledger.get(step) == "applied" for step in EFFECTS]
            assert is_applied == [record.status == "completed"] * len(EFFECTS), effects
        await worker.end()
    print(f"{KILLS} kills interrupted {interrupted} orders; {dict(ends)}")
    assert interrupted >= KILLS
    assert ends["completed"] >= 0.3 * ends.total()
