"""Reading orders: by name, by page, by filter, and their events."""

from tests.integration.orders.shop import Shop


async def test_order_is_found_by_either_name(shop: Shop) -> None:
    placed = shop.order(order_id="ord_w.mine", workflow_id="mine")
    await placed.do("check_inventory")
    assert await shop.reads.get("mine") == await shop.reads.get("ord_w.mine") == await placed.row()
    assert await shop.reads.get("other") is None


async def test_lists_are_newest_first_and_page_without_gaps(shop: Shop) -> None:
    for number in (5, 3, 9, 1, 7):
        await shop.order(number).do("check_inventory")
    first = await shop.reads.list(limit=2)
    second = await shop.reads.list(limit=2, before=first[-1].order_id)
    third = await shop.reads.list(limit=2, before=second[-1].order_id)
    assert [row.order_id for row in (*first, *second, *third)] == ["ord_7", "ord_1", "ord_9", "ord_3", "ord_5"]
    assert await shop.reads.list(before="ord_none") == []


async def test_lists_are_filtered_by_status_and_customer(shop: Shop) -> None:
    await (await shop.order(1, customer_id="ann").do_all()).close("completed")
    await shop.order(2, customer_id="ann").do("check_inventory")
    await shop.order(3, customer_id="bob").do("check_inventory")
    assert [row.order_id for row in await shop.reads.list(customer_id="ann")] == ["ord_2", "ord_1"]
    assert [row.order_id for row in await shop.reads.list(customer_id="ann", status="running")] == ["ord_2"]
    assert [row.order_id for row in await shop.reads.open_orders()] == ["ord_3", "ord_2"]


async def test_lists_carry_each_orders_own_events(shop: Shop) -> None:
    await shop.order(1).do_all("reserve_inventory")
    await shop.order(2).do("check_inventory")
    rows = await shop.reads.list()
    assert [len(row.events) for row in rows] == [1, 3]
    assert rows[1] == await shop.reads.get("ord_1")


async def test_events_continue_after_an_id(shop: Shop) -> None:
    await shop.order().do_all("process_payment")
    assert [event.id for event in await shop.reads.events("ord_1", after=3)] == [4, 5]
    assert [event.id for event in await shop.reads.events("ord_1", limit=2)] == [1, 2]
    status, events = await shop.reads.progress("ord_1", after=4)
    assert (status, [event.id for event in events]) == ("running", [5])
    assert await shop.reads.progress("ord_none", after=0) == (None, [])


async def test_counts_are_of_everything(shop: Shop) -> None:
    await shop.order().do_all()
    assert await shop.reads.counts() == {"orders": 1, "inventory": 3, "payments": 1, "warehouse": 1}


async def test_alive_while_the_database_answers(shop: Shop) -> None:
    assert await shop.reads.is_alive()
    await shop.database.close()
    assert not await shop.reads.is_alive()
