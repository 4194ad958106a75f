"""Frozen inputs and results of a run and its activities; fields are only ever added. What its row takes: `saving`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from flowforge.durable.placement import Placement
from flowforge.engine.actions.contract import ActionCall
from flowforge.engine.core.stored import Stored
from flowforge.engine.core.views import RunStatus

RUN_WORKFLOW = "RunWorkflow"
"""The workflow's type in Temporal."""

CANCEL_RUN = "engine.cancel_run"
"""The activity that has Temporal take a run for cancelled whose row is."""

RETRY_REFUSED = "retry_refused"
"""The type of the error with which a run refuses a retry; its detail is why."""

PREPARE_CHILD = "engine.prepare_child"
"""The activity that looks up what a run that another one starts needs."""

MAX_DEPTH: Final = 10
"""How deep runs may start one another."""


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
        placement: where a first attempt runs that may run inside a workflow task.
        undo_patience_s: seconds after which the next undo begins beside one that is still being tried.
        longest_history: after how many of Temporal's events it goes on in another run, which it also does when Temporal
            suggests it; a history has an end, and a run that comes to it is ended without undo.
        joins_saves: whether the save before a step, and the step's first attempt, are one local activity where both run
            inside a workflow task; runs that were accepted before this was thought of have two in their histories.
    """

    attempt_timeout_s: float = 60.0
    heartbeat_timeout_s: float = 5.0
    local_timeout_s: float = 8.0
    patience_s: float = 900.0
    forward_max_interval_s: float = 10.0
    undo_max_interval_s: float = 30.0
    undo_patience_s: float = 30.0
    longest_history: int = 10_000
    placement: Placement = "auto"
    joins_saves: bool = False


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
        local_effects: the steps that may run there although they change something; see `engine.placing`.
        options: how it is tried.
        carried: where it was, when it goes on in another run of Temporal's.
        overruled: why a run that had completed is undone after all; None where it is not.
        replay_of: the run whose input this one was given again.
        start: the how-manieth start of the run this is, from 1: each retry after its end is the next one.
        retry: how it goes on, or starts over, from where `carried` says it was.
        wish: tells one wish for a retry from another.
        stored: those of the input's keys whose values are kept elsewhere; they are not in `input`.
        abandoned: whether this undoes a run from outside, whose own workflow is gone.
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
    local_effects: tuple[str, ...] = ()
    options: RunOptions = field(default_factory=RunOptions)
    carried: "Carried | None" = None
    overruled: str | None = None
    replay_of: str | None = None
    start: int = 1
    retry: "RetryRun | None" = None
    wish: str | None = None
    stored: Mapping[str, Stored] = field(default_factory=dict)
    abandoned: bool = False

    @property
    def given(self) -> dict[str, Any]:
        """The input's keys, with what stands for values that are kept elsewhere."""
        return {**self.input, **self.stored}

    @property
    def unseen(self) -> tuple[str, ...]:
        """The steps with an effect that run inside a workflow task: each may have begun before it is in history."""
        return () if self.options.placement == "queue" else tuple(self.local_effects)


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """All that a run takes along when it goes on in another run of Temporal's, whose history begins anew.

    Attributes:
        state: the interpreter's, as its codec writes it, packed.
        story: what was told of it, as `Story.carried` writes it, packed.
        wakes: by when what waits wakes by itself: step, visit, item and the time, ISO 8601 in UTC.
        children: the completed runs that it started, to be undone with it: step, visit, item and what they carry.
        time_left_s: what is left of its time, None for no end.
        revision: which revision of its definition it runs, where somebody else carries this.
        recalled: what is known of a run whose workflow is gone, where this was put together from its row.
        heard: the keys under which somebody told it of something.
    """

    state: Mapping[str, Any]
    story: Mapping[str, Any]
    wakes: tuple[tuple[str, int, int | None, str], ...] = ()
    children: tuple[tuple[str, int, int | None, Mapping[str, Any]], ...] = ()
    time_left_s: float | None = None
    revision: int | None = None
    recalled: "Recalled | None" = None
    heard: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalled:
    """What is known of a run whose workflow is gone, besides its state.

    Attributes:
        cancel_reason: why somebody had called it off; None where nobody had.
        settle_s: seconds after which nothing that was in flight with it can still be, as far as that can be known.
    """

    cancel_reason: str | None = None
    settle_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareChild:
    """Look up what a run needs that a step of another one starts.

    Attributes:
        parent: that other one, without its definition and input.
        params: the step's: `workflowId`, `input`, `revision`.
        call: the step's call, where its params are to be filled in first.
        revision: the revision that was run, to undo it.
    """

    parent: RunRequest
    step: str
    visit: int = 1
    item: int | None = None
    params: Any = None
    call: ActionCall | None = None
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
    """An event for whoever waits for one of its name; the same one has the same key, where it has one."""

    name: str
    data: Any = None
    key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoDecision:
    """An operator gives up a step's undos that failed for good."""

    step: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryRun:
    """An operator has a run begin again, as `core.retrying` says.

    Attributes:
        step: the step to go on from; None for what failed alone.
        values: results and input keys that are edited first.
        stored: those among them that are kept elsewhere.
        revision: another revision to go on with, where one is wanted, with its body in `definition`.
        effect_free: that one's steps that change nothing in the world.
        local_effects: those that may run inside a workflow task although they do.
        wish: tells this wish from another one.
    """

    step: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    revision: int | None = None
    definition: Mapping[str, Any] | None = None
    effect_free: tuple[str, ...] = ()
    wish: str | None = None
    local_effects: tuple[str, ...] = ()
    stored: Mapping[str, Stored] = field(default_factory=dict)

    @property
    def given(self) -> dict[str, Any]:
        """What is edited first, with what stands for values that are kept elsewhere."""
        return {**self.values, **self.stored}


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
        stored: what stands for the output, where that is kept elsewhere.
    """

    execution_id: str
    status: RunStatus
    output: Any = None
    carried: Carried | None = None
    stored: Stored | None = None
