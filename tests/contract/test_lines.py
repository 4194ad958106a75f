"""Orders of several products: all of an order or nothing of it."""

import asyncio

import pytest

from flowforge.errors import EffectFenced, MixedCurrencies, OutOfStock, Refusal, UnknownProduct
from flowforge.services.inventory.contracts import Quote, QuoteOrder, Reservation, ReserveInventory, SetStock
from flowforge.services.lines import Line
from flowforge.services.warehouse.contracts import ApplyToWarehouse, WarehouseApplied
from tests.contract.worlds import World, forward, undo

_ALL = {"A-1": 5, "SKU-9": 10, "Z-1": 3}


def _lines(**quantities: int) -> tuple[Line, ...]:
    return tuple(Line(product_id=name.replace("_", "-"), quantity=units) for name, units in quantities.items())


THREE = _lines(Z_1=2, SKU_9=3, A_1=1)


@pytest.fixture
async def stocked(world: World) -> World:
    for product_id, on_hand, price in (("A-1", 5, 250), ("Z-1", 3, 100)):
        await world.inventory.set_stock(
            SetStock(product_id=product_id, on_hand=on_hand, name="x", unit_price_minor=price, currency="USD")
        )
    return world


async def _available(world: World) -> dict[str, int]:
    return {level.product_id: level.available for level in await world.inventory.levels() if level.product_id in _ALL}


async def _shipped(world: World) -> dict[str, int]:
    return {level.product_id: level.shipped for level in await world.inventory.levels() if level.shipped}


def _quoting(lines: tuple[Line, ...], saga_id: str = "ord_1", attempt: int = 1) -> QuoteOrder:
    return QuoteOrder(call=forward("quote", saga_id, attempt), lines=lines)


def _reserving(lines: tuple[Line, ...], saga_id: str = "ord_1", attempt: int = 1) -> ReserveInventory:
    return ReserveInventory(call=forward("reserve", saga_id, attempt), lines=lines)


def _shipping(lines: tuple[Line, ...], saga_id: str = "ord_1") -> ApplyToWarehouse:
    return ApplyToWarehouse(call=forward("ship", saga_id), order_id=saga_id, lines=lines)


async def test_quote_adds_up_all_lines_once(stocked: World) -> None:
    quote = await stocked.inventory.quote(_quoting(THREE))
    total = 2 * 100 + 3 * 1999 + 250
    assert quote == Quote(product_id=None, quantity=6, unit_price_minor=None, amount_minor=total, currency="USD")
    await stocked.inventory.set_stock(SetStock(product_id="A-1", on_hand=5, unit_price_minor=1))
    assert await stocked.inventory.quote(_quoting(THREE, attempt=2)) == quote


@pytest.mark.parametrize(
    ("lines", "refusal", "message"),
    [
        (_lines(SKU_9=1, Z_1=4, A_1=9), OutOfStock, "out of stock: 4 x Z-1 asked for, 3 available"),
        (_lines(SKU_9=1, A_1=1, B_7=1), UnknownProduct, "unknown product B-7"),
    ],
)
async def test_one_line_that_cannot_be_had_refuses_all_and_is_named(
    stocked: World, lines: tuple[Line, ...], refusal: type[Refusal], message: str
) -> None:
    for attempt in (1, 2):
        with pytest.raises(refusal, match=message):
            await stocked.inventory.quote(_quoting(lines, attempt=attempt))
        with pytest.raises(refusal, match=message):
            await stocked.inventory.reserve(_reserving(lines, attempt=attempt))
    assert await _available(stocked) == _ALL


async def test_products_of_two_currencies_have_no_total(stocked: World) -> None:
    await stocked.inventory.set_stock(SetStock(product_id="Z-1", on_hand=3, currency="EUR"))
    with pytest.raises(MixedCurrencies, match="Z-1 is priced in EUR, not in USD"):
        await stocked.inventory.quote(_quoting(_lines(A_1=1, Z_1=1)))


async def test_several_products_are_reserved_shipped_and_taken_back_as_one(stocked: World) -> None:
    assert await stocked.inventory.reserve(_reserving(THREE)) == Reservation(product_id=None, quantity=6)
    assert await _available(stocked) == {"A-1": 4, "SKU-9": 7, "Z-1": 1}
    assert await stocked.warehouse.apply(_shipping(THREE)) == WarehouseApplied(product_id=None, quantity=6)
    assert await _shipped(stocked) == {"A-1": 1, "SKU-9": 3, "Z-1": 2}
    records = await stocked.warehouse.records(order_id="ord_1")
    assert {(record.product_id, record.quantity) for record in records} == {("A-1", 1), ("SKU-9", 3), ("Z-1", 2)}
    await stocked.warehouse.revert(undo("ship"))
    assert await _available(stocked) == {"A-1": 4, "SKU-9": 7, "Z-1": 1}
    await stocked.inventory.release(undo("reserve"))
    assert await _available(stocked) == _ALL
    assert await _shipped(stocked) == {}


async def test_several_products_released_before_they_are_taken_back_are_whole_again_too(stocked: World) -> None:
    await stocked.inventory.reserve(_reserving(THREE))
    await stocked.warehouse.apply(_shipping(THREE))
    await stocked.inventory.release(undo("reserve"))
    await stocked.warehouse.revert(undo("ship"))
    assert await _available(stocked) == _ALL


@pytest.mark.parametrize(
    "other", [_lines(Z_1=2, SKU_9=3), _lines(Z_1=2, SKU_9=3, A_1=2)], ids=["a line less", "another quantity"]
)
async def test_shipping_other_lines_than_were_reserved_writes_nothing(stocked: World, other: tuple[Line, ...]) -> None:
    await stocked.inventory.reserve(_reserving(THREE))
    with pytest.raises(EffectFenced, match=r"2 x Z-1, 3 x SKU-9.* are not reserved for ord_1"):
        await stocked.warehouse.apply(_shipping(other))
    assert await _shipped(stocked) == {}
    assert await stocked.warehouse.records() == []


async def test_orders_that_name_the_same_products_in_any_order_all_get_through(stocked: World) -> None:
    """Who locks two products in the order in which they were asked for waits for whoever asked the other way round."""
    for product_id in ("A-1", "Z-1", "SKU-9"):
        await stocked.inventory.set_stock(SetStock(product_id=product_id, on_hand=100))

    async def one(number: int) -> None:
        lines = THREE if number % 2 else THREE[::-1]
        await stocked.inventory.reserve(_reserving(lines, f"ord_{number}"))
        await stocked.warehouse.apply(_shipping(lines, f"ord_{number}"))
        if number % 3 == 0:
            await stocked.warehouse.revert(undo("ship", f"ord_{number}"))
            await stocked.inventory.release(undo("reserve", f"ord_{number}"))

    await asyncio.gather(*(one(number) for number in range(30)))
    assert await _shipped(stocked) == {"A-1": 20, "SKU-9": 60, "Z-1": 40}
    assert await _available(stocked) == {"A-1": 80, "SKU-9": 40, "Z-1": 60}
