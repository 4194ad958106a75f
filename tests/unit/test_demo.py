"""The demo's screen: what events become, how an end is judged, and what a terminal shows."""

import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from rich.console import Console

from flowforge.cli import demo_view
from flowforge.cli.demo_runs import ShownRun
from flowforge.cli.demo_saga import Row, ShownSaga

ACCEPTED = datetime(2026, 1, 1, tzinfo=UTC)
ORDER: dict[str, Any] = {
    "status": "failed",
    "quantity": 2,
    "amount_minor": 3998,
    "currency": "USD",
    "failure_reason": "update_warehouse failed",
    "compensations": [
        {"name": "revert_warehouse", "status": "not_needed"},
        {"name": "refund_payment_by_idempotency_key", "status": "completed"},
        {"name": "release_inventory", "status": "completed"},
    ],
}


def event(step: str, status: str, message: str = "", ms: int = 5) -> dict[str, Any]:
    return {"step": step, "status": status, "message": message, "timestamp": f"2026-01-01T00:00:00.{ms:03d}Z"}


def payment(phase: str) -> dict[str, Any]:
    status = "charged" if phase == "captured" else "refunded"
    return {"status": status, "phase": phase, "amount_minor": 3998, "currency": "USD"}


def test_undo_gets_a_row_of_its_own_below_the_steps() -> None:
    saga = ShownSaga("order")
    saga.take(event("process_payment", "completed", "charged 39.98 USD (ch_01)", 7), ACCEPTED)
    saga.take(event("process_payment", "compensating", "undoing"), ACCEPTED)
    saga.take(event("process_payment", "compensated", "refunded 39.98 USD", 9), ACCEPTED)
    assert saga.rows[2] == Row("process_payment", "done", "charged 39.98 USD", 7)
    assert saga.rows[4:] == [Row("refund_payment_by_idempotency_key", "undone", "refunded 39.98 USD", 9)]


@pytest.mark.parametrize("phase", ["refunded", "voided"])
def test_order_that_failed_and_was_not_paid_in_the_end_is_made_whole(phase: str) -> None:
    saga = ShownSaga("order")
    saga.end(ORDER, [payment(phase)], should="failed")
    assert (saga.verdict, saga.is_as_it_should) == (f"made whole: 39.98 USD {phase}, 2 units released", True)


@pytest.mark.parametrize(
    ("change", "phase"),
    [({}, "captured"), ({"status": "needs_attention"}, "refunded"), ({"status": "compensating"}, "refunded")],
)
def test_order_that_keeps_something_is_not_as_it_should(change: dict[str, Any], phase: str) -> None:
    saga = ShownSaga("order")
    saga.end({**ORDER, **change}, [payment(phase)], should="failed")
    assert "not made whole" in saga.verdict
    assert not saga.is_as_it_should


@pytest.mark.parametrize(("should", "is_right"), [("completed", True), ("failed", False)])
def test_order_that_completed_is_right_where_it_was_meant_to(should: str, *, is_right: bool) -> None:
    saga = ShownSaga("order")
    saga.end({**ORDER, "status": "completed", "compensations": []}, [payment("captured")], should=should)
    assert saga.is_as_it_should == is_right


async def test_terminal_of_80_columns_shows_every_row_on_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_view, "PAUSE_S", 0)
    saga = ShownSaga("Failing order")

    async def rows() -> AsyncIterator[Row]:
        yield saga.take(
            event("update_warehouse", "failed", "update_warehouse failed 3 times: FAIL_AT=warehouse"), ACCEPTED
        )
        yield saga.take(event("process_payment", "compensated", "refunded 39.98 USD", 999), ACCEPTED)
        saga.end(ORDER, [payment("refunded")], should="failed")

    screen = io.StringIO()
    await demo_view.show(Console(file=screen, force_terminal=True, width=80, color_system=None), [(saga, rows())])
    last = screen.getvalue().split("Failing order")[-1].splitlines()
    assert last[4].rstrip() == "✖ update_warehouse                  failed 3 times: FAIL_AT=warehouse       5 ms"
    assert last[5].rstrip() == "↩ refund_payment_by_idempotency_key refunded 39.98 USD                    999 ms"
    assert "= made whole: 39.98 USD refunded, 2 units released" in last[6]


def test_reason_of_a_failing_run_fits_in_its_row() -> None:
    run = ShownRun("Failing run", should="compensated")
    told = {"stepId": "CreateShipment", "timestamp": "2026-01-01T00:00:00.005Z"}
    why = "the input asks for a failure at CreateShipment"
    row = run.take({**told, "status": "failed", "message": why}, {}, ACCEPTED)
    assert row == Row("CreateShipment", "failed", "the input asks for a failure", 5)
