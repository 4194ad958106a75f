"""Orders on a real Temporal: how they end, and that they end whole."""

import pytest

from flowforge.services.faults import FAIL_AT_OPERATIONS
from tests.workflow.shop import Shop

FORWARD = ["check_inventory", "reserve_inventory", "process_payment", "update_warehouse"]
BACK = ["revert_warehouse", "refund_payment_by_idempotency_key", "release_inventory"]


async def test_good_order_completes_with_every_step_and_nothing_undone(shop: Shop) -> None:
    before = await shop.stock()
    record = await shop.end(await shop.place())
    assert record.status == "completed"
    assert list(record.steps_completed) == FORWARD
    assert (record.amount_minor, record.currency) == (3998, "USD")
    assert record.current_step is None
    assert not record.compensation_triggered
    assert list(record.compensations) == []
    [payment] = await shop.services.payments.payments(order_id=record.order_id)
    assert (payment.charge_id, payment.status, payment.amount_minor) == (record.charge_id, "charged", 3998)
    on_hand, reserved, shipped = await shop.stock()
    assert (on_hand, reserved, shipped) == (before[0] - 2, 0, before[2] + 2)


@pytest.mark.parametrize(("position", "fail_at"), list(enumerate(list(FAIL_AT_OPERATIONS)[: len(FORWARD)])))
async def test_step_fails_after_its_effect_everything_is_undone(shop: Shop, position: int, fail_at: str) -> None:
    # Every step but the first has an undo.
    step, completed, undone = FORWARD[position], FORWARD[:position], BACK[len(BACK) - position :]
    before = await shop.stock()
    record = await shop.end(await shop.place(fail_at=fail_at))
    assert (record.status, record.failure_code) == ("failed", "injected_fault")
    assert record.failure_reason == f"{step} failed 3 times: FAIL_AT={fail_at}"
    assert list(record.steps_completed) == completed
    assert [undo.name for undo in record.compensations] == BACK
    assert [undo.name for undo in record.compensations if undo.status == "completed"] == undone
    assert all(undo.status in {"completed", "not_needed"} for undo in record.compensations)
    assert record.compensation_triggered is bool(undone)
    assert await shop.stock() == before
    assert all(payment.status == "refunded" for payment in await shop.services.payments.payments())
    told = [event.status for event in record.events if event.step == step]
    assert told == ["started", "failed", "failed", "failed", *(["compensating", "compensated"] if undone else [])]
    assert [event.id for event in record.events] == list(range(1, len(record.events) + 1))
