"""The worker is killed at every commit of an order, and before it; another one ends the order whole."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from temporalio.client import Client

from flowforge.durable.placement import Placement
from flowforge.orders.contracts import OrderOptions
from flowforge.services.fault_points import Moment
from tests.chaos.effects import EFFECTS, OPERATIONS, Mark, effects_of
from tests.chaos.nursery import Nursery
from tests.workflow.shop import open_counter

FORWARD = (*OPERATIONS, "orders.close.completed")
BACK = (
    "orders.close.compensating",
    "warehouse.apply.undo",
    "payments.charge.undo",
    "inventory.reserve.undo",
    "orders.close.failed",
)
MOMENTS: tuple[Moment, ...] = ("inside", "after-commit")
PLACEMENTS: tuple[Placement, ...] = ("auto", "queue")


@dataclass(frozen=True, kw_only=True)
class Case:
    """One kill.

    Attributes:
        point: the transaction at which the worker dies.
        cancelled: whether the order is cancelled after the kill and before another worker is there.
    """

    point: str
    moment: Moment
    placement: Placement
    cancelled: bool

    @property
    def fails(self) -> bool:
        """Whether the order is one that fails at the warehouse."""
        return self.point in BACK

    def ends(self) -> set[str]:
        """Return how the order may end."""
        if not self.cancelled:
            return {"failed" if self.fails else "completed"}
        committed = self.moment == "after-commit"
        match self.point:
            case "orders.close.completed":
                return {"completed"} if committed else {"completed", "cancelled"}
            case "orders.close.compensating":
                # Until the row is taken from running, the failure is known to the dead worker alone.
                return {"failed"} if committed else {"failed", "cancelled"}
            case _:
                return {"failed" if self.fails else "cancelled"}

    def ledger(self, ended: str) -> Mapping[str, set[Mark | None]]:
        """Return, for an order that ended so, the marks that each ledger row may have; None is no row."""
        if ended == "completed":
            return {operation: {"applied"} for operation in OPERATIONS}
        marks: dict[str, set[Mark | None]] = {operation: {"undone"} for operation in EFFECTS}
        marks["inventory.quote"] = {"applied"}
        if self.fails or self.point == "orders.close.completed":
            return marks
        killed_at = OPERATIONS.index(self.point)
        for operation in EFFECTS:
            if OPERATIONS.index(operation) > killed_at:
                marks[operation] = {"tombstone"}
        if self.moment == "inside":
            # Rolled back; through the queue it may be delivered again before the cancellation arrives.
            never: Mark | None = "tombstone" if killed_at else None
            again = marks[self.point] if self.placement == "queue" else set()
            marks[self.point] = {never, *again}
        return marks


async def see(case: Case, client: Client, nursery: Nursery, folder: Path) -> None:
    """Kill, cancel where the case says so, start another worker, and look at what it makes of the order."""
    options = OrderOptions(
        placement=case.placement, forward_max_interval_s=0.05, undo_max_interval_s=0.05, attempt_timeout_s=3
    )
    async with open_counter(client, folder, options) as counter:
        before = await counter.stock()
        victim = await nursery.worker(counter, f"kill:{case.point}:{case.moment}")
        placed = await counter.place(fail_at="warehouse" if case.fails else None)
        await victim.died_by_itself()
        if case.cancelled:
            await counter.handle(placed).cancel()
        heir = await nursery.worker(counter)
        record = await counter.end(placed)
        effects = await effects_of(counter, placed.order_id)
        after = await counter.stock()
        await heir.end()
    assert record.status in case.ends()
    for operation, marks in case.ledger(record.status).items():
        assert effects.ledger.get(operation) in marks, (operation, effects)
    assert effects.agree_with_the_ledger(), effects
    on_hand, reserved, shipped = before
    assert after == ((on_hand - 2, reserved, shipped + 2) if record.status == "completed" else before)


async def see_every_point(
    client: Client, nursery: Nursery, folder: Path, placement: Placement, moment: Moment, *, cancelled: bool
) -> None:
    """Look at a kill at every point, all at once: each has a database, a task queue and workers of its own."""
    cases = [Case(point=point, moment=moment, placement=placement, cancelled=cancelled) for point in (*FORWARD, *BACK)]
    outcomes = await asyncio.gather(*(see(case, client, nursery, folder) for case in cases), return_exceptions=True)
    for case, outcome in zip(cases, outcomes, strict=True):
        if outcome is not None:
            outcome.add_note(f"in {case}")
    wrong = [outcome for outcome in outcomes if outcome is not None]
    if wrong:
        raise BaseExceptionGroup("orders that did not end whole", wrong)


@pytest.mark.parametrize("placement", PLACEMENTS)
@pytest.mark.parametrize("moment", MOMENTS)
async def test_worker_killed_order_ends_whole(
    client: Client, nursery: Nursery, tmp_path: Path, moment: Moment, placement: Placement
) -> None:
    await see_every_point(client, nursery, tmp_path, placement, moment, cancelled=False)


@pytest.mark.parametrize("placement", PLACEMENTS)
@pytest.mark.parametrize("moment", MOMENTS)
async def test_worker_killed_and_order_cancelled_it_ends_whole(
    client: Client, nursery: Nursery, tmp_path: Path, moment: Moment, placement: Placement
) -> None:
    await see_every_point(client, nursery, tmp_path, placement, moment, cancelled=True)
