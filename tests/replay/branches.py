"""Every way through the saga's table: what becomes of each step, and of the undo that then matters most.

It is made from the table itself: a step that is added has no recorded history, and a test says so.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, get_args

from flowforge.durable.placement import Placement
from flowforge.durable.table import Step, Undo
from flowforge.orders.saga import STEPS

Outcome = Literal["retried", "given-up", "refused", "failed", "cancelled"]
UndoOutcome = Literal["none", "done", "retried", "written-off"]

PLACEMENTS: Final[tuple[Placement, ...]] = get_args(Placement)
_UNWINDING: Final[tuple[Outcome, ...]] = ("refused", "failed", "cancelled")
_UNDO_OUTCOMES: Final[tuple[UndoOutcome, ...]] = ("done", "retried", "written-off")


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """One way through an order that takes every step of the table.

    Attributes:
        step: the step that matters.
        outcome: `retried` fails once; `given-up` fails until nobody tries any more; `refused` fails for good before its
            effect, `failed` after it; `cancelled` is where Temporal's own cancel comes during the step.
        undo: the undo that matters: of the last step that had its effect; the first to run where none had.
        undo_outcome: `none` where nothing is undone.
        placement: where steps run.
    """

    step: Step
    outcome: Outcome
    undo: Undo
    undo_outcome: UndoOutcome
    placement: Placement

    @property
    def name(self) -> str:
        """The name of its recorded history."""
        return f"{self.step.name}-{self.outcome}-undo-{self.undo_outcome}-{self.placement}"


def branches() -> Iterator[Branch]:
    """Return every branch of the table."""
    for placement in PLACEMENTS:
        undo = next(step.undo for step in STEPS if step.undo is not None)
        for step in STEPS:
            undo = step.undo or undo
            for outcome, undo_outcome in _outcomes(step):
                yield Branch(step=step, outcome=outcome, undo=undo, undo_outcome=undo_outcome, placement=placement)


def _outcomes(step: Step) -> Iterator[tuple[Outcome, UndoOutcome]]:
    yield "retried", "none"
    for outcome in _UNWINDING:
        if step.attempts is None or outcome == "cancelled":
            for undo_outcome in _UNDO_OUTCOMES:
                yield outcome, undo_outcome
    if step.attempts is not None:
        yield "given-up", "none"
