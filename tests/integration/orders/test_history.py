"""The order's attempts, as the transactions of its steps write them and as they are read."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from flowforge.errors import EffectFenced, OutOfStock
from flowforge.orders.history import Attempt
from flowforge.services.inventory.contracts import QuoteOrder
from flowforge.services.journal import FailedAttempt
from flowforge.services.lines import Line
from tests.integration.orders.shop import STEPS, PlacedOrder, Shop

REFUND = "refund_payment_by_idempotency_key"


async def history(shop: Shop, *, limit: int = 100) -> Sequence[Attempt]:
    found = await shop.reads.attempts("ord_1", limit=limit)
    assert found is not None
    return found


def told(attempts: Sequence[Attempt]) -> list[tuple[str, int, str]]:
    return [(attempt.undo or attempt.step, attempt.attempt, attempt.outcome) for attempt in attempts]


async def test_every_step_of_a_completed_order_is_one_attempt(shop: Shop) -> None:
    await shop.order().do_all()
    attempts = await history(shop)
    assert told(attempts) == [(step, 1, "applied") for step in STEPS]
    assert {attempt.error_code for attempt in attempts} == {None}
    for attempt in attempts:
        assert attempt.started_at is not None
        assert attempt.ended_at is not None
        assert attempt.started_at <= attempt.ended_at


async def test_an_attempt_tells_who_ran_it_and_where(shop: Shop) -> None:
    placed = shop.order()
    call = placed.call("check_inventory").on_attempt(1, worker="7@here", placement="local")
    await shop.services.inventory.quote(QuoteOrder(call=call, lines=(Line(product_id="SKU-001", quantity=2),)))
    [attempt] = await history(shop)
    assert (attempt.worker, attempt.placement) == ("7@here", "local")


async def test_undos_are_attempts_too(shop: Shop) -> None:
    placed = await shop.order().do_all("reserve_inventory")
    await placed.fail("process_payment")
    await placed.undo_all()
    assert told(await history(shop))[2:] == [
        ("revert_warehouse", 1, "not_needed"),
        (REFUND, 1, "not_needed"),
        ("release_inventory", 1, "undone"),
    ]


async def test_a_refusal_tells_its_reason(shop: Shop) -> None:
    with pytest.raises(OutOfStock):
        await shop.order(quantity=1_000_001).do("check_inventory")
    [attempt] = await history(shop)
    assert (attempt.outcome, attempt.error_code) == ("refused", "out_of_stock")
    assert attempt.error_message


async def test_a_delivery_that_only_read_its_outcome_is_an_attempt(shop: Shop) -> None:
    placed = await shop.order().do_all("check_inventory")
    await placed.do("reserve_inventory", answered=False)
    await placed.do("reserve_inventory", attempt=2)
    with pytest.raises(OutOfStock):
        await shop.order(2, quantity=1_000_001).do("check_inventory")
    with pytest.raises(OutOfStock):
        await shop.order(2, quantity=1_000_001).do("check_inventory", attempt=2)
    assert told(await history(shop))[1:] == [("reserve_inventory", 1, "applied"), ("reserve_inventory", 2, "replayed")]
    again = await shop.reads.attempts("ord_2", limit=9)
    assert again is not None
    assert [(each.outcome, each.error_code) for each in again] == [
        ("refused", "out_of_stock"),
        ("replayed", "out_of_stock"),
    ]


async def test_a_late_delivery_that_found_its_step_undone_is_fenced(shop: Shop) -> None:
    placed = await shop.order().do_all("check_inventory")
    await placed.fail("reserve_inventory")
    await placed.undo("reserve_inventory")
    await placed.undo("reserve_inventory", attempt=2)
    with pytest.raises(EffectFenced):
        await placed.do("reserve_inventory")
    attempts = await history(shop)
    assert told(attempts)[1:] == [
        ("release_inventory", 1, "not_needed"),
        ("release_inventory", 2, "replayed"),
        ("reserve_inventory", 1, "fenced"),
    ]
    assert attempts[-1].error_code == "effect_fenced"


async def test_a_failed_attempt_tells_its_error(shop: Shop) -> None:
    placed = await shop.order().do_all("check_inventory")
    await placed.fail_attempt("reserve_inventory", attempt=1)
    await placed.do("reserve_inventory", attempt=2)
    attempts = await history(shop)
    assert told(attempts)[1:] == [("reserve_inventory", 1, "failed"), ("reserve_inventory", 2, "applied")]
    assert (attempts[1].error_code, attempts[1].error_message) == ("fault", "it broke")


async def test_an_attempt_that_failed_after_its_effect_says_both(shop: Shop) -> None:
    placed = shop.order()
    began = datetime.now(UTC)
    await placed.do("check_inventory", answered=False)
    await _answer(placed, "check_inventory", began, retried=True)
    [attempt] = await history(shop)
    assert (attempt.outcome, attempt.error_code) == ("applied", "injected_fault")


async def test_an_earlier_attempt_of_the_same_number_keeps_its_word(shop: Shop) -> None:
    placed = shop.order()
    await placed.do("check_inventory", answered=False)
    await _answer(placed, "check_inventory", datetime.now(UTC) + timedelta(seconds=1), retried=True)
    assert [(each.outcome, each.error_code) for each in await history(shop)] == [
        ("applied", None),
        ("failed", "injected_fault"),
    ]


async def test_an_attempt_refused_without_a_record_is_told_without_a_word_to_the_row(shop: Shop) -> None:
    placed = await shop.order().do_all("check_inventory")
    before = await placed.row()
    await _answer(placed, "reserve_inventory", datetime.now(UTC), retried=False)
    assert told(await history(shop))[1:] == [("reserve_inventory", 1, "refused")]
    assert await placed.row() == before


async def test_numbers_that_are_missing_are_attempts_that_were_lost(shop: Shop) -> None:
    placed = await shop.order().do_all("check_inventory")
    await placed.do("reserve_inventory", attempt=3)
    await placed.fail("process_payment")
    await placed.undo("reserve_inventory", attempt=2)
    attempts = await history(shop)
    assert told(attempts)[1:] == [
        ("reserve_inventory", 1, "lost"),
        ("reserve_inventory", 2, "lost"),
        ("reserve_inventory", 3, "applied"),
        ("release_inventory", 1, "lost"),
        ("release_inventory", 2, "undone"),
    ]
    assert {(each.started_at, each.ended_at, each.worker) for each in attempts if each.outcome == "lost"} == {
        (None, None, None)
    }


async def test_a_lost_attempt_that_comes_late_is_lost_no_more(shop: Shop) -> None:
    placed = await shop.order().do_all("check_inventory")
    await placed.do("reserve_inventory", attempt=2)
    await placed.do("reserve_inventory", attempt=1)
    assert told(await history(shop))[1:] == [("reserve_inventory", 2, "applied"), ("reserve_inventory", 1, "replayed")]


async def test_pages_hold_every_attempt_once(shop: Shop) -> None:
    placed = await shop.order().do_all("check_inventory")
    await placed.do("reserve_inventory", attempt=4)
    await placed.do("process_payment")
    whole = await history(shop)
    paged: list[Attempt] = []
    while found := await shop.reads.attempts("ord_1", limit=2, after=paged[-1].place if paged else None):
        paged += found
    assert paged == whole
    assert len(whole) == 6


async def test_history_has_either_name_and_no_row_no_history(shop: Shop) -> None:
    await shop.order().do_all("check_inventory")
    assert await shop.reads.attempts("order-ord_1", limit=9) == await history(shop)
    assert await shop.reads.attempts("ord_2", limit=9) is None


async def test_a_failed_attempt_of_an_order_without_a_row_is_left_out(shop: Shop) -> None:
    placed = shop.order()
    await placed.fail_attempt("check_inventory")
    await placed.do("check_inventory", attempt=2)
    assert told(await history(shop)) == [("check_inventory", 1, "lost"), ("check_inventory", 2, "applied")]


async def _answer(placed: PlacedOrder, step: str, started_at: datetime, *, retried: bool) -> None:
    """Have an attempt fail that began then."""
    call = replace(placed.call(step), placement="queue")
    await placed.shop.journal.attempt_failed(
        FailedAttempt(
            call=call,
            operation="any",
            code="injected_fault",
            message="FAIL_AT=x",
            retried=retried,
            started_at=started_at,
            at=started_at,
        )
    )
