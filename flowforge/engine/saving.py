"""What a run tells its row after every turn, and what the row answers. Fields are only ever added."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from flowforge.engine.actions.contract import ActionAnswer, ActionCall
from flowforge.engine.contracts import Carried, RunRequest
from flowforge.engine.core.outcomes import UndoStatus
from flowforge.engine.core.state import StepStatus
from flowforge.engine.core.stored import Stored
from flowforge.engine.core.views import RunStatus, StepView

SAVE = "engine.save"
"""The activity that writes what a turn of a run has changed."""

BEGIN = "engine.begin"
"""The activity that does that, and then begins the only step that comes of the turn."""

BEGUN = "engine.begun"
"""The type with which it fails where the step failed: its cause is that failure, its detail `StepBegun.after_s`."""

EventStatus = RunStatus | StepView
"""What an event tells: how the run is, or how a step is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepChange:
    """A step as it is now.

    Attributes:
        view: what people call it.
        status: what became of it.
        visit: the how-manieth visit this is.
        attempts: how often its action was tried, as far as that is known.
        started_at: when this visit began, ISO 8601 in UTC.
        ended_at: when it ended.
        error: `code` and `message`, where it did not succeed.
        details: what its action told beside its result.
        stored: what stands for its result, where that is kept elsewhere.
    """

    step_id: str
    view: StepView
    status: StepStatus
    visit: int = 1
    attempts: int = 0
    started_at: str | None = None
    ended_at: str | None = None
    result: Any = None
    error: Mapping[str, str] | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    stored: Stored | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoChange:
    """An undo as it is now; `key` names its unit of work, `position` counts them in the order of their starts."""

    key: str
    position: int
    step_id: str
    visit: int
    item: int | None
    action: str
    status: UndoStatus
    error: Mapping[str, str] | None = None
    written_off: str | None = None
    generation: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One entry of a run's history; `id` counts 1, 2, 3 …; without a step it is the run's own."""

    id: int
    status: EventStatus
    at: str
    step_id: str | None = None
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What a unit of work waits for; `wake_at` is ISO 8601 in UTC."""

    step_id: str
    item: int | None = None
    event: str | None = None
    wake_at: str | None = None
    reason: str | None = None
    schema: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Remembered:
    """Something that it takes to undo a run whose workflow is gone.

    Attributes:
        kind: an `undo`, a `value` that compensations read, or the `items` of a step.
        name: of the undo its key, of the others whose they are.
        content: as JSON.
        place: counts undos in the order of their starts; 0 where it is known already.
        is_forgotten: whether it is not needed any more.
    """

    kind: Literal["undo", "value", "items"]
    name: str
    content: Any = None
    place: int = 0
    is_forgotten: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SaveRun:
    """Write what a turn has changed.

    Attributes:
        run_id: Temporal's id of the run that writes.
        history: how long its history was when its task began, `task_at` when that was, ISO 8601 in UTC, and `turn`
            which turn it is: of two writes by one run, the one that is behind is a zombie's.
        opening: the run as it was accepted, without its definition, to open its row; None once it has one.
        called_off: why somebody has called it off who found no row to mark; None once it has one.
        at: when the turn was taken, ISO 8601 in UTC.
        status: what the run is called now.
        failure: `code`, `message` and `step` of why it turns back; its `kind` is the core's, or `held` while an
            operator is to decide about it.
        output: what it gives back, once it has completed.
        waiting: what it waits for.
        is_over: whether this is its end.
        reopens: whether a run that had completed is undone after all.
        revision: which revision of its definition it walks.
        start: the how-manieth start of the run this is; an earlier one's writes are a zombie's.
        generation: how often it began from nothing.
        wish: what was asked for when it last began again.
        edits: what an operator has put into its context since the last turn, besides results of steps.
        rest: with what it goes on, should somebody have it go on after this end.
        output_stored: what stands for the output, where that is kept elsewhere.
        remembered: what has changed of what it would take to undo it from outside.
        places: how many places of undos are taken with this turn, of those that it would take to undo the run.
        undo_places: how many are taken of those that it undoes, or has undone: `undos` tells of them.
        local_effects: whether steps that change something run inside its workflow tasks: what one of those began that
            was discarded may have happened.
        next_event: the number of the next entry of its history, after those that this turn tells.
        hooks: the addresses that its definition wants told: `onComplete`, `onFailure`, `onStep`.
        abandoned: whether it is undone from outside: what its own workflow writes from then on is none of the row's.
    """

    execution_id: str
    run_id: str
    history: int
    turn: int
    at: str
    status: RunStatus
    opening: RunRequest | None = None
    failure: Mapping[str, str | None] | None = None
    output: Any = None
    waiting: tuple[Waiting, ...] = ()
    steps: tuple[StepChange, ...] = ()
    undos: tuple[UndoChange, ...] = ()
    events: tuple[Transition, ...] = ()
    is_over: bool = False
    reopens: bool = False
    revision: int = 1
    start: int = 1
    generation: int = 1
    wish: str | None = None
    edits: Mapping[str, Any] = field(default_factory=dict)
    rest: Carried | None = None
    output_stored: Stored | None = None
    remembered: tuple[Remembered, ...] = ()
    places: int = 0
    undo_places: int = 0
    abandoned: bool = False
    hooks: Mapping[str, str] = field(default_factory=dict)
    local_effects: bool = False
    next_event: int = 0
    task_at: str | None = None
    called_off: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSaved:
    """The row after a save.

    Attributes:
        status: what it says now; other than what was written where an earlier end had won.
        is_over: whether the run has ended, as its row has it.
        cancel_reason: why somebody called the run off, where somebody did.
        is_behind: whether nothing was written because a later turn had been, or another start of the run.
    """

    status: RunStatus
    is_over: bool = False
    cancel_reason: str | None = None
    is_behind: bool = False

    @property
    def goes_on(self) -> bool:
        """Whether the turn is the row's, and nothing in it speaks against what comes of the turn."""
        return not self.is_over and not self.is_behind and self.cancel_reason is None


@dataclass(frozen=True, slots=True, kw_only=True)
class BeginStep:
    """Write a turn of which nothing comes but one step, and then begin that."""

    turn: SaveRun
    call: ActionCall


@dataclass(frozen=True, slots=True, kw_only=True)
class StepBegun:
    """What became of both.

    Attributes:
        saved: the row after the save; None where it could not be written.
        answer: the step's; None where it was not begun.
        after_s: seconds that the save took.
    """

    saved: RunSaved | None = None
    answer: ActionAnswer | None = None
    after_s: float = 0.0
