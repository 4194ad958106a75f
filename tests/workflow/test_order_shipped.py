"""Orders whose money is taken when the goods have left the warehouse, and that are sent to the customer.

They take every step of the saga's table, and each of these is put to the same tests as those that every order takes.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from temporalio.client import Client
from temporalio.exceptions import ApplicationError

from flowforge.durable.placement import Placement
from flowforge.errors import Conflict
from flowforge.money import Money
from flowforge.orders.contracts import OrderOptions
from flowforge.orders.saga import STEPS
from flowforge.services.shipping.contracts import MoveShipment
from tests.workflow.gone import assert_clean, reconciler, turn, unwinding
from tests.workflow.shop import Gate, Shop, open_shop
from tests.workflow.table import name_of

NEEDED = [name_of(step.do) for step in STEPS if step.attempts is None]
UNDOS = {name_of(step.undo.do): step.undo.name for step in reversed(STEPS) if step.undo is not None}
ADDED = [name_of(step.do) for step in STEPS if step.when is not None and step.attempts is None]


@pytest.fixture
async def shop(client: Client, sqlite_url: str, options: OrderOptions) -> AsyncIterator[Shop]:
    """A shop that takes money late."""
    async with open_shop(client, sqlite_url, replace(options, payment_capture="after_warehouse")) as shop:
        yield shop


async def _state(shop: Shop) -> tuple[Any, ...]:
    """Return stock, phases of charges and where parcels are."""
    payments, shipments = await shop.services.payments.payments(), await shop.services.shipping.shipments()
    return await shop.stock(), {payment.phase for payment in payments}, {shipment.status for shipment in shipments}


async def test_order_takes_every_step_of_the_table(shop: Shop) -> None:
    record = await shop.end(await shop.place(ship=True))
    assert (record.status, list(record.steps_completed)) == ("completed", [step.name for step in STEPS])
    assert record.ship
    [payment] = await shop.services.payments.payments()
    assert (payment.status, payment.phase, payment.captured_minor) == ("charged", "captured", record.amount_minor)
    [shipment] = await shop.services.shipping.shipments(order_id=record.order_id)
    assert shipment.status == "booked"
    [notice] = await shop.services.notices.sent(record.order_id)
    assert notice.customer_id == "cust_1"
    assert shipment.shipment_id in notice.message


async def test_order_that_is_not_sent_only_takes_its_money_later(shop: Shop) -> None:
    record = await shop.end(await shop.place())
    assert list(record.steps_completed) == [step.name for step in STEPS[:5]]
    assert await shop.services.shipping.shipments() == []


@pytest.mark.parametrize("fail_at", ["payment", "warehouse", "capture", "shipment"])
async def test_step_fails_after_its_effect_nothing_is_kept(shop: Shop, fail_at: str) -> None:
    before = await shop.stock()
    record = await shop.end(await shop.place(ship=True, fail_at=fail_at))
    assert (record.status, record.failure_code) == ("failed", "injected_fault")
    assert [undo.name for undo in record.compensations] == list(UNDOS.values())
    stock, phases, parcels = await _state(shop)
    assert stock == before
    assert phases == {"refunded" if fail_at in {"capture", "shipment"} else "voided"}
    assert parcels == ({"cancelled"} if fail_at == "shipment" else set())
    told = {event.step: event.message for event in record.events if event.status == "compensated"}
    paid = str(Money(amount_minor=record.amount_minor or 0, currency=record.currency or ""))
    if phases == {"voided"}:
        assert told["capture_payment"] == "nothing to undo; it cannot happen any more"
        assert told["process_payment"] == f"voided {paid}"
    else:
        assert told["capture_payment"] == f"refunded {paid}"
        assert told["process_payment"] == "nothing was left to refund"


@pytest.mark.parametrize("activity", NEEDED)
async def test_step_fails_for_good_before_its_effect_order_is_made_whole(shop: Shop, activity: str) -> None:
    async def fail(_count: int) -> None:
        raise ApplicationError("made to fail", type="injected_fault", non_retryable=True)

    before = await shop.stock()
    shop.hooks.before[activity] = fail
    record = await shop.end(await shop.place(ship=True))
    assert (record.status, record.failure_code) == ("failed", "injected_fault")
    assert await shop.stock() == before


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("activity", [*ADDED, "notices.send"])
async def test_cancelled_during_a_step_order_is_made_whole(
    shop: Shop, placement: Placement, activity: str, moment: str
) -> None:
    before = await shop.stock()
    gate = Gate()
    getattr(shop.hooks, moment)[activity] = gate
    placed = await shop.place(ship=True)
    await gate.reached.wait()
    await shop.handle(placed).cancel()
    gate.open()
    record = await shop.end(placed)
    if placement == "auto" and record.status == "completed":
        return  # it came when the local steps, all of one task, were done
    assert record.status == "cancelled"
    stock, phases, parcels = await _state(shop)
    assert stock == before
    assert phases <= {"refunded", "voided"}
    assert parcels <= {"cancelled"}


@pytest.mark.parametrize("activity", ["payments.refund_capture", "shipping.cancel"])
async def test_undo_fails_for_a_while_and_is_done_in_the_end(shop: Shop, activity: str) -> None:
    async def fail_four_times(count: int) -> None:
        if count <= 4:
            raise ConnectionError("the network is down")

    shop.hooks.before[activity] = fail_four_times
    record = await shop.end(await shop.place(ship=True, fail_at="shipment"))
    [undo] = [undo for undo in record.compensations if undo.name == UNDOS[activity]]
    assert (undo.status, undo.attempts) == ("completed", 5)


async def test_customer_who_cannot_be_told_undoes_nothing(shop: Shop) -> None:
    async def fail(_count: int) -> None:
        raise ConnectionError("the mail is down")

    shop.hooks.before["notices.send"] = fail
    record = await shop.end(await shop.place(ship=True))
    assert (record.status, record.compensation_triggered) == ("completed", False)
    assert list(record.steps_completed) == [step.name for step in STEPS[:-1]]
    assert shop.hooks.runs.count("notices.send") == STEPS[-1].attempts
    [told] = [event for event in record.events if event.step == "notify_customer"]
    assert (told.status, told.message) == ("failed", "given up: the mail is down; nothing else hangs on it")
    assert await shop.services.notices.sent(record.order_id) == []


async def test_customer_who_cannot_be_told_until_the_deadline_undoes_nothing(
    client: Client, sqlite_url: str, options: OrderOptions
) -> None:
    patient = replace(options, deadline_s=1.0, forward_max_interval_s=0.4)

    async def fail(_count: int) -> None:
        raise ConnectionError("the mail is down")

    async with open_shop(client, sqlite_url, patient) as shop:
        shop.hooks.before["notices.send"] = fail
        assert (await shop.end(await shop.place(ship=True))).status == "completed"


async def test_parcel_that_left_early_keeps_its_order_from_being_cancelled(shop: Shop) -> None:
    """The carrier was there before the customer was told: what is on its way cannot be undone."""
    gate = Gate(at=2)
    shop.hooks.before["notices.send"] = gate
    placed = await shop.place(ship=True)
    await gate.reached.wait()
    [shipment] = await shop.services.shipping.shipments()
    await shop.services.shipping.move(MoveShipment(shipment_id=shipment.shipment_id, status="dispatched"))
    with pytest.raises(Conflict, match="too late to cancel: the order has left"):
        await shop.control.cancel(placed.order_id, "changed my mind")
    # Temporal's own UI does not ask: the run is woken, and finds that it is too late.
    await shop.handle(placed).cancel()
    gate.open()
    record = await shop.end(placed)
    assert (record.status, record.failure_code, record.compensation_triggered) == ("completed", None, False)
    _, phases, parcels = await _state(shop)
    assert (phases, parcels) == ({"captured"}, {"dispatched"})


@pytest.mark.parametrize("end", ["cancelled", "terminated"])
async def test_parcel_left_and_the_customer_was_never_told_the_events_say_so(shop: Shop, end: str) -> None:
    tried = asyncio.Event()

    async def fail(count: int) -> None:
        if count == 3:
            tried.set()
            await asyncio.sleep(60)
        raise ConnectionError("the mail is down")

    shop.hooks.before["notices.send"] = fail
    placed = await shop.place(ship=True)
    await tried.wait()
    [shipment] = await shop.services.shipping.shipments()
    await shop.services.shipping.move(MoveShipment(shipment_id=shipment.shipment_id, status="dispatched"))
    if end == "cancelled":
        await shop.handle(placed).cancel(reason="by hand")
        why, record = "by hand", await shop.end(placed)
    else:
        await shop.handle(placed).terminate()
        assert (await turn(reconciler(shop))).unwound == [placed.order_id]
        await unwinding(shop, placed).result()
        why, row = "its workflow was terminated, or its Temporal lost it", await shop.reads.get(placed.order_id)
        assert row is not None
        record = row
        await assert_clean(shop)
    assert (record.status, record.failure_code) == ("completed", None)
    assert list(record.steps_completed) == [step.name for step in STEPS[:-1]]
    last = record.events[-1]
    assert (last.step, last.status) == ("notify_customer", "failed")
    assert last.message == f"given up: {why}; nothing else hangs on it"
    assert await shop.services.notices.sent(record.order_id) == []


async def test_parcel_of_a_cancelled_order_does_not_leave(shop: Shop) -> None:
    gate = Gate(at=2)
    shop.hooks.before["notices.send"] = gate
    placed = await shop.place(ship=True)
    await gate.reached.wait()
    [shipment] = await shop.services.shipping.shipments()
    leave = MoveShipment(shipment_id=shipment.shipment_id, status="dispatched")
    await shop.control.cancel(placed.order_id, "changed my mind")
    with pytest.raises(Conflict, match="must not leave"):
        await shop.services.shipping.move(leave)
    gate.open()
    assert (await shop.end(placed)).status == "cancelled"
    with pytest.raises(Conflict, match="was cancelled; it must not leave"):
        await shop.services.shipping.move(leave)
