"""What every warehouse does, and how it shares the stock with the inventory."""

import pytest

from flowforge.errors import EffectFenced
from flowforge.services.warehouse.contracts import Restocked, RestockReturn
from tests.contract.worlds import World, forward, reservation, shipping, undo


async def _ship(world: World, quantity: int = 2, saga_id: str = "ord_1") -> None:
    await world.inventory.reserve(reservation(quantity, saga_id))
    await world.warehouse.apply(shipping(quantity, saga_id))


async def test_apply_ships_what_was_reserved(world: World) -> None:
    await _ship(world, 3)
    assert await world.stock() == (7, 7, 0, 3)
    [record] = await world.warehouse.records()
    assert (record.order_id, record.product_id, record.quantity, record.status) == ("ord_1", "SKU-9", 3, "applied")


async def test_revert_and_release_give_everything_back(world: World) -> None:
    await _ship(world, 3)
    await world.warehouse.revert(undo("ship"))
    assert await world.stock() == (10, 7, 3, 0)
    await world.inventory.release(undo("reserve"))
    assert await world.stock() == (10, 10, 0, 0)
    assert [record.status for record in await world.warehouse.records()] == ["reverted"]


async def test_release_before_revert_gives_everything_back_too(world: World) -> None:
    await _ship(world, 3)
    await world.inventory.release(undo("reserve"))
    assert await world.stock() == (7, 7, 0, 3)
    await world.warehouse.revert(undo("ship"))
    assert await world.stock() == (10, 10, 0, 0)


async def test_units_of_a_returned_order_are_available_again_once(world: World) -> None:
    await _ship(world, 3)
    for attempt in (1, 2):
        assert await world.warehouse.restock(RestockReturn(call=forward("restock", attempt=attempt))) == Restocked(
            quantity=3
        )
        assert await world.stock() == (10, 10, 0, 0)
    assert [record.status for record in await world.warehouse.records()] == ["returned"]


async def test_nothing_that_was_taken_back_is_returned(world: World) -> None:
    await _ship(world, 3)
    await world.warehouse.revert(undo("ship"))
    assert (await world.warehouse.restock(RestockReturn(call=forward("restock")))).quantity == 0
    assert await world.stock() == (10, 7, 3, 0)


@pytest.mark.parametrize("reserved", [0, 1])
async def test_apply_without_its_reservation_writes_nothing(world: World, reserved: int) -> None:
    if reserved:
        await world.inventory.reserve(reservation(reserved))
    before = await world.stock()
    with pytest.raises(EffectFenced, match="are not reserved for ord_1"):
        await world.warehouse.apply(shipping(2))
    assert await world.stock() == before
    assert await world.warehouse.records() == []


async def test_records_are_listed_newest_first_by_page_and_by_order(world: World) -> None:
    for number in (3, 1, 4, 2):
        await _ship(world, 1, f"ord_{number}")
    assert [record.order_id for record in await world.warehouse.records(limit=2)] == ["ord_2", "ord_4"]
    newest = await world.warehouse.records(limit=2)
    older = await world.warehouse.records(limit=2, before=newest[-1].number)
    assert [record.order_id for record in older] == ["ord_1", "ord_3"]
    assert [record.order_id for record in await world.warehouse.records(order_id="ord_1")] == ["ord_1"]
    assert list(await world.warehouse.records(before=older[-1].number)) == []
