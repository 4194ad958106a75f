"""An order that is held before its next step: nothing new begins, its time does not run out, and undos never wait."""

import asyncio
from dataclasses import replace
from datetime import datetime

import pytest
from sqlalchemy import Connection, select
from temporalio.client import Client

from flowforge.errors import Conflict, NotFound, TemporalUnavailable
from flowforge.orders.contracts import OrderOptions
from flowforge.orders.gateway import PlacedOrder
from flowforge.orders.workflow import OrderWorkflow
from flowforge.persistence.tables.orders import ORDERS
from flowforge.temporal.asking import ANSWER_TIMEOUT
from tests.workflow.shop import Gate, Shop, open_shop
from tests.workflow.table import FAIL_AT_LAST, STEP_ACTIVITIES, UNDO_ACTIVITIES


async def paused(shop: Shop, activity: str, **wishes: object) -> PlacedOrder:
    """Place an order and hold it while a step is in flight, through the queue; wait until its row says so."""
    gate = Gate(at=2)
    shop.hooks.before[activity] = gate
    placed = await shop.place(**wishes)
    await gate.reached.wait()
    accepted = await shop.control.pause(placed.order_id)
    assert accepted.status == "running"
    gate.open()
    await stands_still(shop, placed)
    return placed


async def stands_still(shop: Shop, placed: PlacedOrder) -> None:
    """Wait until the run has seen its row paused."""
    await shop.hooks.closes["paused"].wait()
    while (await shop.handle(placed).query(OrderWorkflow.state)).status != "paused":
        pass


async def deadline(shop: Shop, placed: PlacedOrder) -> datetime:
    def read(connection: Connection) -> datetime:
        found: datetime = connection.execute(
            select(ORDERS.c.deadline_at).where(ORDERS.c.order_id == placed.order_id)
        ).scalar_one()
        return found

    return await shop.database.read(read)


@pytest.mark.parametrize("activity", list(STEP_ACTIVITIES)[:-1])
async def test_paused_during_a_step_the_next_one_waits_until_resumed(shop: Shop, activity: str) -> None:
    placed = await paused(shop, activity)
    steps = list(STEP_ACTIVITIES)
    record = await shop.gateway.get(placed.order_id)
    assert (record.status, record.current_step) == ("paused", None)
    assert len(record.steps_completed) == steps.index(activity) + 1
    assert not {*steps[steps.index(activity) + 1 :]} & {*shop.hooks.runs}
    assert (await shop.control.resume(placed.workflow_id)).order_id == placed.order_id
    record = await shop.end(placed)
    assert record.status == "completed"
    assert [event.status for event in record.events if event.step == "order"] == ["paused", "resumed"]


async def test_paused_in_its_last_step_order_completes(shop: Shop) -> None:
    gate = Gate(at=2)
    shop.hooks.before[list(STEP_ACTIVITIES)[-1]] = gate
    placed = await shop.place()
    await gate.reached.wait()
    await shop.control.pause(placed.order_id)
    gate.open()
    assert (await shop.end(placed)).status == "completed"
    with pytest.raises(Conflict, match="the order is completed"):
        await shop.control.pause(placed.order_id)


async def test_paused_before_its_first_step_order_waits_and_has_a_row(
    client: Client, sqlite_url: str, options: OrderOptions
) -> None:
    async with open_shop(client, sqlite_url, options, at_work=False) as shop:
        placed = await shop.place()
        asking = asyncio.create_task(shop.control.pause(placed.workflow_id))
        await asyncio.wait([asking], timeout=0.5)  # nobody answers yet, but Temporal has it
        async with shop.worker:
            await asking
            await stands_still(shop, placed)
            record = await shop.gateway.get(placed.order_id)
            assert (record.status, record.steps_completed, record.customer_id) == ("paused", (), "cust_1")
            assert shop.hooks.runs == ["orders.close"]
            await shop.control.resume(placed.order_id)
            assert (await shop.end(placed)).status == "completed"


async def test_paused_and_resumed_again_and_again_repeats_change_nothing(shop: Shop) -> None:
    placed = await paused(shop, "inventory.quote")
    for _ in range(2):
        assert (await shop.control.pause(placed.order_id)).status == "paused"
    gate = Gate(at=2)
    shop.hooks.before["payments.charge"] = gate
    for _ in range(2):
        await shop.control.resume(placed.order_id)
    await gate.reached.wait()
    shop.hooks.closes["paused"].clear()
    await shop.control.pause(placed.order_id)
    gate.open()
    await stands_still(shop, placed)
    await shop.control.resume(placed.order_id)
    record = await shop.end(placed)
    assert record.status == "completed"
    assert [event.status for event in record.events if event.step == "order"] == ["paused", "resumed"] * 2


async def test_same_request_comes_late_again_it_holds_nothing(shop: Shop) -> None:
    """A client repeats what it asked for, since the answer was lost; meanwhile somebody has resumed the order."""
    gate = Gate(at=2)
    shop.hooks.before["inventory.quote"] = gate
    placed = await shop.place()
    await gate.reached.wait()
    await shop.control.pause(placed.order_id, request_id="req_1")
    await shop.control.resume(placed.order_id, request_id="req_2")
    await shop.control.pause(placed.order_id, request_id="req_1")
    gate.open()
    assert (await shop.end(placed)).status == "completed"
    assert not shop.hooks.closes["paused"].is_set()


async def test_cancelled_while_paused_unwinds_at_once(shop: Shop) -> None:
    before = await shop.stock()
    placed = await paused(shop, "payments.charge")
    await shop.control.cancel(placed.order_id, "not any more")
    record = await shop.end(placed)
    assert (record.status, record.failure_reason) == ("cancelled", "not any more")
    assert await shop.stock() == before


async def test_cancelled_in_temporals_ui_while_paused_unwinds_at_once(shop: Shop) -> None:
    before = await shop.stock()
    placed = await paused(shop, "payments.charge")
    await shop.handle(placed).cancel(reason="by hand")
    record = await shop.end(placed)
    assert (record.status, record.failure_reason) == ("cancelled", "by hand")
    assert await shop.stock() == before


async def test_paused_past_its_deadline_completes_when_resumed(
    client: Client, sqlite_url: str, options: OrderOptions
) -> None:
    """What matters is that its time goes on where it stopped: the row's moves on by what the pause took."""
    async with open_shop(client, sqlite_url, replace(options, deadline_s=3.0)) as shop:
        placed = await paused(shop, "inventory.quote")
        first = await deadline(shop, placed)
        history = await shop.handle(placed).fetch_history()
        timers = [event.timer_started_event_attributes for event in history.events if event.event_type == 17]
        cancelled = [event for event in history.events if event.event_type == 19]
        assert len(timers) == len(cancelled) == 1
        await shop.control.resume(placed.order_id)
        assert (await shop.end(placed)).status == "completed"
        assert await deadline(shop, placed) > first


@pytest.mark.parametrize("activity", UNDO_ACTIVITIES)
async def test_paused_while_it_unwinds_is_told_why_not(shop: Shop, activity: str) -> None:
    gate = Gate(at=2)
    shop.hooks.before[activity] = gate
    placed = await shop.place(fail_at=FAIL_AT_LAST)
    await gate.reached.wait()
    for ask in (shop.control.pause, shop.control.resume):
        with pytest.raises(Conflict, match="the order is being unwound"):
            await ask(placed.order_id)
    gate.open()
    assert (await shop.end(placed)).status == "failed"


async def test_paused_order_that_does_not_exist_is_not_found(shop: Shop) -> None:
    for name in ("ord_never", "whatever"):
        with pytest.raises(NotFound):
            await shop.control.pause(name)


async def test_paused_without_a_worker_is_told_that_none_answers(
    client: Client, sqlite_url: str, options: OrderOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flowforge.orders.control.ANSWER_TIMEOUT", ANSWER_TIMEOUT / 10)
    async with open_shop(client, sqlite_url, options, at_work=False) as shop:
        placed = await shop.place()
        with pytest.raises(TemporalUnavailable, match="perhaps no worker runs"):
            await shop.control.pause(placed.order_id, request_id="req_1")
        await shop.control.cancel(placed.order_id, "nobody works here")
        async with shop.worker:
            assert (await shop.end(placed)).status == "cancelled"
