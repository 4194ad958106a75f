"""An order cancelled at any moment, once or twice, ends completed or whole: never half, never running on."""

import pytest
from temporalio.api.enums.v1 import EventType, WorkflowTaskFailedCause
from temporalio.client import Client

from flowforge.durable.placement import Placement
from flowforge.orders.contracts import OrderOptions
from tests.workflow.shop import Gate, Shop, open_shop
from tests.workflow.table import FAIL_AT_LAST, STEP_ACTIVITIES, UNDO_ACTIVITIES


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("activity", STEP_ACTIVITIES)
async def test_cancelled_during_a_step_order_is_made_whole(
    shop: Shop, placement: Placement, activity: str, moment: str, times: int
) -> None:
    before = await shop.stock()
    gate = Gate()
    getattr(shop.hooks, moment)[activity] = gate
    placed = await shop.place()
    await gate.reached.wait()
    for _ in range(times):
        await shop.handle(placed).cancel()
    gate.open()
    record = await shop.end(placed)
    if placement == "auto" and record.status == "completed":
        return  # it reached the run when its local steps, all of one task, were done: too late, and nothing is undone
    assert (record.status, record.failure_code) == ("cancelled", "cancelled")
    assert await shop.stock() == before
    assert all(payment.status == "refunded" for payment in await shop.services.payments.payments())


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("activity", UNDO_ACTIVITIES)
async def test_cancelled_during_an_undo_of_a_failed_order_ends_failed_and_whole(
    shop: Shop, activity: str, times: int
) -> None:
    before = await shop.stock()
    gate = Gate()
    shop.hooks.before[activity] = gate
    placed = await shop.place(fail_at=FAIL_AT_LAST)
    await gate.reached.wait()
    for _ in range(times):
        await shop.handle(placed).cancel()
    gate.open()
    record = await shop.end(placed)
    assert (record.status, record.failure_code) == ("failed", "injected_fault")
    assert [undo.status for undo in record.compensations] == ["completed"] * len(UNDO_ACTIVITIES)
    assert await shop.stock() == before


@pytest.mark.parametrize("activity", UNDO_ACTIVITIES)
async def test_cancelled_again_during_an_undo_stays_cancelled_and_whole(shop: Shop, activity: str) -> None:
    before = await shop.stock()
    at_shipping, at_undo = Gate(at=2), Gate()
    shop.hooks.after["warehouse.apply"] = at_shipping
    shop.hooks.before[activity] = at_undo
    placed = await shop.place()
    await at_shipping.reached.wait()
    await shop.handle(placed).cancel()
    at_shipping.open()
    await at_undo.reached.wait()
    await shop.handle(placed).cancel()
    at_undo.open()
    record = await shop.end(placed)
    assert record.status == "cancelled"
    assert await shop.stock() == before


@pytest.mark.parametrize("times", [1, 2])
async def test_cancelled_before_the_first_task_exists_as_a_cancelled_order(
    client: Client, sqlite_url: str, options: OrderOptions, times: int
) -> None:
    """Its row is written by the close, since no step got that far."""
    async with open_shop(client, sqlite_url, options, at_work=False) as shop:
        before = await shop.stock()
        placed = await shop.place()
        accepted = await shop.gateway.get(placed.order_id)
        assert (accepted.status, accepted.workflow_id) == ("running", placed.workflow_id)
        for _ in range(times):
            await shop.handle(placed).cancel()
        async with shop.worker:
            record = await shop.end(placed)
        assert record.status == "cancelled"
        assert record.customer_id == "cust_1"
        assert await shop.stock() == before


async def test_cancelled_when_everything_was_done_stays_completed(shop: Shop) -> None:
    """The first close wins: a run that finds its order closed as completed ends completed, whatever came since."""
    gate = Gate()
    shop.hooks.after["orders.close"] = gate
    placed = await shop.place()
    await gate.reached.wait()
    await shop.handle(placed).cancel()
    gate.open()
    record = await shop.end(placed)
    assert record.status == "completed"


@pytest.mark.parametrize("times", [1, 2])
async def test_cancelled_while_local_steps_run_the_server_rejects_their_task_and_the_order_is_whole(
    shop: Shop, placement: Placement, times: int
) -> None:
    """All local steps share one workflow task; the cancellation discards it with everything that it had noted."""
    gate = Gate()
    shop.hooks.after["orders.close"] = gate
    placed = await shop.place()
    await gate.reached.wait()
    for _ in range(times):
        await shop.handle(placed).cancel()
    gate.open()
    record = await shop.end(placed)
    history = await shop.handle(placed).fetch_history()
    rejected = [
        event
        for event in history.events
        if event.event_type == EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED
        and event.workflow_task_failed_event_attributes.cause
        == WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND
    ]
    assert bool(rejected) is (placement == "auto")
    assert record.status == "completed"
