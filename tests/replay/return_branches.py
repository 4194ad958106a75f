"""Every way through a return: what becomes of each of its steps; and how a real one is sent there."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, get_args

from temporalio.client import WorkflowFailureError

from flowforge.durable.placement import Placement
from flowforge.errors import Conflict
from flowforge.ids import workflow_id_of_return
from flowforge.orders.activities import OrderActivities
from flowforge.orders.returning import RETURN_STEPS
from tests.replay.branches import PLACEMENTS
from tests.replay.walk import failing, failing_for_good
from tests.workflow.shop import Gate, Shop
from tests.workflow.table import name_of

ReturnOutcome = Literal["retried", "repeated", "refused", "cancelled"]

_ACTIVITIES: Final = {step.name: name_of(step.do) for step in RETURN_STEPS} | {
    "mark_returned": name_of(OrderActivities.mark_returned)
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnBranch:
    """One way through a return that takes every step of its table.

    Attributes:
        step: the step that matters.
        outcome: `retried` fails once before its effect, `repeated` after it; `refused` ends the return; `cancelled` is
            where Temporal's own cancel comes during the step, which changes nothing.
        placement: where steps run.
    """

    step: str
    outcome: ReturnOutcome
    placement: Placement

    @property
    def name(self) -> str:
        """The name of its recorded history."""
        return f"return-{self.step}-{self.outcome}-{self.placement}"


def return_branches() -> Iterator[ReturnBranch]:
    """Return every branch of the table, and of what ends it."""
    for placement in PLACEMENTS:
        for step in _ACTIVITIES:
            for outcome in get_args(ReturnOutcome):
                yield ReturnBranch(step=step, outcome=outcome, placement=placement)


async def walk_back(branch: ReturnBranch, shop: Shop) -> str:
    """Have an order completed and returned down the branch; return the history of the return as JSON."""
    placed = await shop.place(ship=True)
    await shop.end(placed)
    do, gate = _ACTIVITIES[branch.step], Gate(at=2)
    match branch.outcome:
        case "retried":
            shop.hooks.before[do] = failing(1)
        case "repeated":
            shop.hooks.after[do] = failing(1)
        case "refused":
            shop.hooks.before[do] = failing_for_good("account_closed")
        case "cancelled":
            shop.hooks.before[do] = gate
    asked = asyncio.create_task(shop.returns.take_back(placed.order_id, "req_return"))
    run = shop.client.get_workflow_handle(workflow_id_of_return(placed.workflow_id))
    if branch.outcome == "cancelled":
        await gate.reached.wait()
        await run.cancel()
        gate.open()
    try:
        await asked
        await run.result()
    except (Conflict, WorkflowFailureError):
        if branch.outcome != "refused":
            raise
    return (await run.fetch_history()).to_json()
