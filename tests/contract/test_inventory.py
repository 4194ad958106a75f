"""What every inventory does."""

import asyncio

import pytest

from flowforge.durable.fence import UndoStep
from flowforge.errors import Conflict, OutOfStock, UnknownProduct, Unprocessable
from flowforge.services.inventory.contracts import Quote, QuoteOrder, SetStock
from flowforge.services.lines import Line
from tests.contract.worlds import World, forward, reservation, undo


def quoting(quantity: int, product_id: str = "SKU-9", attempt: int = 1) -> QuoteOrder:
    lines = (Line(product_id=product_id, quantity=quantity),)
    return QuoteOrder(call=forward("quote", attempt=attempt), lines=lines)


async def test_quote_multiplies_the_price_and_moves_nothing(world: World) -> None:
    quote = await world.inventory.quote(quoting(3))
    assert quote == Quote(product_id="SKU-9", quantity=3, unit_price_minor=1999, amount_minor=5997, currency="USD")
    assert await world.stock() == (10, 10, 0, 0)


async def test_quote_given_again_is_the_recorded_one_whatever_changed_since(world: World) -> None:
    first = await world.inventory.quote(quoting(3))
    await world.inventory.set_stock(SetStock(product_id="SKU-9", on_hand=0, unit_price_minor=5))
    assert await world.inventory.quote(quoting(3, attempt=2)) == first


async def test_quote_of_more_than_there_is_refuses(world: World) -> None:
    with pytest.raises(OutOfStock, match="11 x SKU-9 asked for, 10 available"):
        await world.inventory.quote(quoting(11))


@pytest.mark.parametrize("step", ["quote", "reserve"])
async def test_unknown_product_refuses(world: World, step: str) -> None:
    with pytest.raises(UnknownProduct, match="unknown product SKU-0"):
        if step == "quote":
            await world.inventory.quote(quoting(1, "SKU-0"))
        else:
            await world.inventory.reserve(reservation(product_id="SKU-0"))


async def test_reserve_and_release_move_units_between_available_and_reserved(world: World) -> None:
    await world.inventory.reserve(reservation(4))
    assert await world.stock() == (10, 6, 4, 0)
    await world.inventory.release(undo("reserve"))
    assert await world.stock() == (10, 10, 0, 0)


async def test_reserve_of_the_last_units_succeeds_and_of_one_more_refuses(world: World) -> None:
    await world.inventory.reserve(reservation(10))
    with pytest.raises(OutOfStock):
        await world.inventory.reserve(reservation(1, saga_id="ord_2"))
    assert await world.stock() == (10, 0, 10, 0)


async def test_occurrences_of_one_saga_are_apart(world: World) -> None:
    request = reservation(2)
    await world.inventory.reserve(request)
    second = forward("reserve", occurrence=1)
    await world.inventory.reserve(type(request)(call=second, lines=(Line(product_id="SKU-9", quantity=3),)))
    assert await world.stock() == (10, 5, 5, 0)
    await world.inventory.release(undo("reserve", occurrence=1))
    assert await world.stock() == (10, 8, 2, 0)


async def test_fifty_orders_for_ten_units_reserve_ten(world: World) -> None:
    answers = await asyncio.gather(
        *(world.inventory.reserve(reservation(1, saga_id=f"ord_{number}")) for number in range(50)),
        return_exceptions=True,
    )
    assert sum(isinstance(answer, OutOfStock) for answer in answers) == 40
    assert await world.stock() == (10, 0, 10, 0)


async def test_apply_and_undo_racing_end_undone(world: World) -> None:
    async def one(saga_id: str) -> None:
        await asyncio.gather(
            world.inventory.reserve(reservation(1, saga_id=saga_id)),
            world.inventory.release(UndoStep(call=undo("reserve", saga_id).call)),
            return_exceptions=True,
        )

    await asyncio.gather(*(one(f"ord_{number}") for number in range(40)))
    assert await world.stock() == (10, 10, 0, 0)


async def test_set_stock_keeps_what_is_reserved(world: World) -> None:
    await world.inventory.reserve(reservation(4))
    level = await world.inventory.set_stock(SetStock(product_id="SKU-9", on_hand=7, name="Desk lamp"))
    assert (level.on_hand, level.available, level.reserved, level.name) == (7, 3, 4, "Desk lamp")
    assert level == await world.level()


async def test_set_stock_below_what_is_reserved_conflicts(world: World) -> None:
    await world.inventory.reserve(reservation(4))
    with pytest.raises(Conflict, match="4 units of SKU-9 are reserved"):
        await world.inventory.set_stock(SetStock(product_id="SKU-9", on_hand=3))
    assert await world.stock() == (10, 6, 4, 0)


async def test_set_stock_of_a_new_product_needs_name_and_price(world: World) -> None:
    with pytest.raises(Unprocessable, match="name, price and currency are needed"):
        await world.inventory.set_stock(SetStock(product_id="SKU-NEW", on_hand=3, name="Vase"))
    await world.inventory.set_stock(
        SetStock(product_id="SKU-NEW", on_hand=3, name="Vase", unit_price_minor=700, currency="EUR")
    )
    assert (await world.level("SKU-NEW")).unit_price_minor == 700


async def test_levels_come_by_product_id_up_to_the_limit(world: World) -> None:
    for product_id in ("A-2", "A-1"):
        await world.inventory.set_stock(
            SetStock(product_id=product_id, on_hand=1, name="x", unit_price_minor=1, currency="USD")
        )
    assert [level.product_id for level in await world.inventory.levels(limit=2)] == ["A-1", "A-2"]


async def test_levels_after_a_product_go_on_by_id(world: World) -> None:
    for product_id in ("Z-2", "Z-1"):
        await world.inventory.set_stock(
            SetStock(product_id=product_id, on_hand=1, name="Lamp", unit_price_minor=1, currency="USD")
        )
    first = await world.inventory.levels(limit=1, after="SKU-9")
    rest = await world.inventory.levels(after=first[-1].product_id)
    assert [level.product_id for level in (*first, *rest)] == ["Z-1", "Z-2"]
