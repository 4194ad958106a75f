"""Undos that can never succeed: an operator has them tried again, or gives them up, and that is counted."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import Connection, select
from temporalio.exceptions import ApplicationError

from flowforge.errors import Conflict, NotFound
from flowforge.orders.audit import audit
from flowforge.orders.gateway import PlacedOrder
from flowforge.persistence.tables.control import WRITE_OFFS
from tests.workflow.gone import reconciler, turn, unwound
from tests.workflow.shop import Gate, Shop
from tests.workflow.table import FAIL_AT_LAST, UNDO_ACTIVITIES
from tests.workflow.test_order_undo import stuck


async def stuck_for_good(shop: Shop, *activities: str) -> PlacedOrder:
    """Place an order that fails, some of whose undos never succeed; wait until an operator is needed."""

    async def fail_for_good(_count: int) -> None:
        raise ApplicationError("the account was closed", type="account_closed", non_retryable=True)

    for activity in activities:
        shop.hooks.before[activity] = fail_for_good
    placed = await shop.place(fail_at=FAIL_AT_LAST)
    await shop.hooks.closes["needs_attention"].wait()
    return placed


async def written_off(shop: Shop) -> list[tuple[Any, ...]]:
    def read(connection: Connection) -> list[tuple[Any, ...]]:
        columns = (WRITE_OFFS.c.order_id, WRITE_OFFS.c.name, WRITE_OFFS.c.decided_by, WRITE_OFFS.c.reason)
        return [tuple(row) for row in connection.execute(select(*columns).order_by(WRITE_OFFS.c.name))]

    return await shop.database.read(read)


@pytest.mark.parametrize("activity", UNDO_ACTIVITIES)
async def test_stuck_undo_is_tried_again_order_ends_whole(shop: Shop, activity: str) -> None:
    before = await shop.stock()
    placed = await stuck(shop, activity)
    accepted = await shop.control.retry_compensation(placed.order_id, UNDO_ACTIVITIES[activity])
    assert accepted.workflow_id == placed.workflow_id
    record = await shop.end(placed)
    assert {undo.status for undo in record.compensations} == {"completed"}
    assert await shop.stock() == before


@pytest.mark.parametrize("activity", UNDO_ACTIVITIES)
async def test_stuck_undo_is_written_off_order_ends_and_the_audit_counts_it(shop: Shop, activity: str) -> None:
    placed = await stuck_for_good(shop, activity)
    name = UNDO_ACTIVITIES[activity]
    await shop.control.write_off(placed.order_id, name, "ann", "paid by hand")
    record = await shop.end(placed)
    assert (record.status, record.failure_code) == ("failed", "injected_fault")
    [undo] = [undo for undo in record.compensations if undo.written_off is not None]
    assert (undo.name, undo.status, undo.written_off) == (name, "failed", "ann: paid by hand")
    assert [event.message for event in record.events if event.status == "written_off"] == [
        f"{name} written off by ann: paid by hand"
    ]
    assert await written_off(shop) == [(placed.order_id, name, "ann", "paid by hand")]
    findings = {finding.check.name: finding for finding in await shop.database.read(audit)}
    assert findings["undos that an operator gave up, by order"].examples == (f"{placed.order_id} {name}",)


async def test_every_undo_is_written_off_everything_is_counted_as_lost(shop: Shop) -> None:
    placed = await stuck_for_good(shop, *UNDO_ACTIVITIES)
    for name in UNDO_ACTIVITIES.values():
        await shop.control.write_off(placed.workflow_id, name, "ann", "the house burnt down")
    record = await shop.end(placed)
    assert all(undo.written_off == "ann: the house burnt down" for undo in record.compensations)
    assert len(await written_off(shop)) == len(UNDO_ACTIVITIES)
    [payment] = await shop.services.payments.payments()
    assert (payment.refunded_minor, payment.written_off_minor) == (0, payment.captured_minor)


async def test_same_decision_twice_is_taken_once(shop: Shop) -> None:
    gate = Gate(at=2)
    shop.hooks.before["payments.write_off_refund"] = gate
    placed = await stuck_for_good(shop, "payments.refund_by_key")
    name = UNDO_ACTIVITIES["payments.refund_by_key"]
    first = await shop.control.write_off(placed.order_id, name, "ann", "paid by hand")
    await gate.reached.wait()
    assert await shop.control.write_off(placed.order_id, name, "bob", "no, by me") == first
    gate.open()
    await shop.end(placed)
    assert await written_off(shop) == [(placed.order_id, name, "ann", "paid by hand")]
    with pytest.raises(Conflict, match="the order waits for no operator: the order has failed"):
        await shop.control.write_off(placed.order_id, name, "ann", "paid by hand")


@pytest.mark.parametrize("then", ["retry", "write_off"])
async def test_write_off_cannot_be_recorded_the_operator_is_asked_again(shop: Shop, then: str) -> None:
    async def refuse_once(count: int) -> None:
        if count == 1:
            raise ApplicationError("the books are closed", type="closed", non_retryable=True)

    shop.hooks.before["inventory.write_off_release"] = refuse_once
    placed = await stuck(shop, "inventory.release")
    shop.hooks.closes["needs_attention"].clear()
    await shop.control.write_off(placed.order_id, "release_inventory", "ann", "lost")
    await shop.hooks.closes["needs_attention"].wait()
    if then == "retry":
        await shop.control.retry_compensation(placed.order_id, "release_inventory")
    else:
        await shop.control.write_off(placed.order_id, "release_inventory", "ann", "lost")
    record = await shop.end(placed)
    assert ({undo.status for undo in record.compensations} == {"completed"}) is (then == "retry")
    assert len(await written_off(shop)) == (then == "write_off")


async def test_order_whose_run_is_gone_has_its_stuck_undo_decided_in_the_run_that_unwinds_it(shop: Shop) -> None:
    before = await shop.stock()

    async def fail_once_for_good(count: int) -> None:
        if count == 1:
            raise ApplicationError("the account was closed", type="account_closed", non_retryable=True)

    gate = Gate(at=2)
    shop.hooks.before["warehouse.apply"] = gate
    shop.hooks.before["payments.refund_by_key"] = fail_once_for_good
    placed = await shop.place()
    await gate.reached.wait()
    await shop.handle(placed).terminate()
    gate.open()
    await turn(reconciler(shop))
    await shop.hooks.closes["needs_attention"].wait()
    await shop.control.retry_compensation(placed.order_id, UNDO_ACTIVITIES["payments.refund_by_key"])
    record = await unwound(shop, placed)
    assert (record.status, record.workflow_id) == ("failed", placed.workflow_id)
    assert await shop.stock() == before
    again = await shop.control.retry(placed.order_id, "req_again")
    assert (await shop.end(again)).retry_of == placed.order_id


async def test_decision_on_an_order_or_undo_that_needs_none_is_told_why_not(shop: Shop) -> None:
    gate = Gate()
    shop.hooks.before["payments.charge"] = gate
    placed = await shop.place()
    await gate.reached.wait()
    with pytest.raises(Conflict, match="the order waits for no operator: the order is running"):
        await shop.control.retry_compensation(placed.order_id, "release_inventory")
    gate.open()
    await shop.end(placed)
    with pytest.raises(NotFound):
        await shop.control.write_off("ord_never", "release_inventory", "ann", "lost")
    needy = await stuck(shop, "inventory.release")
    with pytest.raises(NotFound, match="no undo 'release'"):
        await shop.control.retry_compensation(needy.order_id, "release")
    with pytest.raises(Conflict, match="no undo 'revert_warehouse' waits for an operator"):
        await shop.control.retry_compensation(needy.order_id, "revert_warehouse")
    await shop.control.retry_compensation(needy.order_id, "release_inventory")
    await shop.end(needy)


async def test_run_is_terminated_when_it_was_decided_the_unwinding_run_is_decided_on_anew(shop: Shop) -> None:
    """The same decision has the same id, and the run that is gone would still answer that it took note."""
    retried, give_in = asyncio.Event(), asyncio.Event()

    async def fail_for_good(count: int) -> None:
        if count == 2:
            retried.set()
            await give_in.wait()
        if count <= 3:
            raise ApplicationError("the account was closed", type="account_closed", non_retryable=True)

    shop.hooks.before["inventory.release"] = fail_for_good
    placed = await shop.place(fail_at=FAIL_AT_LAST)
    await shop.hooks.closes["needs_attention"].wait()
    await shop.control.retry_compensation(placed.order_id, "release_inventory")
    await retried.wait()
    await shop.handle(placed).terminate()
    shop.hooks.closes["needs_attention"].clear()
    assert (await turn(reconciler(shop))).unwound == [placed.order_id]
    await shop.hooks.closes["needs_attention"].wait()
    await shop.control.retry_compensation(placed.order_id, "release_inventory")
    assert (await unwound(shop, placed, code="injected_fault")).status == "failed"
    give_in.set()


async def test_run_is_terminated_after_a_write_off_the_unwinding_run_asks_nobody_again(shop: Shop) -> None:
    placed = await stuck_for_good(shop, "inventory.release", "payments.refund_by_key")
    shop.hooks.closes["needs_attention"].clear()
    await shop.control.write_off(placed.order_id, "release_inventory", "ann", "lost")
    await shop.hooks.closes["needs_attention"].wait()
    on_hand, _, _ = await shop.stock()
    await shop.handle(placed).terminate()
    shop.hooks.before.clear()
    assert (await turn(reconciler(shop))).unwound == [placed.order_id]
    record = await asyncio.wait_for(unwound(shop, placed, code="injected_fault"), 20)
    assert record.status == "failed"
    undos = {undo.name: (undo.status, undo.written_off) for undo in record.compensations}
    assert undos == {
        **dict.fromkeys(UNDO_ACTIVITIES.values(), ("completed", None)),
        "release_inventory": ("failed", "ann: lost"),
    }
    assert await written_off(shop) == [(placed.order_id, "release_inventory", "ann", "lost")]
    assert (await shop.stock())[0] == on_hand


async def test_order_whose_run_is_gone_is_read_as_the_run_has_it_that_unwinds_it(shop: Shop) -> None:
    """The one that is gone would answer, too, with what it knew."""
    placed = await stuck_for_good(shop, "inventory.release", "payments.refund_by_key")
    needs_attention = shop.hooks.closes["needs_attention"]
    needs_attention.clear()
    await shop.handle(placed).terminate()
    del shop.hooks.before["payments.refund_by_key"]
    assert await shop.gateway.get(placed.order_id) == await shop.reads.get(placed.order_id)
    assert (await turn(reconciler(shop))).unwound == [placed.order_id]
    await needs_attention.wait()
    shown, row = await shop.gateway.get(placed.order_id), await shop.reads.get(placed.order_id)
    assert row is not None
    assert (shown.compensations, shown.steps_completed) == (row.compensations, row.steps_completed)
    assert {undo.name for undo in shown.compensations if undo.status == "failed"} == {"release_inventory"}
    shop.hooks.before.clear()
    await shop.control.retry_compensation(placed.order_id, "release_inventory")
    await unwound(shop, placed, code="injected_fault")


async def test_order_whose_run_is_gone_keeps_in_its_row_what_that_run_did(shop: Shop) -> None:
    """While the one that unwinds it is at its first undo it knows of none that was done before."""
    placed = await stuck_for_good(shop, "inventory.release", "payments.refund_by_key")
    await shop.handle(placed).terminate()
    gate = Gate(at=2)
    shop.hooks.before = {"warehouse.revert": gate}
    assert (await turn(reconciler(shop))).unwound == [placed.order_id]
    await gate.reached.wait()
    shown = await shop.gateway.get(placed.order_id)
    assert {undo.name: undo.status for undo in shown.compensations}["revert_warehouse"] == "completed"
    gate.open()
    await unwound(shop, placed, code="injected_fault")
