"""Runs over HTTP, as clients see them."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from flowforge.api.schemas.orders import timestamp
from flowforge.api.schemas.undos import ErrorView, UndoView, error_view, undo_totals, undo_view
from flowforge.engine.control import RunAccepted
from flowforge.engine.core.outcomes import UndoStatus
from flowforge.engine.core.stored import Stored
from flowforge.engine.core.views import RunStatus, StepView
from flowforge.engine.gateway import StartedRun
from flowforge.engine.retries import Retried
from flowforge.engine.store.records import RunEvent, RunRecord, StepRecord


class Started(TypedDict):
    """A run that was accepted."""

    executionId: str
    workflowId: str
    revision: int
    status: RunStatus
    created: Annotated[bool, Field(description="False where the idempotency key had started it before.")]


class FailureView(ErrorView):
    """Why a run turned back."""

    step: str | None


class StepResult(TypedDict):
    """A step that a run has come to."""

    stepId: str
    status: StepView
    visit: Annotated[int, Field(description="The how-manieth visit this is, where steps are come to again.")]
    attempts: int
    duration: Annotated[int | None, Field(description="Milliseconds.")]
    result: Annotated[
        Any, Field(description="Where it is large, and with it the run: `{$ref, size}`, the path under which it is.")
    ]
    error: ErrorView | None
    details: dict[str, Any]


class WaitingView(TypedDict):
    """What a run waits for."""

    stepId: str
    item: int | None
    event: str | None
    wakeAt: Annotated[str | None, Field(description="By when it goes on by itself.")]
    reason: str | None


class ExecutionSummary(TypedDict):
    """A run as lists show it."""

    executionId: str
    workflowId: str
    revision: int
    status: RunStatus
    startTime: Annotated[int, Field(description="Milliseconds since 1970.")]
    endTime: int | None
    duration: Annotated[int, Field(description="Milliseconds so far.")]
    metadata: dict[str, Any]
    tenantId: str | None
    parentExecutionId: str | None
    replayOf: Annotated[str | None, Field(description="The run whose input this one was given again.")]
    error: FailureView | None


class ExecutionView(ExecutionSummary):
    """A run."""

    generation: int
    currentSteps: list[str]
    completedSteps: list[str]
    failedSteps: list[str]
    skippedSteps: list[str]
    stepResults: dict[str, StepResult]
    compensations: Annotated[
        list[UndoView],
        Field(description="At most 200, those that failed first of all; the others are under `/compensations`."),
    ]
    compensationCounts: Annotated[dict[UndoStatus, int], Field(description="How many undos are in which state.")]
    waiting: list[WaitingView]
    context: Annotated[dict[str, Any], Field(description="The input's keys, and results by step id and outputKey.")]
    input: dict[str, Any]
    output: Any
    cancelReason: str | None
    replays: Annotated[list[str], Field(description="The runs that were given its input again, newest first.")]
    temporalUrl: str


class RetriedView(TypedDict):
    """A run that begins again."""

    executionId: str
    workflowId: str
    revision: int
    generation: Annotated[int, Field(description="Counts how often it began from nothing.")]
    status: RunStatus
    created: Annotated[bool, Field(description="False where it began again before, because of the same wish.")]


class EventView(TypedDict):
    """Something that happened to a run, or to a step of it. Ids count 1, 2, 3 … within the run."""

    id: int
    stepId: str | None
    status: str
    message: str
    timestamp: str


class Accepted(TypedDict):
    """A run that has taken note."""

    executionId: str
    status: Annotated[RunStatus, Field(description="What it was when it took note; `GET` the run to follow it.")]
    reason: Annotated[str | None, Field(description="Why it was called off first, where it was.")]


def started_view(started: StartedRun) -> Started:
    """Return an accepted run as clients see it."""
    return {
        "executionId": started.execution_id,
        "workflowId": started.workflow_id,
        "revision": started.revision,
        "status": started.status,
        "created": started.created,
    }


def retried_view(retried: Retried) -> RetriedView:
    """Return a run that begins again as clients see it."""
    return {
        "executionId": retried.execution_id,
        "workflowId": retried.workflow_id,
        "revision": retried.revision,
        "generation": retried.generation,
        "status": retried.status,
        "created": retried.created,
    }


def accepted_view(accepted: RunAccepted) -> Accepted:
    """Return what a run answered as clients see it."""
    return {"executionId": accepted.execution_id, "status": accepted.status, "reason": accepted.reason}


def summary_view(run: RunRecord) -> ExecutionSummary:
    """Return a run as lists show it."""
    end = run.ended_at or datetime.now(UTC)
    return {
        "executionId": run.execution_id,
        "workflowId": run.workflow_id,
        "revision": run.revision,
        "status": run.status,
        "startTime": _milliseconds(run.started_at),
        "endTime": None if run.ended_at is None else _milliseconds(run.ended_at),
        "duration": max(length_ms(run.started_at, end) or 0, 0),
        "metadata": dict(run.metadata),
        "tenantId": run.tenant_id,
        "parentExecutionId": run.parent_execution_id,
        "replayOf": run.replay_of,
        "error": _failure(run),
    }


def execution_view(run: RunRecord, temporal_url: str, output_keys: Mapping[str, str]) -> ExecutionView:
    """Return a run as clients see it.

    Args:
        run: the run.
        temporal_url: where Temporal's UI shows it.
        output_keys: under which other name the result of a step is read, by the step's id.
    """
    steps = sorted(run.steps, key=_begin)
    return {
        **summary_view(run),
        "generation": run.generation,
        "currentSteps": [step.step_id for step in steps if step.status == "active"],
        "completedSteps": [step.step_id for step in steps if step.status == "succeeded"],
        "failedSteps": [step.step_id for step in steps if step.status in {"failed", "cancelled"}],
        "skippedSteps": [step.step_id for step in steps if step.status == "skipped"],
        "stepResults": {step.step_id: _step(step, _result(run, step)) for step in steps},
        "compensations": [undo_view(undo, run.generation) for undo in run.undos],
        "compensationCounts": undo_totals(run.undo_counts),
        "waiting": [
            {
                "stepId": each["step_id"],
                "item": each["item"],
                "event": each["event"],
                "wakeAt": None if each["wake_at"] is None else timestamp(datetime.fromisoformat(each["wake_at"])),
                "reason": each["reason"],
            }
            for each in run.waiting
        ],
        "context": {
            **run.input,
            **(run.edits or {}),
            **{
                name: _result(run, step)
                for step in steps
                if step.status == "succeeded"
                for name in (step.step_id, output_keys.get(step.step_id))
                if name is not None
            },
        },
        "input": dict(run.input),
        "output": _shown(run.output, run.output_stored, f"/executions/{run.execution_id}/output"),
        "cancelReason": run.cancel_reason,
        "replays": list(run.replays),
        "temporalUrl": temporal_url,
    }


def event_view(event: RunEvent) -> EventView:
    """Return an entry of a run's history as clients see it."""
    return {
        "id": event.id,
        "stepId": event.step_id,
        "status": event.status,
        "message": event.message,
        "timestamp": timestamp(event.at),
    }


def _result(run: RunRecord, step: StepRecord) -> Any:
    return _shown(step.result, step.stored, f"/executions/{run.execution_id}/results/{step.step_id}")


def _shown(value: Any, stored: Stored | None, path: str) -> Any:
    """Return a value, or where to find one that is not shown here."""
    return value if stored is None else {"$ref": path, "size": stored.size}


def _step(step: StepRecord, result: Any) -> StepResult:
    return {
        "stepId": step.step_id,
        "status": step.view,
        "visit": step.visit,
        "attempts": step.attempts,
        "duration": length_ms(step.started_at, step.ended_at),
        "result": result,
        "error": error_view(step.error),
        "details": dict(step.details),
    }


def _begin(step: StepRecord) -> tuple[bool, datetime, str]:
    at = step.started_at
    return (at is None, at or datetime.min.replace(tzinfo=UTC), step.step_id)


def _failure(run: RunRecord) -> FailureView | None:
    failure = run.failure
    if failure is None:
        return None
    return {"code": str(failure["code"]), "message": str(failure["message"]), "step": failure["step"]}


def _milliseconds(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def length_ms(start: datetime | None, end: datetime | None) -> int | None:
    """Return how long something took, in milliseconds, where both ends are known."""
    return None if start is None or end is None else round((end - start) / timedelta(milliseconds=1))
