"""A worker that freezes before a transaction and wakes when everybody has gone on without it: it is refused."""

import asyncio
import signal
from pathlib import Path
from typing import Final

from temporalio.client import Client

from flowforge.durable.placement import Placement
from flowforge.orders.contracts import OrderOptions
from tests.chaos.effects import Effects, effects_of
from tests.chaos.nursery import Nursery
from tests.workflow.shop import open_counter

PLACEMENTS: Final[tuple[Placement, ...]] = ("auto", "queue")


async def outlived(
    client: Client, nursery: Nursery, folder: Path, options: OrderOptions, *, cancelled: bool
) -> tuple[str, Effects]:
    """Freeze a worker before it charges, have another one end the order, wake the first; return what is left."""
    async with open_counter(client, folder, options) as counter:
        before = await counter.stock()
        # With the charge in its only place for activities it takes no others with it into its sleep.
        zombie = await nursery.worker(counter, "stop:payments.charge:before", MAX_CONCURRENT_ACTIVITIES="1")
        placed = await counter.place()
        await zombie.stopped.wait()
        if cancelled:
            await counter.handle(placed).cancel()
        other = await nursery.worker(counter)
        record = await counter.end(placed)
        zombie.send(signal.SIGCONT)
        # To drain it waits for the end of the charge in which it was frozen.
        assert await zombie.end(signal.SIGTERM) == 0, zombie.log.read_text()
        assert await counter.end(placed) == record
        assert (await counter.stock() == before) is cancelled
        await other.end()
        return record.status, await effects_of(counter, placed.order_id)


async def test_zombie_charges_a_cancelled_order_is_fenced(client: Client, nursery: Nursery, tmp_path: Path) -> None:
    async def see(placement: Placement) -> None:
        # Through the queue, the charge is not delivered again before the cancellation is there.
        options = OrderOptions(placement=placement)
        status, effects = await outlived(client, nursery, tmp_path, options, cancelled=True)
        assert status == "cancelled"
        assert effects.ledger["payments.charge"] == "tombstone"
        assert effects.agree_with_the_ledger()

    await asyncio.gather(*map(see, PLACEMENTS))


async def test_zombie_charges_after_its_successor_did_the_order_is_charged_once(
    client: Client, nursery: Nursery, tmp_path: Path
) -> None:
    async def see(placement: Placement) -> None:
        options = OrderOptions(placement=placement, attempt_timeout_s=2)
        status, effects = await outlived(client, nursery, tmp_path, options, cancelled=False)
        assert status == "completed"
        assert effects.charges == ["charged"]
        assert effects.agree_with_the_ledger()

    await asyncio.gather(*map(see, PLACEMENTS))
