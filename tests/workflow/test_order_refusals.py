"""What the business refuses, what the world breaks, and that the one never becomes the other."""

from dataclasses import replace

import pytest
from temporalio.client import Client
from temporalio.exceptions import ApplicationError

from flowforge.orders.contracts import OrderOptions
from tests.workflow.shop import Shop, open_shop
from tests.workflow.table import STEP_ACTIVITIES, UNDOABLE


@pytest.mark.parametrize(
    ("wishes", "code", "refused_by"),
    [
        ({"product_id": "SKU-999"}, "unknown_product", 0),
        ({"quantity": 1_000_001}, "out_of_stock", 0),
        ({"payment_method": "tok_chargeDeclined"}, "card_declined", 2),
        ({"payment_method": "tok_insufficientFunds"}, "insufficient_funds", 2),
        ({"payment_method": "tok_nobodyKnows"}, "unknown_payment_method", 2),
    ],
)
async def test_business_refuses_order_fails_with_its_code_at_the_first_attempt(
    shop: Shop, wishes: dict[str, object], code: str, refused_by: int
) -> None:
    before = await shop.stock()
    record = await shop.end(await shop.place(**wishes))
    assert (record.status, record.failure_code) == ("failed", code)
    assert len(record.steps_completed) == refused_by
    assert shop.hooks.runs.count(STEP_ACTIVITIES[refused_by]) == 1
    assert await shop.stock() == before


async def test_network_fails_twice_payment_is_tried_again_and_the_order_completes(shop: Shop) -> None:
    record = await shop.end(await shop.place(payment_method="tok_networkError"))
    assert record.status == "completed"
    assert shop.hooks.runs.count("payments.charge") == 3


@pytest.mark.parametrize("activity", STEP_ACTIVITIES)
async def test_step_fails_for_good_before_its_effect_order_is_made_whole(shop: Shop, activity: str) -> None:
    async def fail(_count: int) -> None:
        raise ApplicationError("made to fail", type="injected_fault", non_retryable=True)

    before = await shop.stock()
    shop.hooks.before[activity] = fail
    record = await shop.end(await shop.place())
    assert (record.status, record.failure_code) == ("failed", "injected_fault")
    undone = [undo.status for undo in reversed(record.compensations)]
    begun = STEP_ACTIVITIES[: STEP_ACTIVITIES.index(activity)]
    assert undone == ["completed" if each in begun else "not_needed" for each in UNDOABLE]
    assert await shop.stock() == before


@pytest.mark.parametrize("activity", STEP_ACTIVITIES)
async def test_step_fails_for_a_while_order_completes(shop: Shop, activity: str) -> None:
    async def fail_four_times(count: int) -> None:
        if count <= 4:
            raise ConnectionError("the network is down")

    shop.hooks.before[activity] = fail_four_times
    record = await shop.end(await shop.place())
    assert record.status == "completed"
    assert shop.hooks.runs.count(activity) == 5


@pytest.mark.parametrize("activity", STEP_ACTIVITIES)
async def test_step_fails_until_the_deadline_order_unwinds_with_step_timeout(
    client: Client, sqlite_url: str, options: OrderOptions, activity: str
) -> None:
    async def fail(_count: int) -> None:
        raise ConnectionError("the network is down")

    async with open_shop(client, sqlite_url, replace(options, deadline_s=1.0)) as shop:
        before = await shop.stock()
        shop.hooks.before[activity] = fail
        record = await shop.end(await shop.place())
        assert (record.status, record.failure_code) == ("failed", "step_timeout")
        assert record.failure_reason is not None
        assert record.failure_reason.endswith("did not finish before the order's deadline of 1 s")
        assert await shop.stock() == before
