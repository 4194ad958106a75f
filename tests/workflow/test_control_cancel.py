"""An order cancelled by its shop: a mark on the row decides, and holds whatever becomes of the run and its workers."""

import asyncio

import pytest
from temporalio.client import Client, WorkflowExecutionStatus

from flowforge.errors import Conflict, NotFound
from flowforge.orders.contracts import OrderOptions
from flowforge.orders.control_rows import ControlRows
from tests.workflow.shop import Gate, Shop, open_shop
from tests.workflow.table import FAIL_AT_LAST, STEP_ACTIVITIES, UNDO_ACTIVITIES


async def whole(shop: Shop, before: tuple[int, int, int]) -> None:
    assert await shop.stock() == before
    assert all(payment.status == "refunded" for payment in await shop.services.payments.payments())


@pytest.mark.parametrize(
    ("activity", "moment"),
    [(each, moment) for each in STEP_ACTIVITIES for moment in ("before", "after")][1:],  # before the first: no row yet
)
async def test_cancelled_during_a_step_no_later_step_takes_effect(shop: Shop, activity: str, moment: str) -> None:
    """Also between two local steps, of which Temporal's own cancellation knows nothing until their task ends."""
    before = await shop.stock()
    gate = Gate()
    getattr(shop.hooks, moment)[activity] = gate
    placed = await shop.place()
    await gate.reached.wait()
    accepted = await shop.control.cancel(placed.order_id, "changed my mind")
    gate.open()
    record = await shop.end(placed)
    assert (record.status, record.failure_code, record.failure_reason) == ("cancelled", "cancelled", "changed my mind")
    assert (accepted.workflow_id, accepted.reason) == (placed.workflow_id, "changed my mind")
    begun = list(STEP_ACTIVITIES)[: list(STEP_ACTIVITIES).index(activity) + 1]
    assert len(record.steps_completed) <= len(begun)
    await whole(shop, before)


@pytest.mark.parametrize("activity", STEP_ACTIVITIES)
async def test_only_the_mark_was_set_order_ends_cancelled_all_the_same(shop: Shop, activity: str) -> None:
    """Whoever marked the row was killed before it could tell Temporal."""
    before = await shop.stock()
    gate = Gate()
    shop.hooks.before[activity] = gate
    placed = await shop.place()
    await gate.reached.wait()
    marked = await ControlRows(shop.database).mark_cancelled(placed.workflow_id, "out of business")
    gate.open()
    record = await shop.end(placed)
    if marked is None:
        assert activity == next(iter(STEP_ACTIVITIES))
        assert record.status == "completed"
        return
    assert (record.status, record.failure_reason) == ("cancelled", "out of business")
    run = await shop.handle(placed).describe()
    assert run.status is WorkflowExecutionStatus.CANCELED
    await whole(shop, before)


async def test_only_the_mark_was_set_after_the_last_step_order_is_not_completed(shop: Shop) -> None:
    before = await shop.stock()
    gate = Gate()
    shop.hooks.before["orders.close"] = gate
    placed = await shop.place()
    await gate.reached.wait()
    await ControlRows(shop.database).mark_cancelled(placed.order_id, "too late, or is it")
    gate.open()
    record = await shop.end(placed)
    assert (record.status, record.failure_reason) == ("cancelled", "too late, or is it")
    await whole(shop, before)


async def test_cancelled_again_answers_the_same_before_and_after_the_end(shop: Shop) -> None:
    gate = Gate()
    shop.hooks.before["payments.charge"] = gate
    placed = await shop.place()
    await gate.reached.wait()
    first = await shop.control.cancel(placed.order_id, "first")
    assert await shop.control.cancel(placed.workflow_id, "second") == first
    gate.open()
    assert (await shop.end(placed)).failure_reason == "first"
    assert await shop.control.cancel(placed.order_id, "third") == first


async def test_cancelled_in_temporals_ui_then_again_here_answers_the_reason_given_there(shop: Shop) -> None:
    gate = Gate(at=2)
    shop.hooks.before["payments.charge"] = gate
    placed = await shop.place()
    await gate.reached.wait()
    await shop.handle(placed).cancel(reason="by hand")
    gate.open()
    record = await shop.end(placed)
    assert (record.status, record.failure_reason, record.cancel_requested_at) == ("cancelled", "by hand", None)
    assert (await shop.control.cancel(placed.order_id, "again")).reason == "by hand"


async def test_cancelled_when_completed_is_told_why_not(shop: Shop) -> None:
    placed = await shop.place()
    await shop.end(placed)
    with pytest.raises(Conflict, match="it is too late to cancel: the order is completed"):
        await shop.control.cancel(placed.order_id, "changed my mind")


@pytest.mark.parametrize("activity", UNDO_ACTIVITIES)
async def test_cancelled_while_a_failure_is_undone_is_told_why_not(shop: Shop, activity: str) -> None:
    gate = Gate()
    shop.hooks.before[activity] = gate
    placed = await shop.place(fail_at=FAIL_AT_LAST)
    await gate.reached.wait()
    with pytest.raises(Conflict, match=r"too late to cancel: the order is being unwound: .*FAIL_AT"):
        await shop.control.cancel(placed.order_id, "changed my mind")
    gate.open()
    record = await shop.end(placed)
    assert (record.status, record.cancel_requested_at) == ("failed", None)
    with pytest.raises(Conflict, match="too late to cancel: the order has failed: "):
        await shop.control.cancel(placed.order_id, "changed my mind")


async def test_step_fails_after_the_cancellation_order_ends_cancelled(shop: Shop) -> None:
    """The cancellation was accepted, so it is what the order ends for."""
    gate = Gate()
    shop.hooks.before["payments.charge"] = gate
    placed = await shop.place(fail_at="payment")
    await gate.reached.wait()
    await shop.control.cancel(placed.order_id, "changed my mind")
    gate.open()
    record = await shop.end(placed)
    assert (record.status, record.failure_reason) == ("cancelled", "changed my mind")


async def test_cancelled_before_its_first_step_order_exists_and_is_cancelled(
    client: Client, sqlite_url: str, options: OrderOptions
) -> None:
    async with open_shop(client, sqlite_url, options, at_work=False) as shop:
        before = await shop.stock()
        placed = await shop.place()
        accepted = await shop.control.cancel(placed.order_id, "changed my mind")
        assert (accepted.order_id, accepted.workflow_id) == (placed.order_id, placed.workflow_id)
        assert await shop.control.cancel(placed.workflow_id, "another reason") == accepted
        async with shop.worker:
            record = await shop.end(placed)
        assert (record.status, record.failure_reason) == ("cancelled", "changed my mind")
        assert (record.cancel_requested_at is not None, record.cancel_reason) == (True, "changed my mind")
        assert await shop.control.cancel(placed.order_id, "a third one") == accepted
        assert await shop.stock() == before


async def test_cancelled_in_its_first_step_what_is_answered_is_what_becomes_of_it(shop: Shop) -> None:
    """There is no row to mark yet, and local steps do not hear of a cancellation: it may be too late, but is said."""
    before = await shop.stock()
    gate = Gate()
    shop.hooks.before["inventory.quote"] = gate
    placed = await shop.place()
    await gate.reached.wait()
    cancelling = asyncio.create_task(shop.control.cancel(placed.order_id, "changed my mind"))
    await asyncio.wait([cancelling], timeout=0.5)
    gate.open()
    try:
        accepted = await cancelling
    except Conflict as error:
        assert "too late to cancel: the order is completed" in error.message  # noqa: PT017  either is right
        assert (await shop.end(placed)).status == "completed"
    else:
        assert accepted.order_id == placed.order_id
        assert (await shop.end(placed)).status == "cancelled"
        assert await shop.stock() == before


async def test_cancelled_order_that_does_not_exist_is_not_found(shop: Shop) -> None:
    for name in ("ord_never", "order-ord_never", "whatever"):
        with pytest.raises(NotFound):
            await shop.control.cancel(name, "changed my mind")
