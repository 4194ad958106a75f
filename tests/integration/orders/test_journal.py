"""The order's row and events, as the transactions of its steps write them."""

from datetime import UTC, datetime, timedelta

import pytest

from flowforge.errors import EffectFenced, OutOfStock
from flowforge.orders.audit import audit
from flowforge.orders.contracts import MarkReturned
from flowforge.orders.stats import order_stats
from flowforge.orders.wording import NOTHING_LEFT
from flowforge.services.notices.contracts import SendNotice
from flowforge.services.payments.contracts import RefundPart
from flowforge.services.shipping.contracts import CreateShipment, MoveShipment
from tests.integration.orders.shop import STEPS, PlacedOrder, Shop

HAPPY = [(step, status) for step in STEPS for status in ("started", "completed")]


async def test_first_step_opens_the_row_with_the_whole_order(shop: Shop) -> None:
    placed = shop.order()
    await placed.do("check_inventory")
    row = await placed.row()
    assert (row.order_id, row.workflow_id, row.status) == ("ord_1", "order-ord_1", "running")
    assert (row.customer_id, row.product_id, row.quantity, row.payment_method) == ("cust_1", "SKU-001", 2, "tok_visa")
    assert (row.current_step, row.steps_completed) == ("check_inventory", ())
    assert (row.amount_minor, row.currency) == (3998, "USD")
    assert row.created_at.isoformat() == placed.order.accepted_at
    assert row.closed_at is None


async def test_completed_order_tells_every_step_once(shop: Shop) -> None:
    placed = await shop.order().do_all()
    closed = await placed.close("completed")
    assert (closed.status, closed.steps_completed) == ("completed", STEPS)
    row = await placed.row()
    assert (row.status, row.current_step, row.steps_completed) == ("completed", None, STEPS)
    assert row.charge_id is not None
    assert row.closed_at is not None
    assert [event.id for event in row.events] == list(range(1, 9))
    assert await placed.story() == HAPPY
    assert row.events[5].message == f"charged 39.98 USD ({row.charge_id})"
    assert row.events[3].message == "reserved 2 x SKU-001"


async def test_step_counts_as_completed_only_when_its_answer_was_seen(shop: Shop) -> None:
    placed = shop.order()
    await placed.do("check_inventory")
    await placed.do("reserve_inventory", answered=False)
    assert (await placed.row()).steps_completed == ("check_inventory",)
    await placed.do("reserve_inventory", attempt=2)
    await placed.do("process_payment")
    row = await placed.row()
    assert (row.steps_completed, row.current_step) == (STEPS[:2], "process_payment")
    assert await placed.story() == HAPPY[:5]


async def test_failed_order_is_told_as_it_was_undone(shop: Shop) -> None:
    placed = await shop.order().do_all("process_payment")
    await placed.do("update_warehouse", answered=False)
    assert (await placed.fail("update_warehouse")).steps_completed == STEPS[:3]
    assert {each.status for each in (await placed.row()).compensations} == {"pending"}
    await placed.undo_all()
    assert (await placed.close("failed")).status == "failed"
    row = await placed.row()
    assert (row.status, row.failure_code, row.compensation_triggered) == ("failed", "injected_fault", True)
    assert row.failure_reason == "update_warehouse failed 3 times: FAIL_AT=x"
    assert row.steps_completed == STEPS[:3]
    assert [(each.name, each.status, each.attempts) for each in row.compensations] == [
        ("revert_warehouse", "completed", 1),
        ("refund_payment_by_idempotency_key", "completed", 1),
        ("release_inventory", "completed", 1),
    ]
    assert (await placed.story())[6:] == [
        ("update_warehouse", "started"),
        ("update_warehouse", "failed"),
        *((step, status) for step in reversed(STEPS[1:]) for status in ("compensating", "compensated")),
    ]
    assert [event.message for event in row.events if event.status == "compensated"] == [
        "2 x SKU-001 back from shipping",
        "refunded 39.98 USD",
        "released 2 x SKU-001",
    ]


@pytest.mark.parametrize(
    ("refunded_minor", "told"), [(0, "refunded 39.98 USD"), (500, "refunded 34.98 USD"), (3998, NOTHING_LEFT)]
)
async def test_undo_tells_what_it_gave_back_not_what_was_paid(shop: Shop, refunded_minor: int, told: str) -> None:
    placed = await shop.order().do_all()
    charge_id = (await placed.row()).charge_id or ""
    if refunded_minor:
        await shop.services.payments.refund(
            RefundPart(charge_id=charge_id, idempotency_key="k", amount_minor=refunded_minor, reason="scratched")
        )
    await placed.fail("update_warehouse")
    await placed.undo_all()
    events = (await placed.row()).events
    assert [event.message for event in events if (event.step, event.status) == ("process_payment", "compensated")] == [
        told
    ]


async def test_refused_first_step_opens_the_row_and_undoes_nothing(shop: Shop) -> None:
    placed = shop.order(quantity=1_000_001)
    with pytest.raises(OutOfStock):
        await placed.do("check_inventory")
    await placed.fail("check_inventory")
    await placed.undo_all()
    await placed.close("failed")
    row = await placed.row()
    assert (row.status, row.steps_completed, row.compensation_triggered) == ("failed", (), False)
    assert {each.status for each in row.compensations} == {"not_needed"}
    assert await placed.story() == [
        ("check_inventory", "started"),
        ("check_inventory", "failed"),
        *((step, "compensated") for step in reversed(STEPS[1:])),
    ]


async def test_order_cancelled_before_its_first_step_gets_a_row(shop: Shop) -> None:
    placed = shop.order()
    await placed.close("compensating", failure_code="cancelled", failure_reason="changed my mind")
    await placed.undo_all()
    await placed.close("cancelled")
    row = await placed.row()
    assert (row.status, row.failure_code, row.quantity) == ("cancelled", "cancelled", 2)
    assert (row.cancel_requested_at is not None, row.cancel_reason) == (True, "changed my mind")
    assert row.events[0].message == "changed my mind"
    with pytest.raises(EffectFenced):
        await placed.do("reserve_inventory")


async def test_order_cancelled_in_its_first_step_is_marked_though_that_had_opened_the_row(shop: Shop) -> None:
    placed = shop.order()
    await placed.do("check_inventory", answered=False)
    await placed.close("compensating", failure_code="cancelled", failure_reason="changed my mind")
    row = await placed.row()
    assert (row.cancel_requested_at is not None, row.cancel_reason) == (True, "changed my mind")


async def test_order_cancelled_by_temporal_alone_when_it_had_a_row_is_not_marked(shop: Shop) -> None:
    placed = await shop.order().do_all("reserve_inventory")
    await placed.close("compensating", failure_code="cancelled", failure_reason="by hand")
    row = await placed.row()
    assert (row.cancel_requested_at, row.failure_reason) == (None, "by hand")


async def test_failed_attempts_are_told_and_the_step_began_once(shop: Shop) -> None:
    placed = shop.order()
    await placed.do("check_inventory")
    await placed.fail_attempt("reserve_inventory", attempt=1)
    await placed.fail_attempt("reserve_inventory", attempt=2)
    await placed.do("reserve_inventory", attempt=3)
    assert (await placed.story())[1:] == [
        ("check_inventory", "completed"),
        ("reserve_inventory", "started"),
        ("reserve_inventory", "failed"),
        ("reserve_inventory", "failed"),
    ]
    assert (await placed.row()).events[4].message == "attempt 2 failed: it broke; it will be tried again"


async def test_failed_attempt_opens_no_row(shop: Shop) -> None:
    placed = shop.order()
    await placed.fail_attempt("check_inventory")
    assert await shop.reads.get("ord_1") is None


async def test_failed_attempt_of_an_undo_shows_until_it_succeeds(shop: Shop) -> None:
    placed = await shop.order().do_all("process_payment")
    await placed.fail("update_warehouse")
    undo = "refund_payment_by_idempotency_key"
    await placed.fail_attempt("process_payment", undo=undo)
    refund = (await placed.row()).compensations[1]
    assert (refund.status, refund.attempts, refund.error) == ("running", 1, "it broke")
    await placed.undo("process_payment", attempt=2)
    refund = (await placed.row()).compensations[1]
    assert (refund.status, refund.attempts, refund.error) == ("completed", 2, None)
    statuses = [status for step, status in await placed.story() if step == "process_payment"]
    assert statuses == ["started", "completed", "compensating", "failed", "compensated"]


async def test_first_close_wins_when_completed_came_first(shop: Shop) -> None:
    placed = await shop.order().do_all()
    await placed.close("completed")
    told = await placed.row()
    late = await placed.close("compensating", failure_code="cancelled", compensations=())
    assert (late.status, late.steps_completed) == ("completed", STEPS)
    assert await placed.row() == told


async def test_first_close_wins_when_unwinding_came_first(shop: Shop) -> None:
    placed = await shop.order().do_all()
    await placed.fail("update_warehouse")
    assert (await placed.close("completed")).status == "compensating"
    assert (await placed.close("failed")).status == "failed"
    assert (await placed.close("cancelled")).status == "failed"


@pytest.mark.parametrize("to", ["failed", "cancelled", "needs_attention"])
async def test_running_order_ends_otherwise_only_by_way_of_compensating(shop: Shop, to: str) -> None:
    placed = await shop.order().do_all("reserve_inventory")
    assert (await placed.close(to)).status == "running"  # type: ignore[arg-type] # parametrized


async def test_same_close_again_changes_nothing(shop: Shop) -> None:
    placed = await shop.order().do_all("reserve_inventory")
    first = await placed.fail("process_payment")
    told = await placed.row()
    assert await placed.fail("process_payment") == first
    assert await placed.row() == told


async def test_order_that_needs_attention_goes_on_when_it_was_given(shop: Shop) -> None:
    placed = await shop.order().do_all("process_payment")
    await placed.fail("update_warehouse")
    await placed.undo("update_warehouse")
    await placed.undo("reserve_inventory")
    told = (await placed.row()).compensations
    broken = tuple(
        type(each)(name=each.name, status="failed", error="no such charge") if each.status == "pending" else each
        for each in told
    )
    assert (await placed.close("needs_attention", compensations=broken)).status == "needs_attention"
    row = await placed.row()
    assert [each.status for each in row.compensations] == ["not_needed", "failed", "completed"]
    assert row.closed_at is None
    assert (await placed.story())[-1] == ("refund_payment_by_idempotency_key", "failed")
    assert (await placed.close("compensating")).status == "needs_attention", "a late one must not bar the operator"
    await placed.undo("process_payment", attempt=2)
    assert (await placed.close("failed")).status == "failed"
    assert {each.status for each in (await placed.row()).compensations} == {"not_needed", "completed"}


async def test_effect_that_lands_while_unwinding_moves_no_status_and_is_undone(shop: Shop) -> None:
    placed = await shop.order().do_all("reserve_inventory")
    await placed.fail("process_payment")
    await placed.do("process_payment")
    row = await placed.row()
    assert (row.status, row.steps_completed) == ("compensating", STEPS[:2])
    assert row.charge_id is not None
    assert (await placed.undo("process_payment")).status == "undone"


async def test_close_knows_steps_that_the_row_had_and_the_workflow_forgot(shop: Shop) -> None:
    placed = await shop.order().do_all("process_payment")
    placed.completed.clear()
    assert (await placed.fail("process_payment")).steps_completed == STEPS[:2]


async def test_order_that_is_unwound_after_a_long_pause_is_not_late_for_that(shop: Shop) -> None:
    placed = await shop.order(accepted_at=(datetime.now(UTC) - timedelta(days=1)).isoformat()).do_all("process_payment")
    await placed.close("paused")
    assert (await placed.close("compensating", failure_code="cancelled")).status == "compensating"
    assert [found.check.area for found in await shop.database.read(audit) if found.is_violation] == []


async def test_order_that_came_back_was_closed_when_it_came_back(shop: Shop) -> None:
    placed = await shop.order().do_all()
    await placed.close("completed")
    completed_at = (await placed.row()).closed_at
    await shop.journal.mark_returned(MarkReturned(order_id="ord_1", refunded_minor=3998))
    row = await placed.row()
    assert row.status == "returned"
    assert row.closed_at == row.updated_at
    assert row.closed_at != completed_at
    stats = await shop.database.read(order_stats, datetime.now(UTC))
    assert stats.rates[0].ended["returned"] == 1


async def test_message_with_a_character_that_no_database_keeps_is_told_without_it(shop: Shop) -> None:
    placed = await shop.order().do_all("check_inventory")
    await placed.fail_attempt("reserve_inventory", message="a \0 in it")
    await placed.close("compensating", failure_code="cancelled", failure_reason="a \0 in it")
    row = await placed.row()
    assert row.failure_reason == "a \N{REPLACEMENT CHARACTER} in it"
    attempts = await shop.reads.attempts("ord_1", limit=9) or ()
    assert [attempt.error_message for attempt in attempts] == [None, row.failure_reason]
    assert not any("\0" in event.message for event in row.events)


async def dispatched(shop: Shop, *, told: bool) -> PlacedOrder:
    """Place an order that is sent, whose parcel leaves before its customer was told, or when nobody knows that."""
    placed = await shop.order(ship=True).do_all()
    booked = await shop.services.shipping.create(CreateShipment(call=placed.call("create_shipment"), order_id="ord_1"))
    notice = SendNotice(call=placed.call("notify_customer"), order_id="ord_1", customer_id="cust_1", message="booked")
    if told:
        await shop.services.notices.send(notice)
    else:
        await placed.fail_attempt("notify_customer")
    leave = MoveShipment(shipment_id=booked.shipment_id, status="dispatched")
    await shop.services.shipping.move(leave)
    return placed


async def test_order_that_left_is_completed_by_a_run_that_remembers_nothing_and_tells_what_was_given_up(
    shop: Shop,
) -> None:
    placed = await dispatched(shop, told=False)
    placed.completed.clear()
    closed = await placed.close("compensating", failure_code="abandoned", failure_reason="its run is gone")
    assert (closed.status, closed.steps_completed) == ("completed", (*STEPS, "create_shipment"))
    row = await placed.row()
    assert row.failure_code is None
    given_up = [event.message for event in row.events if event.message.startswith("given up")]
    assert given_up == ["given up: its run is gone; nothing else hangs on it"]
    assert (await placed.story())[-1] == ("notify_customer", "failed")


async def test_order_that_left_and_whose_customer_was_told_gives_nothing_up(shop: Shop) -> None:
    placed = await dispatched(shop, told=True)
    closed = await placed.close("compensating", failure_code="cancelled", failure_reason="by hand")
    assert (closed.status, closed.steps_completed) == ("completed", (*STEPS, "create_shipment", "notify_customer"))
    assert (await placed.story())[-1] == ("notify_customer", "completed")
