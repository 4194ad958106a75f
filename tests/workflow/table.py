"""The saga's table as the tests go through it: a step that is added is put to all of them."""

from typing import Any, Final

from temporalio import activity

from flowforge.orders.saga import PLAIN
from flowforge.services.faults import FAIL_AT_OPERATIONS


def name_of(do: Any) -> str:
    """Return an activity's name, which for a step is its operation in the ledger, too."""
    return activity._Definition.must_from_callable(do).name or ""


STEP_ACTIVITIES: Final = [name_of(step.do) for step in PLAIN]
UNDO_ACTIVITIES: Final = {name_of(step.undo.do): step.undo.name for step in reversed(PLAIN) if step.undo is not None}
"""The undos in the order in which they run, each with its name for people."""

UNDOABLE: Final = [name_of(step.do) for step in PLAIN if step.undo is not None]
FAIL_AT_LAST: Final = {do: name for name, do in FAIL_AT_OPERATIONS.items()}.get(STEP_ACTIVITIES[-1], "not known yet")
"""The fault after which everything is to be undone."""
