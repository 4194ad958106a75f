"""One idempotency key is one order, whoever asks for it, how often, at what moment."""

import asyncio
import uuid

import pytest
from temporalio.client import Client

from flowforge.errors import IdempotencyKeyReused, NotFound
from flowforge.orders.contracts import OrderOptions
from tests.workflow.shop import Gate, Shop, open_shop


@pytest.fixture
def key() -> str:
    """A key that was never used: all tests share one Temporal."""
    return f"order of {uuid.uuid4()}"


async def test_thirty_racers_with_one_key_place_one_order(shop: Shop, key: str) -> None:
    before = await shop.stock()
    placed = await asyncio.gather(*(shop.place(idempotency_key=key) for _ in range(30)))
    assert len({(each.order_id, each.workflow_id) for each in placed}) == 1
    assert [each.replayed for each in placed].count(False) == 1
    await shop.end(placed[0])
    assert await shop.stock() == (before[0] - 2, before[1], before[2] + 2)


async def test_key_is_used_again_long_after_the_order_ended(shop: Shop, key: str) -> None:
    first = await shop.place(idempotency_key=key)
    await shop.end(first)
    again = await shop.place(idempotency_key=key)
    assert (again.order_id, again.replayed) == (first.order_id, True)


async def test_key_is_used_again_before_the_order_has_a_row(
    client: Client, sqlite_url: str, options: OrderOptions, key: str
) -> None:
    async with open_shop(client, sqlite_url, options, at_work=False) as shop:
        first = await shop.place(idempotency_key=key)
        again = await shop.place(idempotency_key=key)
        assert (again.order_id, again.replayed) == (first.order_id, True)
        with pytest.raises(IdempotencyKeyReused):
            await shop.place(idempotency_key=key, quantity=3)
        async with shop.worker:
            await shop.end(first)


@pytest.mark.parametrize("other", [{"quantity": 3}, {"product_id": "SKU-002"}, {"payment_method": "tok_mastercard"}])
async def test_key_of_another_order_is_refused(shop: Shop, key: str, other: dict[str, object]) -> None:
    first = await shop.place(idempotency_key=key)
    with pytest.raises(IdempotencyKeyReused):
        await shop.place(idempotency_key=key, **other)
    await shop.end(first)
    with pytest.raises(IdempotencyKeyReused):
        await shop.place(idempotency_key=key, **other)


async def test_run_was_terminated_before_its_first_step_the_key_places_its_order_again(shop: Shop, key: str) -> None:
    gate = Gate()
    shop.hooks.before["inventory.quote"] = gate
    lost = await shop.place(idempotency_key=key)
    await gate.reached.wait()
    await shop.handle(lost).terminate()
    with pytest.raises(NotFound):
        await shop.gateway.get(lost.order_id)
    with pytest.raises(IdempotencyKeyReused):
        await shop.place(idempotency_key=key, quantity=3)
    placed = await asyncio.gather(*(shop.place(idempotency_key=key) for _ in range(10)))
    assert {each.order_id for each in placed} == {lost.order_id}
    assert [each.replayed for each in placed].count(False) == 1
    gate.open()
    assert (await shop.end(lost)).status == "completed"


async def test_run_was_terminated_when_it_had_a_row_the_key_names_that_order(shop: Shop, key: str) -> None:
    gate = Gate()
    shop.hooks.after["inventory.quote"] = gate
    lost = await shop.place(idempotency_key=key)
    await gate.reached.wait()
    await shop.handle(lost).terminate()
    again = await shop.place(idempotency_key=key)
    assert (again.order_id, again.replayed) == (lost.order_id, True)
    gate.open()
