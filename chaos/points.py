"""Every fault point there is, taken from the saga's table, and what an order has to go through to reach it."""

from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from temporalio import activity

from flowforge.durable.placement import Placement
from flowforge.orders.returning import RETURN_STEPS
from flowforge.orders.saga import PLAIN, STEPS
from flowforge.services.fault_points import OPERATIONS, Moment
from flowforge.services.faults import FAIL_AT_OPERATIONS

Route = Literal["goes forward", "fails", "never begins", "needs attention", "is given up", "is held", "is returned"]
"""What happens to an order: nothing; its last step that can fail it fails; it is cancelled before a worker is there; an
undo refuses, and is tried again, or given up; it is paused before a worker is there, and resumed; it is taken back."""


def name_of(do: Any) -> str:
    """Return an activity's name, which for a step is its operation in the ledger, too."""
    return activity._Definition.must_from_callable(do).name or ""  # noqa: SLF001 -- the SDK keeps it nowhere else


FORWARD: Final = tuple(name_of(step.do) for step in STEPS)
UNDOABLE: Final = tuple(name_of(step.do) for step in STEPS if step.undo is not None)
UNDOS: Final = tuple(f"{operation}.undo" for operation in reversed(UNDOABLE))
UNDO_NAMES: Final = {f"{name_of(step.do)}.undo": step.undo.name for step in STEPS if step.undo is not None}
"""What people call an undo."""

ALWAYS: Final = tuple(name_of(step.do) for step in PLAIN)
"""The steps of the shortest orders; drills are done on orders that take every step."""

WRITE_OFFS: Final = tuple(f"{operation}.write_off" for operation in UNDOABLE)
RETURN: Final = (*(name_of(step.do) for step in RETURN_STEPS), "orders.returned")

LAST: Final = max(FAIL_AT_OPERATIONS, key=lambda name: FORWARD.index(FAIL_AT_OPERATIONS[name]))
"""The fault after which everything is to be undone."""

MOMENTS: Final[tuple[Moment, ...]] = get_args(Moment)
PLACEMENTS: Final[tuple[Placement, ...]] = ("auto", "queue")

_ROUTES: Final[dict[str, Route]] = {
    **dict.fromkeys((*FORWARD, "orders.close.completed"), "goes forward"),
    **dict.fromkeys((*UNDOS, "orders.close.compensating", "orders.close.failed"), "fails"),
    **dict.fromkeys(WRITE_OFFS, "is given up"),
    **dict.fromkeys(RETURN, "is returned"),
    "orders.close.cancelled": "never begins",
    "orders.close.needs_attention": "needs attention",
    "orders.close.paused": "is held",
    "orders.close.running": "is held",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A place where a worker can die: an operation's transaction, and when."""

    operation: str
    moment: Moment

    def __str__(self) -> str:
        return f"{self.operation}:{self.moment}"

    @property
    def route(self) -> Route:
        """How an order comes here.

        Raises:
            KeyError: nothing in the saga's table leads here.
        """
        return _ROUTES[self.operation]


def every_point() -> list[Point]:
    """Return all of them."""
    return [Point(operation=operation, moment=moment) for operation in OPERATIONS for moment in MOMENTS]
