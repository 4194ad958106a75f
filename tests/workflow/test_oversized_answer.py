"""A step or an undo answers with 3 MB, more than Temporal takes: its next attempt answers from the ledger."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import pytest

from tests.workflow.shop import Shop
from tests.workflow.table import FAIL_AT_LAST, STEP_ACTIVITIES, UNDO_ACTIVITIES


def talkative_once() -> Callable[[Any], Any]:
    """Return what makes one answer too large."""
    given = 0

    def answer(right: Any) -> Any:
        nonlocal given
        given += 1
        return right if given > 1 else {**asdict(right), "more": "x" * 3_000_000}

    return answer


@pytest.mark.parametrize("step", STEP_ACTIVITIES)
async def test_step_answers_too_much_order_completes(shop: Shop, step: str) -> None:
    shop.hooks.answers[step] = talkative_once()
    assert (await shop.end(await shop.place())).status == "completed"


@pytest.mark.parametrize("undo", UNDO_ACTIVITIES)
async def test_undo_answers_too_much_order_is_made_whole(shop: Shop, undo: str) -> None:
    before = await shop.stock()
    shop.hooks.answers[undo] = talkative_once()
    record = await shop.end(await shop.place(fail_at=FAIL_AT_LAST))
    assert (record.status, record.failure_code) == ("failed", "injected_fault")
    assert await shop.stock() == before
