"""The saga of a run, as the services' ledgers know it: every effect has the key of its unit of work."""

from typing import Final

from flowforge.durable.fence import StepCall, Undone, UndoStep
from flowforge.engine.actions.contract import ActionCall
from flowforge.engine.actions.declaration import NotNeeded, Refused

UNITS_A_VISIT: Final = 100_001
"""A step as a whole, and the most items that it can have: so visits and items make one number."""

WITHIN_RUN: Final = {"inventory.release": "inventory.reserve", "warehouse.revert": "warehouse.apply"}
"""The undos in the saga of their run, and what they undo."""


def saga_of(call: ActionCall) -> str:
    """Return the saga of a run, a new one each time it starts over. No order's id looks like it."""
    return f"{call.execution_id}.{call.generation}"


def within_run(call: ActionCall) -> StepCall:
    """Return a step's call in the saga of its run, in which steps find what others did under the same visit and item.

    There may be one step of a kind in it: a second one finds the outcome of the first.
    """
    occurrence = (call.visit - 1) * UNITS_A_VISIT + (0 if call.item is None else call.item + 1)
    return _step_call(call, saga_of(call), occurrence)


def by_itself(call: ActionCall) -> StepCall:
    """Return a step's call in a saga of its own: nothing that other steps do meets it."""
    visit = f"#{call.visit}" if call.visit > 1 else ""
    item = "" if call.item is None else f"[{call.item}]"
    return _step_call(call, f"{saga_of(call)}/{call.step_id}{visit}{item}", 0)


def undo_of(step: StepCall) -> UndoStep:
    """Return the undo of a step.

    Raises:
        Refused: this is no undo: a step that only takes back would find nothing of its own.
    """
    if step.undo is None:
        raise Refused("not_an_undo", f"{step.step}: this action undoes another one; name it as a compensation")
    return UndoStep(call=step)


def undone(answer: Undone) -> NotNeeded | None:
    """Return what a service says of an undo as an action's answer."""
    return NotNeeded() if answer.status == "not_needed" else None


def _step_call(call: ActionCall, saga_id: str, occurrence: int) -> StepCall:
    return StepCall(
        saga_id=saga_id,
        step=call.step_id,
        undo=call.action if call.undo else None,
        occurrence=occurrence,
        labels=call.labels,
    )
