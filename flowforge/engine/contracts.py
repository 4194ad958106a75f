"""Frozen inputs and results of a run and of its own activities; fields are only ever added."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from flowforge.engine.core.outcomes import UndoStatus
from flowforge.engine.core.state import StepStatus
from flowforge.engine.core.views import RunStatus, StepView

RUN_WORKFLOW = "RunWorkflow"
"""The workflow's type in Temporal."""

SAVE = "engine.save"
"""The activity that writes what a turn of a run has changed."""

CANCEL_RUN = "engine.cancel_run"
"""The activity that has Temporal take a run for cancelled whose row is."""

PREPARE_CHILD = "engine.prepare_child"
"""The activity that looks up what a run that another one starts needs."""

EventStatus = Literal[
    "pending",
    "running",
    "waiting",
    "paused",
    "compensating",
    "completed",
    "failed",
    "compensated",
    "cancelled",
    "needs_attention",
    "success",
    "skipped",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How a run is tried; fixed when it starts, so that a replay does the same.

    Attributes:
        attempt_timeout_s: seconds that one attempt of an action may take, where its step does not say less.
        heartbeat_timeout_s: seconds of silence after which an attempt's worker is taken for dead.
        local_timeout_s: the same as `attempt_timeout_s` for an attempt inside a workflow task.
        patience_s: seconds for which a step's faults are retried where neither the step nor the run has a limit.
        forward_max_interval_s: longest pause between two attempts of an action, in seconds.
        undo_max_interval_s: longest pause between two attempts of an undo, in seconds.
        undo_patience_s: seconds after which the next undo begins beside one that is still being tried.
        longest_history: after how many of Temporal's events it goes on in another run, which it also does when Temporal
            suggests it; a history has an end, and a run that comes to it is ended without undo.
    """

    attempt_timeout_s: float = 60.0
    heartbeat_timeout_s: float = 5.0
    local_timeout_s: float = 8.0
    patience_s: float = 900.0
    forward_max_interval_s: float = 10.0
    undo_max_interval_s: float = 30.0
    undo_patience_s: float = 30.0
    longest_history: int = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """An accepted run: the workflow's whole input, and what its row is opened with.

    Attributes:
        execution_id: the run's name, which is its workflow id in Temporal too.
        workflow_id: the definition that it runs.
        revision: which of its revisions.
        definition: that revision in its canonical form, pinned.
        input: what it is given.
        accepted_at: when it was accepted, ISO 8601 in UTC.
        generation: counts how often it started over, from 1.
        timeout_s: how long it may go forward; None as the definition says.
        metadata: labels of its starter's.
        tenant_id: another label; it isolates nothing.
        parent_execution_id: the run that started it, where one did.
        request_id: the request that started it, for the logs.
        depth: how many runs have started one another before it.
        effect_free: the steps that change nothing in the world, and may run inside a workflow task.
        options: how it is tried.
        carried: where it was, when it goes on in another run of Temporal's.
        overruled: why a run that had completed is undone after all; None where it is not.
    """

    execution_id: str
    workflow_id: str
    revision: int
    definition: Mapping[str, Any]
    input: Mapping[str, Any]
    accepted_at: str
    generation: int = 1
    timeout_s: float | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    tenant_id: str | None = None
    parent_execution_id: str | None = None
    request_id: str | None = None
    depth: int = 0
    effect_free: tuple[str, ...] = ()
    options: RunOptions = field(default_factory=RunOptions)
    carried: "Carried | None" = None
    overruled: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """All that a run takes along when it goes on in another run of Temporal's, whose history begins anew.

    Attributes:
        state: the interpreter's, as its codec writes it.
        story: what was told of it, as `Story.carried` writes it.
        wakes: by when what waits wakes by itself: step, visit, item and the time, ISO 8601 in UTC.
        children: the completed runs that it started, to be undone with it: step, visit, item and what they carry.
        time_left_s: what is left of its time, None for no end.
        revision: which revision of its definition it runs, where somebody else carries this.
    """

    state: Mapping[str, Any]
    story: Mapping[str, Any]
    wakes: tuple[tuple[str, int, int | None, str], ...] = ()
    children: tuple[tuple[str, int, int | None, Mapping[str, Any]], ...] = ()
    time_left_s: float | None = None
    revision: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareChild:
    """Look up what a run needs that a step of another one starts.

    Attributes:
        parent: that other one, without its definition and input.
        params: the step's: `workflowId`, `input`, `revision`.
        revision: the revision that was run, to undo it.
    """

    parent: RunRequest
    step: str
    visit: int = 1
    item: int | None = None
    params: Any = None
    revision: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """A run as it knows itself: the answer to the `state` query and to every update; never its results."""

    execution_id: str
    workflow_id: str
    revision: int
    status: RunStatus = "pending"
    current_steps: tuple[str, ...] = ()
    completed_steps: tuple[str, ...] = ()
    failed_steps: tuple[str, ...] = ()
    skipped_steps: tuple[str, ...] = ()
    failure_code: str | None = None
    failure_reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSignal:
    """An event for whoever waits for one of its name."""

    name: str
    data: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoDecision:
    """An operator gives up a step's undos that failed for good."""

    step: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryHeld:
    """An operator has a held run go on.

    Attributes:
        step: the failed step to try again; None for all of them.
        values: results and input keys that are edited first.
    """

    step: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)


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
class SaveRun:
    """Write what a turn has changed.

    Attributes:
        run_id: Temporal's id of the run that writes.
        history: how long its history was when its task began, and `turn` which turn it is: of two writes by one run,
            the one that is behind is a zombie's.
        opening: the run as it was accepted, without its definition, to open its row; None once it has one.
        at: when the turn was taken, ISO 8601 in UTC.
        status: what the run is called now.
        failure: `code`, `message` and `step` of why it turns back; its `kind` is the core's, or `held` while an
            operator is to decide about it.
        output: what it gives back, once it has completed.
        waiting: what it waits for.
        is_over: whether this is its end.
        reopens: whether a run that had completed is undone after all.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSaved:
    """The row after a save.

    Attributes:
        status: what it says now; other than what was written where an earlier end had won.
        is_over: whether the run has ended, as its row has it.
        cancel_reason: why somebody called the run off, where somebody did.
    """

    status: RunStatus
    is_over: bool = False
    cancel_reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRun:
    """Have Temporal take a run for cancelled whose row is."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnded:
    """What a run gives back: how it ended. Its output is in its row.

    Attributes:
        output: the output of a run that was started by another one, for that one.
        carried: where it was, for that one to undo it.
    """

    execution_id: str
    status: RunStatus
    output: Any = None
    carried: Carried | None = None
