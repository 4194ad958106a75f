"""An order tried again is a new order with a saga of its own, linked to the first one."""

import asyncio

import pytest

from flowforge.durable.placement import Placement
from flowforge.errors import Conflict, NotFound
from tests.workflow.shop import Gate, Shop
from tests.workflow.table import FAIL_AT_LAST


async def test_failed_order_is_tried_again_and_completes_as_asked_for_at_first(shop: Shop) -> None:
    first = await shop.place(fail_at=FAIL_AT_LAST, quantity=3, customer_id="cust_7")
    await shop.end(first)
    again = await shop.control.retry(first.order_id, "req_again")
    assert again.workflow_id == f"{first.workflow_id}~2"
    assert again.order_id == f"{first.order_id}~2"
    record = await shop.end(again)
    assert (record.status, record.retry_of, record.retried_by) == ("completed", first.order_id, None)
    assert (record.customer_id, record.quantity) == ("cust_7", 3)
    linked = await shop.gateway.get(first.order_id)
    assert (linked.status, linked.retried_by) == ("failed", again.order_id)


async def test_tried_again_and_again_the_orders_are_a_chain(shop: Shop, placement: Placement) -> None:
    last = await shop.place(workflow_id=f"mine-{placement}", payment_method="tok_chargeDeclined")
    await shop.end(last)
    for number in (2, 3):
        again = await shop.control.retry(last.workflow_id, "req_again")
        assert (again.order_id, again.workflow_id) == (f"ord_w.mine-{placement}~{number}", f"mine-{placement}~{number}")
        record = await shop.end(again)
        assert (record.status, record.retry_of) == ("failed", last.order_id)
        last = again


async def test_cancelled_order_is_tried_again_and_its_mark_is_not_carried_over(shop: Shop) -> None:
    gate = Gate()
    shop.hooks.before["payments.charge"] = gate
    first = await shop.place()
    await gate.reached.wait()
    await shop.control.cancel(first.order_id, "by mistake")
    gate.open()
    assert (await shop.end(first)).status == "cancelled"
    again = await shop.control.retry(first.order_id, "req_again")
    assert (await shop.end(again)).status == "completed"


async def test_tried_again_twice_the_second_is_told_which_order_it_was(shop: Shop) -> None:
    first = await shop.place(fail_at=FAIL_AT_LAST)
    await shop.end(first)
    again = await shop.control.retry(first.order_id, "req_1")
    with pytest.raises(Conflict, match=again.order_id):
        await shop.control.retry(first.order_id, "req_2")
    await shop.end(again)
    with pytest.raises(Conflict, match=again.order_id):
        await shop.control.retry(first.workflow_id, "req_3")


async def test_thirty_try_it_again_at_once_one_order_comes_of_it(shop: Shop) -> None:
    first = await shop.place(fail_at=FAIL_AT_LAST)
    await shop.end(first)
    tries = (shop.control.retry(first.order_id, f"req_{number}") for number in range(30))
    answers = await asyncio.gather(*tries, return_exceptions=True)
    [again] = [answer for answer in answers if not isinstance(answer, BaseException)]
    assert all(
        isinstance(answer, Conflict) and again.order_id in answer.message for answer in answers if answer != again
    )
    await shop.end(again)
    assert sorted(each.status for each in await shop.reads.list()) == ["completed", "failed"]


async def test_order_that_completed_or_runs_is_not_tried_again(shop: Shop) -> None:
    gate = Gate()
    shop.hooks.after["orders.close"] = gate
    placed = await shop.place()
    await gate.reached.wait()
    with pytest.raises(Conflict, match="only a failed or cancelled order is tried again; the order is completed"):
        await shop.control.retry(placed.order_id, "req_again")
    gate.open()
    await shop.end(placed)
    with pytest.raises(NotFound):
        await shop.control.retry("ord_never", "req_again")


async def test_key_goes_on_naming_the_order_that_was_placed_with_it_first(shop: Shop, placement: Placement) -> None:
    first = await shop.place(idempotency_key=f"again {placement}", fail_at=FAIL_AT_LAST)
    await shop.end(first)
    again = await shop.control.retry(first.order_id, "req_again")
    await shop.end(again)
    replayed = await shop.place(idempotency_key=f"again {placement}")
    assert (replayed.order_id, replayed.replayed) == (first.order_id, True)
    assert (await shop.gateway.get(replayed.order_id)).retried_by == again.order_id


async def test_retry_was_terminated_before_its_first_step_it_is_tried_again(shop: Shop) -> None:
    first = await shop.place(fail_at=FAIL_AT_LAST)
    await shop.end(first)
    gate = Gate(at=2)
    shop.hooks.before["inventory.quote"] = gate
    lost = await shop.control.retry(first.order_id, "req_1")
    await gate.reached.wait()
    await shop.handle(lost).terminate()
    with pytest.raises(NotFound):
        await shop.gateway.get(lost.order_id)
    tries = (shop.control.retry(first.order_id, f"req_{number}") for number in range(10))
    answers = await asyncio.gather(*tries, return_exceptions=True)
    assert [answer for answer in answers if not isinstance(answer, Conflict)] == [lost]
    gate.open()  # what the terminated run had begun is a delivery like any other
    record = await shop.end(lost)
    assert (record.status, record.retry_of) == ("completed", first.order_id)
    with pytest.raises(Conflict, match=lost.order_id):
        await shop.control.retry(first.order_id, "req_x")


async def test_retry_was_terminated_after_its_first_step_its_row_decides(shop: Shop) -> None:
    first = await shop.place(fail_at=FAIL_AT_LAST)
    await shop.end(first)
    gate = Gate(at=2)
    shop.hooks.after["inventory.quote"] = gate
    lost = await shop.control.retry(first.order_id, "req_1")
    await gate.reached.wait()
    await shop.handle(lost).terminate()
    with pytest.raises(Conflict, match=lost.order_id):
        await shop.control.retry(first.order_id, "req_2")
    gate.open()
