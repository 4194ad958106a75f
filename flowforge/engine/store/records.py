"""A run as readers see it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from flowforge.engine.core.outcomes import UndoStatus
from flowforge.engine.core.state import StepStatus
from flowforge.engine.core.stored import Stored
from flowforge.engine.core.views import RunStatus, StepView
from flowforge.engine.idempotency import start_id

ENDED: Final = frozenset({"completed", "failed", "compensated", "cancelled"})
"""The statuses in which a run is over."""

OPEN: Final = frozenset({"running", "waiting", "paused", "compensating", "needs_attention"})
"""The others that a row may have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRecord:
    """A step that a run has come to; the meanings are those of `contracts.StepChange`."""

    step_id: str
    view: StepView
    status: StepStatus
    visit: int
    attempts: int
    started_at: datetime | None
    ended_at: datetime | None
    result: Any
    error: Mapping[str, str] | None
    details: Mapping[str, Any]
    stored: Stored | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoRecord:
    """An undo of a run that turns back; the meanings are those of `contracts.UndoChange`."""

    key: str
    position: int
    step_id: str
    visit: int
    item: int | None
    action: str
    status: UndoStatus
    error: Mapping[str, str] | None
    written_off: str | None
    generation: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoCount:
    """How many undos of one step, in one generation of the run, are in one state."""

    generation: int
    step_id: str
    status: UndoStatus
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEvent:
    """One entry of a run's history."""

    id: int
    step_id: str | None
    status: str
    message: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """A run.

    Attributes:
        sequence: its place among all runs; 0 before it has a row.
        failure: `kind`, `code`, `message` and `step` of why it turns back.
        waiting: what it waits for, as `contracts.Waiting` has it.
        depth: how many runs have started one another before it: 0 where no run's step started it.
        timeout_s: how long it may go forward, as its starter said; None as its definition says.
        replay_of: the run whose input it was given again.
        steps: those it has come to; empty in lists.
        undos: those of a run that turns back, in the order in which they run, at most `MOST_UNDOS` of them, those that
            failed first; empty in lists.
        undo_counts: what became of all of them; empty in lists.
        starts: how often it was started, from 1: each retry after its end is one more.
        wish: what was asked for when it last began again.
        edits: what operators have put into its context, besides results of steps.
        replays: the runs that were given its input again, newest first; empty in lists.
        output_stored: what stands for the output, where that is kept elsewhere.
    """

    execution_id: str
    workflow_id: str
    revision: int
    status: RunStatus
    started_at: datetime
    sequence: int = 0
    updated_at: datetime | None = None
    ended_at: datetime | None = None
    input: Mapping[str, Any] = field(default_factory=dict)
    output: Any = None
    failure: Mapping[str, str | None] | None = None
    waiting: tuple[Mapping[str, Any], ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)
    tenant_id: str | None = None
    parent_execution_id: str | None = None
    generation: int = 1
    cancel_reason: str | None = None
    depth: int = 0
    timeout_s: float | None = None
    replay_of: str | None = None
    starts: int = 1
    wish: str | None = None
    edits: Mapping[str, Any] | None = None
    steps: tuple[StepRecord, ...] = ()
    undos: tuple[UndoRecord, ...] = ()
    undo_counts: tuple[UndoCount, ...] = ()
    replays: tuple[str, ...] = ()
    output_stored: Stored | None = None

    @property
    def temporal_id(self) -> str:
        """The name at Temporal of the workflow that works on it, or did last."""
        return start_id(self.execution_id, self.starts)

    @property
    def is_held(self) -> bool:
        """Whether it failed and waits for an operator before anything is undone."""
        return self.failure is not None and self.failure["kind"] == "held"

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.status in ENDED
