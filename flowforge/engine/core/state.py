"""Everything that is known of a run at one moment. States are values: never changed, compared and hashed by content.

Results are carried and never looked at; they count for equality, not for the hash, since JSON values have none.
"""

from dataclasses import dataclass, field
from typing import Any, Final, Literal

from flowforge.engine.core.keys import Key
from flowforge.engine.core.outcomes import Failure, OutcomeKind, StepError, UndoStatus, Wait
from flowforge.engine.core.table import Table

Phase = Literal[
    "new", "forward", "held", "stopping", "undoing", "attention", "completed", "failed", "compensated", "cancelled"
]
Stage = Literal[
    "condition",
    "waiting",
    "items",
    "queued",
    "running",
    "suspended",
    "cancelling",
    "transition",
    "output",
    "undoing",
    "delayed",
]
StepStatus = Literal["pending", "active", "succeeded", "failed", "skipped", "cancelled"]
"""What became of a step; one that is `pending` was come to before, and is to be come to again."""


Way = Literal["", "open", "shut", "branch"]
"""What a step that has ended means for those that depend on it: go, do not go, or only its error branch goes."""

ENDED: Final = frozenset({"completed", "failed", "compensated", "cancelled"})
"""The phases in which a run is over."""

RUN: Final = Key("")
"""Stands for the run as a whole among the units of work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A unit of work that is under way.

    Attributes:
        stage: how far it is: its condition or items are being decided, it waits before its action, it is queued for a
            place, runs, is suspended, is being cancelled, its ways on or the run's output are being decided; it is
            being undone, or its undo has taken so long that the next one has begun beside it.
        wait: what it waits for while suspended.
    """

    stage: Stage
    wait: Wait | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedItem:
    """An item that did not succeed, in a visit, and how."""

    item: int
    visit: int
    kind: OutcomeKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Items:
    """The progress of a step that runs once for each item.

    Attributes:
        count: how many items there are.
        value: the list, or what stands for it.
        visit: the visit in which they were listed; items that are tried again come in later ones.
        next: the first item that has not started.
        results: what the items gave, by position; None where there is nothing yet.
        failed: the items that did not succeed.
        again: items that are to start another time, before `next`.
        error: what the first failure was.
    """

    count: int
    value: Any = field(default=None, hash=False)
    visit: int = 1
    next: int = 0
    results: tuple[Any, ...] = field(default=(), hash=False)
    failed: tuple[FailedItem, ...] = ()
    again: tuple[Key, ...] = ()
    error: StepError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepState:
    """A step that has been come to. One that has not has none.

    Attributes:
        status: what became of it.
        visit: the how-manieth visit this is.
        way: what its end means for those that depend on it.
        kind: how its action ended, where it did.
        error: why it did not succeed.
        items: its items, where it has some.
    """

    status: StepStatus
    visit: int = 1
    way: Way = ""
    kind: OutcomeKind | None = None
    error: StepError | None = None
    items: Items | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoEntry:
    """An undo, registered before its action was started.

    Attributes:
        key: the forward key.
        status: what became of it.
        starts: how often the action was started under this key: again only by an operator's retry; 0 where it may have
            begun, and the run does not know of it.
        answered: whether the action gave a result.
        result: that result.
        item: the item, in a tuple of its own, once a later visit has other items; it may be None itself.
        error: why it failed.
        written_off: who gave it up and why.
    """

    key: Key
    status: UndoStatus = "pending"
    starts: int = 1
    answered: bool = False
    result: Any = field(default=None, hash=False)
    item: tuple[Any, ...] = field(default=(), hash=False)
    error: StepError | None = None
    written_off: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A run at one moment.

    Attributes:
        generation: counts how often it began from nothing, from 1; keys of different generations are different keys.
        phase: where it is: going forward; held by an operator's wish after a failure; stopping what is in flight;
            undoing; waiting for attention; or ended, in one of four ways.
        paused: whether no further action may start.
        steps: what became of the steps.
        tasks: what is under way.
        backlog: the queued ones among them, first come first; on the way back, undos that are to be tried again.
        undos: every undo, in the order in which their actions were started.
        cursor: how many of the undos, from the first, have not been begun.
        repeated: those that were started again by an operator in the same visit: their undo is registered.
        failure: why it turns back.
        values: results, by step id and output key, and what an operator edited.
        mail: events that came before anybody waited for them.
        output: what the completed run gives back.
    """

    generation: int = 1
    phase: Phase = "new"
    paused: bool = False
    steps: Table[str, StepState] = field(default_factory=Table)
    tasks: Table[Key, Task] = field(default_factory=Table)
    backlog: tuple[Key, ...] = ()
    undos: tuple[UndoEntry, ...] = ()
    cursor: int = 0
    repeated: frozenset[Key] = frozenset()
    failure: Failure | None = None
    values: Table[str, Any] = field(default_factory=Table, hash=False)
    mail: tuple[tuple[str, Any], ...] = field(default=(), hash=False)
    output: Any = field(default=None, hash=False)

    @property
    def is_over(self) -> bool:
        """Whether the run has ended."""
        return self.phase in ENDED
