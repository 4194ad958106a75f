"""A step or an undo answers, or fails, with 3 MB, more than Temporal takes: it is tried again, and nothing is lost."""

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any, Final

import pytest
from temporalio.exceptions import ApplicationError

from flowforge.orders.contracts import OrderOptions
from flowforge.orders.saga import STEPS
from tests.workflow.shop import Hook, Shop
from tests.workflow.table import name_of

TOO_MUCH: Final = "x" * 3_000_000
STEP_ACTIVITIES: Final = [name_of(step.do) for step in STEPS]
UNDO_ACTIVITIES: Final = [name_of(step.undo.do) for step in STEPS if step.undo is not None]
CLOSE: Final = "orders.close"


def talkative_once() -> Callable[[Any], Any]:
    """Return what makes one answer too large."""
    given = 0

    def answer(right: Any) -> Any:
        nonlocal given
        given += 1
        return right if given > 1 else {**asdict(right), "more": TOO_MUCH}

    return answer


def loud_twice() -> Hook:
    """Return a hook that fails the first attempts with more than anybody reads, in either placement."""

    async def hook(count: int) -> None:
        if count <= 2:
            raise ConnectionError(TOO_MUCH)

    return hook


def say_too_much(shop: Shop, activity: str, *, fails: bool) -> None:
    """Have an activity answer with too much once, or fail with it."""
    if fails:
        shop.hooks.before[activity] = loud_twice()
    else:
        shop.hooks.answers[activity] = talkative_once()


@pytest.fixture
def options(options: OrderOptions) -> OrderOptions:
    """Orders that may take every step there is."""
    return replace(options, payment_capture="after_warehouse")


@pytest.mark.parametrize("fails", [False, True], ids=["answer", "failure"])
@pytest.mark.parametrize("activity", [*STEP_ACTIVITIES, CLOSE])
async def test_step_says_too_much_order_completes(shop: Shop, activity: str, *, fails: bool) -> None:
    say_too_much(shop, activity, fails=fails)
    record = await shop.end(await shop.place(ship=True))
    assert (record.status, record.steps_completed) == ("completed", tuple(step.name for step in STEPS))


@pytest.mark.parametrize("fails", [False, True], ids=["answer", "failure"])
@pytest.mark.parametrize("activity", [*UNDO_ACTIVITIES, CLOSE])
async def test_undo_says_too_much_order_is_made_whole(shop: Shop, activity: str, *, fails: bool) -> None:
    before = await shop.stock()
    say_too_much(shop, activity, fails=fails)
    record = await shop.end(await shop.place(ship=True, fail_at="shipment"))
    assert (record.status, record.failure_code) == ("failed", "injected_fault")
    assert {each.status for each in record.compensations} == {"completed"}
    assert await shop.stock() == before


async def test_refusal_says_too_much_it_stays_one_and_is_told_in_short(shop: Shop) -> None:
    async def refuse(_count: int) -> None:
        raise ApplicationError(TOO_MUCH, type="card_declined", non_retryable=True)

    shop.hooks.before["payments.charge"] = refuse
    record = await shop.end(await shop.place())
    assert (record.status, record.failure_code) == ("failed", "card_declined")
    assert shop.hooks.runs.count("payments.charge") == 1
    assert record.failure_reason is not None
    assert len(record.failure_reason) < 2_000
