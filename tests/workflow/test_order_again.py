"""A run's second life: its task is repeated, or its history replayed, and it must come to the same end."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from temporalio.client import Client, WorkflowUpdateFailedError

from flowforge.orders.contracts import CloseOrder, Order, OrderOptions, OrderState
from flowforge.orders.journal import OrderJournal
from tests.workflow.shop import SAMPLE, Gate, Shop, open_shop
from tests.workflow.test_order_undo import stuck


@pytest.mark.parametrize("activity", ["inventory.reserve", "payments.refund_by_key", "orders.close"])
async def test_local_attempt_times_out_the_history_replays(
    client: Client, sqlite_url: str, options: OrderOptions, activity: str
) -> None:
    """A local timeout reaches the workflow in one wrapping, and its replay in another."""
    impatient = replace(options, local_timeout_s=0.5, attempt_timeout_s=1.0)
    async with open_shop(client, sqlite_url, impatient) as shop:
        shop.hooks.before[activity] = Gate()
        record = await shop.end(await shop.place(fail_at="warehouse"))
        assert (record.status, record.failure_code) == ("failed", "injected_fault")
        assert shop.hooks.runs.count(activity) > 1


async def test_earlier_run_of_the_task_took_the_order_from_running_it_is_not_completed(
    client: Client, sqlite_url: str, options: OrderOptions
) -> None:
    """A step failed for good, the order was taken from running, its worker died; now the step would succeed."""
    async with open_shop(client, sqlite_url, options, at_work=False) as shop:
        before = await shop.stock()
        placed = await shop.place()
        names: Any = {"order_id": placed.order_id, "workflow_id": placed.workflow_id}
        order = Order(**SAMPLE, **names, accepted_at=datetime.now(UTC).isoformat(), options=options)
        state = OrderState(**names, failure_code="internal", failure_reason="update_warehouse failed: boom")
        await OrderJournal(shop.database).close(CloseOrder(order=order, to="compensating", state=state))
        async with shop.worker:
            record = await shop.end(placed)
        assert (record.status, record.failure_reason) == ("failed", "update_warehouse failed: boom")
        assert await shop.stock() == before


async def test_stranger_signals_while_local_steps_run_their_task_is_repeated_to_the_same_end(shop: Shop) -> None:
    gate = Gate()
    shop.hooks.after["orders.close"] = gate
    placed = await shop.place()
    await gate.reached.wait()
    await shop.handle(placed).signal("whatever", 1)
    gate.open()
    assert (await shop.end(placed)).status == "completed"


@pytest.mark.parametrize(
    ("update", "arguments"),
    [
        ("retry_compensation", []),
        ("retry_compensation", [None]),
        ("retry_compensation", [3]),
        ("retry_compensation", ["release_inventory", "and more"]),
        ("write_off_compensation", []),
        ("write_off_compensation", ["release_inventory"]),
        ("write_off_compensation", [{"name": "release_inventory"}]),
        ("no_such_update", [1]),
    ],
)
async def test_malformed_decision_is_refused_and_the_order_goes_on(
    shop: Shop, update: str, arguments: list[Any]
) -> None:
    placed = await stuck(shop, "inventory.release")
    handle = shop.client.get_workflow_handle(placed.workflow_id)
    with pytest.raises(WorkflowUpdateFailedError):
        await handle.execute_update(update, args=arguments)
    await handle.execute_update("retry_compensation", "release_inventory")
    assert (await shop.end(placed)).status == "failed"
