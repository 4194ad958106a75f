"""An order cancelled while it waits for a timer: for the next attempt of a step or of an undo."""

import asyncio
from datetime import timedelta

import pytest
from temporalio import activity
from temporalio.exceptions import ApplicationError

from flowforge.orders.gateway import PlacedOrder
from tests.workflow.shop import Hook, Shop
from tests.workflow.table import FAIL_AT_LAST, STEP_ACTIVITIES, UNDO_ACTIVITIES


def failing_once(pause: timedelta) -> Hook:
    """Return a hook after whose first run through the queue there is a pause of this length."""

    async def hook(_count: int) -> None:
        info = activity.info()
        if info.is_local or info.attempt == 1:
            raise ApplicationError("the network is down", next_retry_delay=pause)

    return hook


async def waiting(shop: Shop, placed: PlacedOrder, name: str) -> None:
    """Wait until an order waits for the next attempt of an activity."""
    while True:
        run = await shop.handle(placed).describe()
        pending = run.raw_description.pending_activities
        if any(each.attempt == 2 and each.activity_type.name == name for each in pending):
            return
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("step", STEP_ACTIVITIES)
async def test_cancelled_while_a_step_waits_to_be_tried_again_order_is_made_whole_at_once(
    shop: Shop, step: str, times: int
) -> None:
    before = await shop.stock()
    shop.hooks.before[step] = failing_once(timedelta(hours=1))
    placed = await shop.place()
    await waiting(shop, placed, step)
    for _ in range(times):
        await shop.handle(placed).cancel()
    assert (await shop.end(placed)).status == "cancelled"
    assert await shop.stock() == before


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("undo", UNDO_ACTIVITIES)
async def test_cancelled_while_an_undo_waits_to_be_tried_again_it_is_tried_again(
    shop: Shop, undo: str, times: int
) -> None:
    before = await shop.stock()
    shop.hooks.before[undo] = failing_once(timedelta(seconds=1))
    placed = await shop.place(fail_at=FAIL_AT_LAST)
    await waiting(shop, placed, undo)
    for _ in range(times):
        await shop.handle(placed).cancel()
    record = await shop.end(placed)
    assert (record.status, record.failure_code) == ("failed", "injected_fault")
    assert {each.status for each in record.compensations} == {"completed"}
    assert await shop.stock() == before
