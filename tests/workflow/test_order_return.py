"""Completed orders that come back: parcel, units and money, once and whole, whatever happens meanwhile."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from temporalio.client import Client
from temporalio.exceptions import ApplicationError

from flowforge.errors import Conflict, NotFound
from flowforge.ids import workflow_id_of_return
from flowforge.orders.audit import audit
from flowforge.orders.contracts import OrderOptions
from flowforge.orders.gateway import PlacedOrder
from flowforge.orders.records import OrderRecord
from flowforge.orders.returning import RETURN_STEPS
from flowforge.services.lines import Line
from flowforge.services.payments.contracts import RefundPart
from flowforge.services.shipping.contracts import CarrierStatus, MoveShipment
from tests.replay.walk import failing_for_good
from tests.workflow.gone import reconciler, turn
from tests.workflow.shop import REPLAYER, Gate, Shop, open_shop
from tests.workflow.table import name_of

ACTIVITIES = [*(name_of(step.do) for step in RETURN_STEPS), "orders.mark_returned"]
MIDDLE = [(activity, moment) for activity in ACTIVITIES for moment in ("before", "after")][1:-1]
"""From when something of a return has taken effect until all has."""

LINES = (Line(product_id="SKU-002", quantity=1), Line(product_id="SKU-001", quantity=2))


@pytest.fixture(params=["immediate", "after_warehouse"])
async def shop(
    client: Client, sqlite_url: str, options: OrderOptions, request: pytest.FixtureRequest
) -> AsyncIterator[Shop]:
    """A shop that takes money at once, or late."""
    async with open_shop(client, sqlite_url, replace(options, payment_capture=request.param)) as shop:
        yield shop


async def _completed(shop: Shop, *, ship: bool = True) -> PlacedOrder:
    placed = await shop.place(product_id=None, quantity=None, lines=LINES, ship=ship)
    assert (await shop.end(placed)).status == "completed"
    return placed


async def _is_whole(shop: Shop, record: OrderRecord, before: list[tuple[int, int, int]]) -> None:
    """See that everything is as it was before the order, that all tables agree, and that the return replays."""
    assert record.status == "returned"
    assert [await shop.stock(line.product_id) for line in LINES] == before
    [payment] = await shop.services.payments.payments(order_id=record.order_id)
    assert (payment.status, payment.phase, payment.refunded_minor) == ("refunded", "refunded", record.amount_minor)
    assert {each.status for each in await shop.services.shipping.shipments()} <= {"cancelled", "returned"}
    assert [found.check.name for found in await shop.database.read(audit) if found.is_violation] == []
    run = shop.client.get_workflow_handle(workflow_id_of_return(record.workflow_id))
    await run.result()
    await REPLAYER.replay_workflow(await run.fetch_history())


async def _stock(shop: Shop) -> list[tuple[int, int, int]]:
    return [await shop.stock(line.product_id) for line in LINES]


async def test_an_order_that_has_not_begun_is_not_returned_but_known(
    client: Client, sqlite_url: str, options: OrderOptions
) -> None:
    async with open_shop(client, sqlite_url, options, at_work=False) as shop:
        placed = await shop.place()
        with pytest.raises(Conflict, match="only a completed order is returned"):
            await shop.returns.take_back(placed.order_id, "req_1")


@pytest.mark.parametrize("at", [None, "booked", "dispatched", "delivered", "returned"])
async def test_order_is_whole_again_wherever_its_parcel_was(shop: Shop, at: CarrierStatus | None) -> None:
    before = await _stock(shop)
    placed = await _completed(shop, ship=at is not None)
    for shipment in await shop.services.shipping.shipments():
        assert at is not None
        await shop.services.shipping.move(MoveShipment(shipment_id=shipment.shipment_id, status=at))
    record = await shop.returns.take_back(placed.order_id, "req_1")
    await _is_whole(shop, record, before)
    told = record.events[-1]
    assert (told.step, told.status) == ("order", "returned")
    assert told.message == "3 units back in stock, refunded 89.48 USD"


async def test_asked_for_again_and_at_once_it_happens_once(shop: Shop) -> None:
    before = await _stock(shop)
    placed = await _completed(shop)
    records = await asyncio.gather(*(shop.returns.take_back(placed.order_id, f"req_{n}") for n in range(10)))
    assert {record.status for record in records} == {"returned"}
    await _is_whole(shop, await shop.returns.take_back(placed.workflow_id, "req_x"), before)
    assert shop.hooks.runs.count("orders.mark_returned") == 1


async def test_what_a_client_was_given_back_before_is_not_given_back_again(shop: Shop) -> None:
    before = await _stock(shop)
    placed = await _completed(shop)
    [payment] = await shop.services.payments.payments()
    await shop.services.payments.refund(
        RefundPart(charge_id=payment.charge_id, idempotency_key="k", amount_minor=8000, reason="a scratch")
    )
    record = await shop.returns.take_back(placed.order_id, "req_1")
    await _is_whole(shop, record, before)
    assert record.events[-1].message.endswith("refunded 9.48 USD")
    assert [refund.amount_minor for refund in await shop.services.payments.refunds(payment.charge_id)] == [948, 8000]


@pytest.mark.parametrize("activity", ACTIVITIES)
@pytest.mark.parametrize("moment", ["before", "after"])
async def test_service_fails_for_a_while_the_return_goes_on(shop: Shop, activity: str, moment: str) -> None:
    async def fail_three_times(count: int) -> None:
        if count <= 3:
            raise ConnectionError("the network is down")

    before = await _stock(shop)
    placed = await _completed(shop)
    getattr(shop.hooks, moment)[activity] = fail_three_times
    await _is_whole(shop, await shop.returns.take_back(placed.order_id, "req_1"), before)


@pytest.mark.parametrize("activity", ACTIVITIES)
async def test_cancelled_in_temporal_the_return_goes_through_all_the_same(shop: Shop, activity: str) -> None:
    before = await _stock(shop)
    placed = await _completed(shop)
    gate = Gate(at=2)
    shop.hooks.before[activity] = gate
    returning = asyncio.create_task(shop.returns.take_back(placed.order_id, "req_1"))
    await gate.reached.wait()
    await shop.client.get_workflow_handle(workflow_id_of_return(placed.workflow_id)).cancel()
    gate.open()
    await _is_whole(shop, await returning, before)


@pytest.mark.parametrize("activity", ACTIVITIES)
async def test_audit_finds_nothing_wrong_in_the_middle_of_a_return(shop: Shop, activity: str) -> None:
    before = await _stock(shop)
    placed = await _completed(shop)
    gate = Gate()
    shop.hooks.before[activity] = gate
    returning = asyncio.create_task(shop.returns.take_back(placed.order_id, "req_1"))
    await gate.reached.wait()
    assert [found.check.name for found in await shop.database.read(audit) if found.is_violation] == []
    gate.open()
    await _is_whole(shop, await returning, before)


async def test_service_refuses_for_good_the_return_can_be_asked_for_again(shop: Shop) -> None:
    before = await _stock(shop)
    placed = await _completed(shop)

    async def refuse_once(count: int) -> None:
        if count == 1:
            raise ApplicationError("the card is closed", type="card_declined", non_retryable=True)

    shop.hooks.before["payments.refund_rest"] = refuse_once
    with pytest.raises(Conflict, match="could not be taken back: the card is closed"):
        await shop.returns.take_back(placed.order_id, "req_1")
    await _is_whole(shop, await shop.returns.take_back(placed.order_id, "req_2"), before)


async def test_terminated_in_the_middle_it_is_asked_for_again_and_ends_whole(shop: Shop) -> None:
    before = await _stock(shop)
    placed = await _completed(shop)
    gate = Gate(at=2)
    shop.hooks.before["payments.refund_rest"] = gate
    first = asyncio.create_task(shop.returns.take_back(placed.order_id, "req_1"))
    await gate.reached.wait()
    await shop.client.get_workflow_handle(workflow_id_of_return(placed.workflow_id)).terminate()
    gate.open()
    with pytest.raises(Conflict):
        await first
    await _is_whole(shop, await shop.returns.take_back(placed.order_id, "req_2"), before)


@pytest.mark.parametrize(("activity", "moment"), MIDDLE)
async def test_terminated_in_the_middle_the_reconciler_has_it_go_on(shop: Shop, activity: str, moment: str) -> None:
    before = await _stock(shop)
    placed = await _completed(shop)
    gate = Gate(at=2)
    getattr(shop.hooks, moment)[activity] = gate
    asked = asyncio.create_task(shop.returns.take_back(placed.order_id, "req_1"))
    await gate.reached.wait()
    ours = reconciler(shop)
    assert (await turn(ours)).resumed == []  # it has a run
    await shop.client.get_workflow_handle(workflow_id_of_return(placed.workflow_id)).terminate()
    assert (await turn(ours)).resumed == [placed.order_id]
    await shop.client.get_workflow_handle(workflow_id_of_return(placed.workflow_id)).result()
    gate.open()
    await asyncio.gather(asked, return_exceptions=True)
    assert (await turn(ours)).resumed == []
    await _is_whole(shop, await shop.returns.take_back(placed.order_id, "req_2"), before)


async def test_service_refused_for_good_the_reconciler_leaves_it_to_people(shop: Shop) -> None:
    placed = await _completed(shop)
    shop.hooks.before["payments.refund_rest"] = failing_for_good("account_closed")
    with pytest.raises(Conflict):
        await shop.returns.take_back(placed.order_id, "req_1")
    assert (await turn(reconciler(shop))).resumed == []


async def test_database_alone_is_restored_to_before_the_return_it_is_returned_again(shop: Shop, tmp_path: Path) -> None:
    before = await _stock(shop)
    placed = await _completed(shop)
    live, backup = str(shop.database.url.database), str(tmp_path / "backup.sqlite3")
    _copy(live, backup)
    assert (await shop.returns.take_back(placed.order_id, "req_1")).status == "returned"
    _copy(backup, live)
    record = await shop.reads.get(placed.order_id)
    assert record is not None
    assert record.status == "completed"
    await _is_whole(shop, await shop.returns.take_back(placed.order_id, "req_2"), before)


def _copy(source: str, target: str) -> None:
    with closing(sqlite3.connect(source)) as read, closing(sqlite3.connect(target)) as written:
        read.backup(written)


async def test_order_that_has_not_completed_is_not_returned(shop: Shop) -> None:
    failed = await shop.place(payment_method="tok_chargeDeclined")
    await shop.end(failed)
    with pytest.raises(Conflict, match="only a completed order is returned; this one is failed"):
        await shop.returns.take_back(failed.order_id, "req_1")
    with pytest.raises(NotFound):
        await shop.returns.take_back("ord_none", "req_1")


async def test_returned_order_is_neither_cancelled_nor_tried_again(shop: Shop) -> None:
    placed = await _completed(shop)
    await shop.returns.take_back(placed.order_id, "req_1")
    with pytest.raises(Conflict, match="too late to cancel: the order is returned"):
        await shop.control.cancel(placed.order_id, "late")
    with pytest.raises(Conflict):
        await shop.control.retry(placed.order_id, "req_1")


async def test_return_runs_under_the_name_of_its_order(shop: Shop) -> None:
    placed = await _completed(shop, ship=False)
    await shop.returns.take_back(placed.order_id, "req_1")
    run = shop.client.get_workflow_handle(f"{placed.workflow_id}~return")
    assert (await run.describe()).workflow_type == "ReturnOrder"


@pytest.mark.parametrize("meanwhile", ["nothing", "cancel"])
async def test_returned_before_its_run_heard_that_it_had_completed_nothing_is_undone(
    shop: Shop, meanwhile: str
) -> None:
    died = Gate()

    async def die(count: int) -> None:
        await died(count)
        if count == 1:
            raise ConnectionError("the worker died after its commit")

    before = await _stock(shop)
    shop.hooks.after["orders.close"] = die
    placed = await shop.place(product_id=None, quantity=None, lines=LINES, ship=True)
    await died.reached.wait()
    record = await shop.returns.take_back(placed.order_id, "req_1")
    if meanwhile == "cancel":
        await shop.handle(placed).cancel()
    died.open()
    assert (await shop.handle(placed).result()).status == "returned"
    await REPLAYER.replay_workflow(await shop.handle(placed).fetch_history())
    await _is_whole(shop, record, before)
