"""The worker is killed at every commit of an order, and before it; another one ends the order whole."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
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


def options_for(placement: Placement) -> OrderOptions:
    """Return options that do not make the test wait: for pauses, and for attempts of which nobody will hear again."""
    return OrderOptions(placement=placement, forward_max_interval_s=0.05, undo_max_interval_s=0.05, attempt_timeout_s=3)


async def see(case: Case, client: Client, nursery: Nursery, folder: Path) -> None:
    """Kill, cancel where the case says so, start another worker, and look at what it makes of the order."""
    async with open_counter(client, folder, options_for(case.placement)) as counter:
        before = await counter.stock()
        victim = await nursery.worker(counter, f"kill:{case.point}:{case.moment}")
        placed = await counter.place(fail_at="warehouse" if case.fails else None)
        await victim.died_during(counter.handle(placed))
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


async def see_unbegun(case: Case, client: Client, nursery: Nursery, folder: Path) -> None:
    """Cancel an order before any worker is there, kill the first while it unwinds, and look at what another makes."""
    async with open_counter(client, folder, options_for(case.placement)) as counter:
        before = await counter.stock()
        placed = await counter.place()
        await counter.handle(placed).cancel()
        victim = await nursery.worker(counter, f"kill:{case.point}:{case.moment}")
        await victim.died_during(counter.handle(placed))
        heir = await nursery.worker(counter)
        record = await counter.end(placed)
        effects = await effects_of(counter, placed.order_id)
        after = await counter.stock()
        await heir.end()
    assert record.status == "cancelled"
    assert effects.ledger == dict.fromkeys(EFFECTS, "tombstone")
    assert effects.agree_with_the_ledger(), effects
    assert after == before


async def see_all(cases: list[Case], look: Callable[[Case], Awaitable[None]]) -> None:
    """Look at many cases at once: each has a database, a task queue and workers of its own."""
    outcomes = await asyncio.gather(*map(look, cases), return_exceptions=True)
    for case, outcome in zip(cases, outcomes, strict=True):
        if outcome is not None:
            outcome.add_note(f"in {case}")
    wrong = [outcome for outcome in outcomes if outcome is not None]
    if wrong:
        raise BaseExceptionGroup("orders that did not end whole", wrong)


@pytest.mark.parametrize("cancelled", [False, True], ids=["goes-on", "is-cancelled"])
@pytest.mark.parametrize("placement", PLACEMENTS)
@pytest.mark.parametrize("moment", MOMENTS)
async def test_worker_killed_order_ends_whole(
    client: Client,
    nursery: Nursery,
    tmp_path: Path,
    moment: Moment,
    placement: Placement,
    cancelled: bool,  # noqa: FBT001 -- a parameter
) -> None:
    cases = [Case(point=point, moment=moment, placement=placement, cancelled=cancelled) for point in (*FORWARD, *BACK)]
    await see_all(cases, partial(see, client=client, nursery=nursery, folder=tmp_path))


@pytest.mark.parametrize("placement", PLACEMENTS)
async def test_worker_killed_while_an_order_that_never_began_unwinds_it_ends_cancelled(
    client: Client, nursery: Nursery, tmp_path: Path, placement: Placement
) -> None:
    cases = [
        Case(point=point, moment=moment, placement=placement, cancelled=True)
        for point in (*BACK[:-1], "orders.close.cancelled")
        for moment in MOMENTS
    ]
    await see_all(cases, partial(see_unbegun, client=client, nursery=nursery, folder=tmp_path))
