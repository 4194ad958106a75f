"""Units that an ended order still holds are given back whole, once, and the audit is content again."""

import asyncio

import pytest
from sqlalchemy import Connection, text

from flowforge.orders.audit import audit
from flowforge.orders.standstill import ended_with_units
from flowforge.services.inventory.contracts import ReserveInventory
from flowforge.services.inventory.leftovers import Leftovers, LeftUnits
from flowforge.services.lines import Line
from tests.integration.orders.shop import PlacedOrder, Shop


async def _violations(shop: Shop) -> list[str]:
    return [finding.check.area for finding in await shop.database.read(audit) if finding.is_violation]


async def _stock(shop: Shop) -> dict[str, tuple[int, int, int]]:
    levels = await shop.services.inventory.levels()
    return {level.product_id: (level.on_hand, level.available, level.reserved) for level in levels}


async def _failed_without_releasing(shop: Shop, *lines: Line) -> PlacedOrder:
    placed = shop.order()
    await placed.do("check_inventory")
    await shop.services.inventory.reserve(ReserveInventory(call=placed.call("reserve_inventory"), lines=lines))
    await placed.fail("process_payment")
    await placed.close("failed")
    return placed


async def test_failed_order_holds_units_they_are_given_back(shop: Shop) -> None:
    before = await _stock(shop)
    lines = (Line(product_id="SKU-002", quantity=1), Line(product_id="SKU-001", quantity=2))
    placed = await _failed_without_releasing(shop, *lines)
    assert await _violations(shop) == ["stock"]
    assert await shop.database.read(ended_with_units, 10) == [placed.order.order_id]
    left = await Leftovers(shop.database).release(placed.order.order_id)
    assert left == [LeftUnits(product_id="SKU-001", quantity=2), LeftUnits(product_id="SKU-002", quantity=1)]
    assert await _stock(shop) == before
    assert await _violations(shop) == []
    assert await shop.database.read(ended_with_units, 10) == []


async def test_several_give_the_same_units_back_they_come_back_once(shop: Shop) -> None:
    before = await _stock(shop)
    placed = await _failed_without_releasing(shop, Line(product_id="SKU-001", quantity=2))
    leftovers = Leftovers(shop.database)
    given = await asyncio.gather(*(leftovers.release(placed.order.order_id) for _ in range(10)))
    assert sorted(map(len, given)) == [*[0] * 9, 1]
    assert await _stock(shop) == before


async def test_release_comes_late_it_finds_it_done(shop: Shop) -> None:
    before = await _stock(shop)
    placed = await _failed_without_releasing(shop, Line(product_id="SKU-001", quantity=2))
    await Leftovers(shop.database).release(placed.order.order_id)
    await placed.undo("reserve_inventory")
    assert await _stock(shop) == before
    assert await _violations(shop) == []


async def test_completed_order_holds_units_beside_those_shipped_only_they_come_back(shop: Shop) -> None:
    placed = await shop.order().do_all()
    await placed.close("completed")
    before = await _stock(shop)

    def reserve_more(connection: Connection) -> None:
        connection.execute(
            text("""
                insert into reservations (saga_id, occurrence, product_id, quantity, state, created_at)
                select saga_id, occurrence, 'SKU-002', 3, 'open', created_at from reservations
            """)
        )
        taken = "update products set available = available - 3, reserved = reserved + 3 where product_id = 'SKU-002'"
        connection.execute(text(taken))

    await shop.database.write(reserve_more)
    assert await shop.database.read(ended_with_units, 10) == [placed.order.order_id]
    await Leftovers(shop.database).release(placed.order.order_id)
    assert await _stock(shop) == before
    assert await _violations(shop) == ["once"]  # it says what nobody can mend: reserved once, shipped in part


@pytest.mark.parametrize("upto", ["reserve_inventory", "process_payment", "update_warehouse"])
async def test_open_order_holds_units_nobody_minds(shop: Shop, upto: str) -> None:
    await shop.order(1).do_all(upto)
    await (await shop.order(2).do_all()).close("completed")
    assert await shop.database.read(ended_with_units, 10) == []
