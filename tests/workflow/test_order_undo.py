"""Undos that fail once, for long, and for good: nobody else's undo waits for them, and nothing is forgotten."""

import pytest
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from flowforge.orders.contracts import WriteOff
from flowforge.orders.gateway import PlacedOrder
from flowforge.orders.workflow import OrderWorkflow
from tests.workflow.shop import Shop
from tests.workflow.table import FAIL_AT_LAST, UNDO_ACTIVITIES


@pytest.mark.parametrize("failures", [1, 12])
@pytest.mark.parametrize("activity", UNDO_ACTIVITIES)
async def test_undo_fails_for_a_while_order_is_made_whole(shop: Shop, activity: str, failures: int) -> None:
    async def fail_for_a_while(count: int) -> None:
        if count <= failures:
            raise ConnectionError("the network is down")

    before = await shop.stock()
    shop.hooks.before[activity] = fail_for_a_while
    record = await shop.end(await shop.place(fail_at=FAIL_AT_LAST))
    assert record.status == "failed"
    [undo] = [undo for undo in record.compensations if undo.name == UNDO_ACTIVITIES[activity]]
    assert (undo.status, undo.attempts) == ("completed", failures + 1)
    assert await shop.stock() == before


async def test_undo_that_keeps_failing_does_not_keep_the_next_ones_waiting(shop: Shop) -> None:
    async def fail_until_the_last_undo_has_run(_count: int) -> None:
        if "inventory.release" not in shop.hooks.runs:
            raise ConnectionError("the network is down")

    before = await shop.stock()
    shop.hooks.before["payments.refund_by_key"] = fail_until_the_last_undo_has_run
    record = await shop.end(await shop.place(fail_at=FAIL_AT_LAST))
    assert record.status == "failed"
    assert [undo.status for undo in record.compensations] == ["completed"] * len(UNDO_ACTIVITIES)
    assert await shop.stock() == before


async def stuck(shop: Shop, activity: str) -> PlacedOrder:
    """Place an order that fails, one of whose undos fails for good the first time; wait until an operator is needed."""

    async def fail_once_for_good(count: int) -> None:
        if count == 1:
            raise ApplicationError("the account was closed", type="account_closed", non_retryable=True)

    shop.hooks.before[activity] = fail_once_for_good
    placed = await shop.place(fail_at=FAIL_AT_LAST)
    await shop.hooks.closes["needs_attention"].wait()
    return placed


@pytest.mark.parametrize("activity", UNDO_ACTIVITIES)
async def test_undo_fails_for_good_all_others_are_done_and_the_order_waits(shop: Shop, activity: str) -> None:
    placed = await stuck(shop, activity)
    record = await shop.gateway.get(placed.order_id)
    assert record.status == "needs_attention"
    for undo in record.compensations:
        if undo.name == UNDO_ACTIVITIES[activity]:
            assert (undo.status, undo.error) == ("failed", "the account was closed")
        else:
            assert undo.status == "completed"
    await shop.handle(placed).execute_update(OrderWorkflow.retry_compensation, UNDO_ACTIVITIES[activity])
    await shop.end(placed)


@pytest.mark.parametrize("activity", UNDO_ACTIVITIES)
async def test_operator_retries_the_stuck_undo_order_ends_failed_and_whole(shop: Shop, activity: str) -> None:
    before = await shop.stock()
    placed = await stuck(shop, activity)
    await shop.handle(placed).execute_update(OrderWorkflow.retry_compensation, UNDO_ACTIVITIES[activity])
    record = await shop.end(placed)
    assert (record.status, record.failure_code) == ("failed", "injected_fault")
    assert [undo.status for undo in record.compensations] == ["completed"] * len(UNDO_ACTIVITIES)
    assert await shop.stock() == before


async def test_operator_writes_the_stuck_undo_off_order_ends(shop: Shop) -> None:
    placed = await stuck(shop, "payments.refund_by_key")
    decision = WriteOff(name="refund_payment_by_idempotency_key", by="ann", reason="paid back by hand")
    await shop.handle(placed).execute_update(OrderWorkflow.write_off_compensation, decision)
    record = await shop.end(placed, violations=[])
    assert record.status == "failed"
    written_off = [undo.written_off for undo in record.compensations if undo.written_off]
    assert written_off == ["ann: paid back by hand"]


async def test_operator_decides_on_an_undo_that_is_not_stuck_is_told_so(shop: Shop) -> None:
    placed = await stuck(shop, "warehouse.revert")
    with pytest.raises(WorkflowUpdateFailedError) as caught:
        await shop.handle(placed).execute_update(OrderWorkflow.retry_compensation, "release_inventory")
    assert "no undo 'release_inventory' waits for an operator" in str(caught.value.cause)
    await shop.handle(placed).execute_update(OrderWorkflow.retry_compensation, "revert_warehouse")
    await shop.end(placed)


async def test_cancelled_while_an_operator_is_needed_stays_open_until_decided(shop: Shop) -> None:
    placed = await stuck(shop, "inventory.release")
    await shop.handle(placed).cancel()
    state = await shop.handle(placed).query(OrderWorkflow.state)
    assert state.status == "needs_attention"
    await shop.handle(placed).execute_update(OrderWorkflow.retry_compensation, "release_inventory")
    record = await shop.end(placed)
    assert record.status == "failed"
