"""An order's events tell one story: none of them is from before the one that it comes after."""

from datetime import UTC, datetime, timedelta

from flowforge.durable.fence import StepCall
from flowforge.orders.progress import Progress
from flowforge.services.journal import Entry

_NOW = datetime(2030, 1, 1, tzinfo=UTC)


def entry(step: str, completed: tuple[str, ...], began_s: float) -> Entry:
    """Return the outcome of a step that began at a time and was written 10 ms later."""
    began = _NOW + timedelta(seconds=began_s)
    call = StepCall(saga_id="ord_1", step=step, attempt=1, completed=completed)
    return Entry(
        call=call,
        operation=step,
        state="applied",
        outcome={},
        started_at=began,
        at=began + timedelta(milliseconds=10),
    )


def test_step_has_completed_before_the_next_one_is_started() -> None:
    progress = Progress(product_id="SKU-001", quantity=1)
    progress.record(entry("check_inventory", (), 0))
    progress.record(entry("reserve_inventory", ("check_inventory",), 1))
    told = [(event.step, event.status, event.timestamp - _NOW) for event in progress.new_events]
    assert told == [
        ("check_inventory", "started", timedelta()),
        ("check_inventory", "completed", timedelta(seconds=1)),
        ("reserve_inventory", "started", timedelta(seconds=1)),
    ]
