"""Orders on Postgres: they fail at each step, are cancelled, compete for stock, and outlive the database's restarts."""

import asyncio
from collections import Counter as Tally
from collections.abc import AsyncIterator

import pytest
from temporalio.client import Client

from flowforge.orders.contracts import OrderOptions
from flowforge.services.faults import FAIL_AT_OPERATIONS
from flowforge.services.inventory.contracts import SetStock
from tests.postgres import PostgresServer
from tests.workflow.shop import Gate, Shop, open_shop
from tests.workflow.table import FAIL_AT_LAST, STEP_ACTIVITIES, UNDO_ACTIVITIES


@pytest.fixture
async def shop(client: Client, postgres_url: str, options: OrderOptions) -> AsyncIterator[Shop]:
    """A shop whose database is on Postgres."""
    async with open_shop(client, postgres_url, options) as shop:
        yield shop


@pytest.mark.parametrize("fail_at", [name for name, do in FAIL_AT_OPERATIONS.items() if do in STEP_ACTIVITIES])
async def test_step_fails_after_its_effect_order_is_made_whole(shop: Shop, fail_at: str) -> None:
    before = await shop.stock()
    record = await shop.end(await shop.place(fail_at=fail_at))
    assert (record.status, record.failure_code) == ("failed", "injected_fault")
    assert await shop.stock() == before


@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("activity", STEP_ACTIVITIES)
async def test_cancelled_after_a_step_order_is_made_whole_or_completes(shop: Shop, activity: str, times: int) -> None:
    before = await shop.stock()
    gate = Gate()
    shop.hooks.after[activity] = gate
    placed = await shop.place()
    await gate.reached.wait()
    for _ in range(times):
        await shop.handle(placed).cancel()
    gate.open()
    record = await shop.end(placed)
    assert record.status in {"cancelled", "completed"}
    assert (await shop.stock() == before) is (record.status == "cancelled")


async def test_cancelled_for_a_reason_that_postgres_cannot_store_order_ends_cancelled(shop: Shop) -> None:
    gate = Gate(at=2)
    shop.hooks.before["payments.charge"] = gate
    placed = await shop.place()
    await gate.reached.wait()
    await shop.handle(placed).cancel(reason="a \0 in it")
    gate.open()
    record = await shop.end(placed)
    assert (record.status, record.failure_reason) == ("cancelled", "a \N{REPLACEMENT CHARACTER} in it")


@pytest.mark.parametrize("activity", UNDO_ACTIVITIES)
async def test_cancelled_during_an_undo_of_a_failed_order_ends_failed_and_whole(shop: Shop, activity: str) -> None:
    before = await shop.stock()
    gate = Gate()
    shop.hooks.before[activity] = gate
    placed = await shop.place(fail_at=FAIL_AT_LAST)
    await gate.reached.wait()
    await shop.handle(placed).cancel()
    gate.open()
    record = await shop.end(placed)
    assert (record.status, record.failure_code) == ("failed", "injected_fault")
    assert await shop.stock() == before


async def test_thirty_orders_for_ten_units_ten_complete(shop: Shop) -> None:
    level = SetStock(product_id="SKU-001", on_hand=10, name="Lamp", unit_price_minor=1999, currency="USD")
    await shop.services.inventory.set_stock(level)
    orders = await asyncio.gather(*(shop.place(quantity=1) for _ in range(30)))
    records = await asyncio.gather(*(shop.end(order) for order in orders))
    assert Tally((record.status, record.failure_code) for record in records) == {
        ("completed", None): 10,
        ("failed", "out_of_stock"): 20,
    }
    assert await shop.stock() == (0, 0, 10)


async def test_database_restarted_under_load_every_order_ends_whole(postgres: PostgresServer, shop: Shop) -> None:
    orders = []
    for at_once in (False, True):
        orders += [await shop.place(fail_at=fail_at) for fail_at in ("", "warehouse") * 4]
        await asyncio.to_thread(postgres.stop, at_once=at_once)
        await asyncio.to_thread(postgres.start)
    records = await asyncio.gather(*(shop.end(order) for order in orders))
    assert Tally(record.status for record in records) == {"completed": 8, "failed": 8}
