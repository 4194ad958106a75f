"""Runs over HTTP."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from typing_extensions import TypedDict

from flowforge.api.schemas.control import Person, Reason
from flowforge.api.schemas.orders import timestamp
from flowforge.engine.control import RunAccepted
from flowforge.engine.core.outcomes import UndoStatus
from flowforge.engine.core.views import RunStatus, StepView
from flowforge.engine.definition.model import Definition
from flowforge.engine.diagram import dependencies
from flowforge.engine.durations import parse
from flowforge.engine.gateway import StartedRun
from flowforge.engine.store.records import RunEvent, RunRecord, StepRecord

_KEY: Final = r"^[\x20-\x7e]{1,255}$"
_NAME: Final = r"^[A-Za-z_][A-Za-z0-9_.-]{0,127}$"


def _duration(value: Any) -> timedelta:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise ValueError("write a duration such as 30s, 5m or PT5M, or a number of milliseconds")  # noqa: TRY004  pydantic
    return parse(value)


Duration = Annotated[
    timedelta,
    BeforeValidator(_duration, json_schema_input_type=str | int),
    Field(description="`30s`, `5m`, `3d`, ISO 8601, or milliseconds."),
]


class _Start(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    revision: int | None = Field(None, ge=1, le=10**9, description="Which revision; the latest by default.")
    idempotencyKey: str | None = Field(  # noqa: N815  clients write it so
        None, pattern=_KEY, description="The same key and the same wish again give the run that was started first."
    )
    idempotencyTTL: Duration | None = Field(  # noqa: N815  the same
        None, description="How long the key stands for that run; for ever by default."
    )
    timeout: Duration | None = Field(None, description="How long it may go forward; as its definition says by default.")
    metadata: dict[str, str | int | float | bool | None] = Field(
        default_factory=dict, max_length=50, description="Labels."
    )
    tenantId: str | None = Field(  # noqa: N815  the same
        None, pattern=_KEY, description="A label; it isolates nothing."
    )
    parentExecutionId: str | None = Field(  # noqa: N815  the same
        None, pattern=r"^exec-[0-9a-f]{32}$", description="The run on whose behalf this is."
    )


class StartWorkflow(_Start):
    """A definition to run, by its type, and the run's input."""

    type: str = Field(pattern=_NAME, description="The definition's id.", examples=["OrderWorkflow"])
    input: dict[str, Any] = Field(default_factory=dict)


class StartExecution(_Start):
    """A definition to run, and the run's context."""

    workflowId: str = Field(pattern=_NAME, examples=["greeting"])  # noqa: N815  clients write it so
    context: dict[str, Any] = Field(default_factory=dict)


class CancelExecution(BaseModel):
    """Who calls a run off, and why."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    reason: Reason = Field("cancelled", description="One line; it is kept with the run.")
    source: Person | None = Field(None, description="Who asks for it.")

    @property
    def words(self) -> str:
        """The reason as it is kept."""
        return self.reason if self.source is None else f"{self.source}: {self.reason}"


class ResumeExecution(BaseModel):
    """What wakes a run that waits."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    data: Any = Field(None, description="The result of the step that is woken.")


class SendSignal(BaseModel):
    """An event for whoever waits for one of its name."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    data: Any = Field(None, description="The result of the step that waits.")


class RetryExecution(BaseModel):
    """How a run that is held after a failure goes on."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    fromStep: str | None = Field(  # noqa: N815  clients write it so
        None, pattern=_NAME, description="The failed step to try again; all of them by default."
    )
    context: dict[str, Any] = Field(default_factory=dict, description="Results and input keys that are edited first.")


class Started(TypedDict):
    """A run that was accepted."""

    executionId: str
    workflowId: str
    revision: int
    status: RunStatus
    created: Annotated[bool, Field(description="False where the idempotency key had started it before.")]


class ErrorView(TypedDict):
    """Why something did not succeed."""

    code: str
    message: str


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
    result: Any
    error: ErrorView | None
    details: dict[str, Any]


class UndoView(TypedDict):
    """An undo of a run that turned back, in the order in which they run."""

    name: str
    stepId: str
    item: int | None
    action: str
    status: UndoStatus
    error: ErrorView | None
    writtenOff: Annotated[str | None, Field(description="Who gave it up and why.")]


class WaitingView(TypedDict):
    """What a run waits for."""

    stepId: str
    item: int | None
    event: str | None
    wakeAt: str | None
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
    error: FailureView | None


class ExecutionView(ExecutionSummary):
    """A run."""

    generation: int
    currentSteps: list[str]
    completedSteps: list[str]
    failedSteps: list[str]
    skippedSteps: list[str]
    stepResults: dict[str, StepResult]
    compensations: list[UndoView]
    waiting: list[WaitingView]
    context: Annotated[dict[str, Any], Field(description="The input's keys, and results by step id.")]
    input: dict[str, Any]
    output: Any
    cancelReason: str | None
    temporalUrl: str


class EventView(TypedDict):
    """Something that happened to a run, or to a step of it. Ids count 1, 2, 3 … within the run."""

    id: int
    stepId: str | None
    status: str
    message: str
    timestamp: str


class PictureStep(TypedDict):
    """A step in a picture."""

    id: str
    name: str
    status: StepView
    attempts: int
    duration: int | None
    dependencies: list[str]


class Picture(TypedDict):
    """A definition, or a run of it, to be drawn."""

    executionId: str | None
    workflowName: str
    status: RunStatus | None
    duration: int | None
    steps: list[PictureStep]


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
        "duration": max(_length(run.started_at, end) or 0, 0),
        "metadata": dict(run.metadata),
        "tenantId": run.tenant_id,
        "parentExecutionId": run.parent_execution_id,
        "error": _failure(run),
    }


def execution_view(run: RunRecord, temporal_url: str) -> ExecutionView:
    """Return a run as clients see it."""
    steps = sorted(run.steps, key=_begin)
    return {
        **summary_view(run),
        "generation": run.generation,
        "currentSteps": [step.step_id for step in steps if step.status == "active"],
        "completedSteps": [step.step_id for step in steps if step.status == "succeeded"],
        "failedSteps": [step.step_id for step in steps if step.status in {"failed", "cancelled"}],
        "skippedSteps": [step.step_id for step in steps if step.status == "skipped"],
        "stepResults": {step.step_id: _step(step) for step in steps},
        "compensations": [
            {
                "name": undo.key,
                "stepId": undo.step_id,
                "item": undo.item,
                "action": undo.action,
                "status": undo.status,
                "error": _error(undo.error),
                "writtenOff": undo.written_off,
            }
            for undo in run.undos
        ],
        "waiting": [
            {
                "stepId": each["step_id"],
                "item": each["item"],
                "event": each["event"],
                "wakeAt": each["wake_at"],
                "reason": each["reason"],
            }
            for each in run.waiting
        ],
        "context": {**run.input, **{step.step_id: step.result for step in steps if step.status == "succeeded"}},
        "input": dict(run.input),
        "output": run.output,
        "cancelReason": run.cancel_reason,
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


def picture_of_definition(definition: Definition) -> Picture:
    """Return a definition to be drawn."""
    return {
        "executionId": None,
        "workflowName": definition.title,
        "status": None,
        "duration": None,
        "steps": _picture_steps(definition, {}),
    }


def picture_of_run(definition: Definition, run: RunRecord) -> Picture:
    """Return a run to be drawn."""
    return {
        "executionId": run.execution_id,
        "workflowName": definition.title,
        "status": run.status,
        "duration": summary_view(run)["duration"],
        "steps": _picture_steps(definition, {step.step_id: step for step in run.steps}),
    }


def _picture_steps(definition: Definition, known: Mapping[str, StepRecord]) -> list[PictureStep]:
    before = dependencies(definition)
    found: list[PictureStep] = []
    for step in definition.steps:
        record = known.get(step.id)
        found.append(
            {
                "id": step.id,
                "name": step.name or step.id,
                "status": "pending" if record is None else record.view,
                "attempts": 0 if record is None else record.attempts,
                "duration": None if record is None else _length(record.started_at, record.ended_at),
                "dependencies": before[step.id],
            }
        )
    return found


def _step(step: StepRecord) -> StepResult:
    return {
        "stepId": step.step_id,
        "status": step.view,
        "visit": step.visit,
        "attempts": step.attempts,
        "duration": _length(step.started_at, step.ended_at),
        "result": step.result,
        "error": _error(step.error),
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


def _error(error: Mapping[str, str] | None) -> ErrorView | None:
    return None if error is None else {"code": error["code"], "message": error["message"]}


def _milliseconds(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def _length(start: datetime | None, end: datetime | None) -> int | None:
    return None if start is None or end is None else round((end - start) / timedelta(milliseconds=1))
