"""An order whose run is gone is made whole by a run of its own; one that has a run is left alone."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, text
from temporalio.client import (
    Client,
    DescribeWorkflowInput,
    Interceptor,
    OutboundInterceptor,
    WorkflowExecutionDescription,
)

from flowforge.orders.contracts import CloseOrder, Order, OrderOptions, OrderState
from flowforge.orders.journal import OrderJournal
from flowforge.orders.lost import find_lost
from flowforge.orders.workflow import OrderWorkflow
from tests.workflow.gone import assert_clean, reconciler, turn, unwinding, unwound
from tests.workflow.shop import SAMPLE, Gate, Shop, open_shop
from tests.workflow.table import FAIL_AT_LAST, STEP_ACTIVITIES, UNDO_ACTIVITIES
from tests.workflow.test_order_undo import stuck

MOMENTS = [(activity, moment) for activity in STEP_ACTIVITIES for moment in ("before", "after")][1:]
"""Before its first step has taken effect an order has no row."""


@pytest.mark.parametrize(("activity", "moment"), MOMENTS)
async def test_terminated_during_a_step_order_is_made_whole(
    client: Client, sqlite_url: str, options: OrderOptions, activity: str, moment: str
) -> None:
    """What the step in flight would still do, it does not do any more."""
    async with open_shop(client, sqlite_url, options, at_work=False) as shop:
        before = await shop.stock()
        async with shop.worker:
            gate = Gate()
            getattr(shop.hooks, moment)[activity] = gate
            placed = await shop.place()
            await gate.reached.wait()
            await shop.handle(placed).terminate("by hand")
            assert (await turn(reconciler(shop))).unwound == [placed.order_id]
            record = await unwound(shop, placed)
            gate.open()
        assert (record.status, record.workflow_id) == ("failed", placed.workflow_id)
        assert {undo.status for undo in record.compensations} <= {"completed", "not_needed"}
        assert await shop.stock() == before
        await assert_clean(shop)


async def test_terminated_before_the_first_step_took_effect_is_none_of_its_business(shop: Shop) -> None:
    gate = Gate()
    shop.hooks.before["inventory.quote"] = gate
    placed = await shop.place()
    await gate.reached.wait()
    await shop.handle(placed).terminate()
    assert (await turn(reconciler(shop))).looked_at == 0
    gate.open()


@pytest.mark.parametrize("activity", UNDO_ACTIVITIES)
async def test_terminated_during_an_undo_order_ends_for_its_first_reason(shop: Shop, activity: str) -> None:
    before = await shop.stock()
    gate = Gate()
    shop.hooks.before[activity] = gate
    placed = await shop.place(fail_at=FAIL_AT_LAST)
    await gate.reached.wait()
    await shop.handle(placed).terminate()
    assert (await turn(reconciler(shop))).unwound == [placed.order_id]
    record = await unwound(shop, placed, code="injected_fault")
    assert record.status == "failed"
    gate.open()
    assert await shop.stock() == before


async def test_terminated_while_it_was_being_cancelled_order_ends_cancelled_and_so_does_its_run(shop: Shop) -> None:
    before = await shop.stock()
    at_shipping, at_undo = Gate(at=2), Gate()
    shop.hooks.after["warehouse.apply"] = at_shipping
    shop.hooks.before["payments.refund_by_key"] = at_undo
    placed = await shop.place()
    await at_shipping.reached.wait()
    await shop.handle(placed).cancel()
    at_shipping.open()
    await at_undo.reached.wait()
    await shop.handle(placed).terminate()
    assert (await turn(reconciler(shop))).unwound == [placed.order_id]
    record = await unwound(shop, placed, code="cancelled")
    assert record.status == "cancelled"
    at_undo.open()
    assert await shop.stock() == before


async def test_terminated_while_an_operator_is_needed_the_undo_gets_another_chance(shop: Shop) -> None:
    before = await shop.stock()
    placed = await stuck(shop, "inventory.release")
    await shop.handle(placed).terminate()
    assert (await turn(reconciler(shop))).unwound == [placed.order_id]
    record = await unwound(shop, placed, code="injected_fault")
    assert record.status == "failed"
    assert await shop.stock() == before


async def test_terminated_while_it_is_held_order_is_made_whole(shop: Shop) -> None:
    before = await shop.stock()
    gate, ours = Gate(at=2), reconciler(shop)
    shop.hooks.after["payments.charge"] = gate
    placed = await shop.place()
    await gate.reached.wait()
    await shop.control.pause(placed.order_id)
    gate.open()
    await shop.hooks.closes["paused"].wait()
    assert (await turn(ours)).has_done_something is False
    await shop.handle(placed).terminate()
    assert (await turn(ours)).unwound == [placed.order_id]
    assert (await unwound(shop, placed)).status == "failed"
    assert await shop.stock() == before


async def test_terminated_when_it_was_to_be_cancelled_order_ends_cancelled(shop: Shop) -> None:
    gate = Gate(at=2)
    shop.hooks.before["payments.charge"] = gate
    placed = await shop.place()
    await gate.reached.wait()
    await shop.handle(placed).terminate()
    await shop.control.cancel(placed.order_id, "changed my mind")
    assert (await turn(reconciler(shop))).unwound == [placed.order_id]
    record = await unwound(shop, placed, code="cancelled")
    assert (record.status, record.failure_reason) == ("cancelled", "changed my mind")
    gate.open()


async def test_abandoned_order_is_tried_again_and_completes(shop: Shop) -> None:
    gate = Gate()
    shop.hooks.after["payments.charge"] = gate
    placed = await shop.place()
    await gate.reached.wait()
    await shop.handle(placed).terminate()
    await turn(reconciler(shop))
    await unwound(shop, placed)
    gate.open()
    again = await shop.control.retry(placed.order_id, "req_again")
    assert (await shop.end(again)).status == "completed"


async def test_unwinding_run_is_terminated_another_one_is_started(shop: Shop) -> None:
    gate, ours = Gate(), reconciler(shop)
    shop.hooks.after["payments.charge"] = gate
    placed = await shop.place()
    await gate.reached.wait()
    await shop.handle(placed).terminate()
    at_undo = Gate()
    shop.hooks.before["payments.refund_by_key"] = at_undo
    assert (await turn(ours)).unwound == [placed.order_id]
    await at_undo.reached.wait()
    assert (await turn(ours)).unwound == []  # it has a run
    assert (await find_lost(shop.client, shop.reads)).orders == []
    await unwinding(shop, placed).terminate()
    assert [row.order_id for row in (await find_lost(shop.client, shop.reads)).orders] == [placed.order_id]
    assert (await turn(ours)).unwound == [placed.order_id]
    await unwound(shop, placed)
    at_undo.open()
    gate.open()


async def test_deadline_has_long_passed_order_is_abandoned_all_the_same(
    client: Client, sqlite_url: str, options: OrderOptions
) -> None:
    async with open_shop(client, sqlite_url, options) as shop:
        gate = Gate()
        shop.hooks.after["inventory.reserve"] = gate
        placed = await shop.place()
        await gate.reached.wait()
        await shop.handle(placed).terminate()
        await shop.database.write(_say, "update orders set input = replace(input, '900.0', '0.001')")
        assert (await turn(reconciler(shop))).unwound == [placed.order_id]
        await unwound(shop, placed)
        gate.open()


@pytest.mark.parametrize("situation", ["waits for a step", "waits for its next attempt", "waits for an operator"])
async def test_order_with_a_run_is_never_touched(shop: Shop, situation: str) -> None:
    gate = Gate(at=1 if situation == "waits for a step" else 4)
    if situation == "waits for an operator":
        placed = await stuck(shop, "inventory.release")
    else:
        shop.hooks.before["payments.charge"] = gate
        placed = await shop.place()
        await gate.reached.wait()
    taken = await turn(reconciler(shop))
    assert (taken.looked_at, taken.has_done_something, taken.failed) == (1, False, [])
    if situation == "waits for an operator":
        await shop.handle(placed).execute_update(OrderWorkflow.retry_compensation, "release_inventory")
    gate.open()
    record = await shop.end(placed)
    assert record.status == ("failed" if situation == "waits for an operator" else "completed")


async def test_order_that_waits_for_a_worker_is_never_touched(
    client: Client, sqlite_url: str, options: OrderOptions
) -> None:
    """Its worker died when it had just begun to unwind it."""
    async with open_shop(client, sqlite_url, options, at_work=False) as shop:
        placed = await shop.place()
        names: Any = {"order_id": placed.order_id, "workflow_id": placed.workflow_id}
        order = Order(**SAMPLE, **names, accepted_at=datetime.now(UTC).isoformat(), options=options)
        state = OrderState(**names, failure_code="internal", failure_reason="update_warehouse failed: boom")
        await OrderJournal(shop.database).close(CloseOrder(order=order, to="compensating", state=state))
        taken = await turn(reconciler(shop))
        assert (taken.looked_at, taken.has_done_something) == (1, False)
        async with shop.worker:
            await shop.end(placed)


async def test_order_that_moved_a_moment_ago_is_not_looked_at(shop: Shop) -> None:
    gate = Gate()
    shop.hooks.before["payments.charge"] = gate
    placed = await shop.place()
    await gate.reached.wait()
    await shop.handle(placed).terminate()
    assert (await turn(reconciler(shop, still_after=timedelta(seconds=20)))).looked_at == 0
    gate.open()


class _Before(Interceptor):
    """Runs code of the test's before Temporal is asked for a run."""

    def __init__(self, hook: Any) -> None:
        self.hook = hook

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:  # noqa: A002
        hook = self.hook

        class Asking(OutboundInterceptor):
            async def describe_workflow(self, input: DescribeWorkflowInput) -> WorkflowExecutionDescription:  # noqa: A002
                await hook()
                return await super().describe_workflow(input)

        return Asking(next)


async def test_order_ends_between_its_row_and_its_run_being_looked_at_nothing_is_started(shop: Shop) -> None:
    gate = Gate()
    shop.hooks.before["payments.charge"] = gate
    placed = await shop.place()
    await gate.reached.wait()

    async def let_it_end() -> None:
        gate.open()
        await shop.handle(placed).result()

    config = shop.client.config()
    config["interceptors"] = [_Before(let_it_end)]
    taken = await turn(reconciler(shop, client=Client(**config)))
    assert (taken.looked_at, taken.unwound) == (1, [])
    assert (await shop.end(placed)).status == "completed"


async def test_order_to_be_cancelled_whose_run_was_not_told_is_cancelled(shop: Shop) -> None:
    before = await shop.stock()
    gate, ours = Gate(at=2), reconciler(shop)
    shop.hooks.after["payments.charge"] = gate
    placed = await shop.place()
    await gate.reached.wait()
    await shop.database.write(_say, "update orders set cancel_requested_at = updated_at, cancel_reason = 'by test'")
    assert (await turn(ours)).cancelled == [placed.order_id]
    assert (await turn(ours)).cancelled == []
    gate.open()
    record = await shop.end(placed)
    assert (record.status, record.failure_reason) == ("cancelled", "by test")
    assert await shop.stock() == before


async def test_completed_before_the_unwinding_began_order_stays_completed(shop: Shop) -> None:
    """The close of a run that was terminated comes after all; the first close wins."""
    gate = Gate()
    shop.hooks.before["orders.close"] = gate
    placed = await shop.place()
    await gate.reached.wait()
    await shop.handle(placed).terminate()
    at_unwinding = Gate(at=2)
    shop.hooks.before["orders.close"] = lambda count: gate(count) if count == 1 else at_unwinding(count)
    assert (await turn(reconciler(shop))).unwound == [placed.order_id]
    await at_unwinding.reached.wait()
    gate.open()
    await shop.hooks.closes["completed"].wait()
    at_unwinding.open()
    await unwinding(shop, placed).result()
    record = await shop.reads.get(placed.order_id)
    assert record is not None
    assert record.status == "completed"
    await assert_clean(shop)


def _say(connection: Connection, statement: str) -> None:
    connection.execute(text(statement))
