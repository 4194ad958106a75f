"""What the API answers about definitions and runs, as Python has it: `execution_id` for `executionId`.

What a newer server says besides is kept, and `model_dump(mode="json", by_alias=True)` gives all of it back.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer
from pydantic.alias_generators import to_camel

from flowforge.engine.core.outcomes import UndoStatus
from flowforge.engine.core.views import RunStatus, StepView

ENDED: Final = frozenset({"completed", "failed", "compensated", "cancelled"})
"""The statuses in which a run is over."""


def _written(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


Moment = Annotated[datetime, PlainSerializer(_written, when_used="json")]
"""A time in UTC."""


class Answer(BaseModel):
    """An answer, or a part of one."""

    model_config = ConfigDict(frozen=True, extra="allow", alias_generator=to_camel, populate_by_name=True)

    def as_json(self) -> Any:
        """Return it as the API has it."""
        return self.model_dump(mode="json", by_alias=True)


class Warned(Answer):
    """Something in a definition that is worth a look; `code` is one of docs/errors.md."""

    code: str
    detail: str
    pointer: str
    hint: str | None = None
    line: int | None = None
    column: int | None = None


class Revision(Answer):
    """One revision of a definition.

    Attributes:
        id: the definition's id.
        name: its name for people.
        description: what it is for.
        version: a label of the author's.
        revision: counts the definition's bodies from 1.
        address: its content's: equal bodies have equal ones.
        deleted: whether it starts no runs any more.
        created_at: when it was published.
        url: its path.
    """

    id: str
    name: str
    description: str | None
    version: str | None
    revision: int
    address: str
    deleted: bool
    created_at: Moment
    url: str


class DefinitionBody(Revision):
    """One revision of a definition, with its body as its author sent it, or in the canonical form."""

    definition: dict[str, Any]


class Published(Revision):
    """What became of a definition that was sent; `created` is False where it was the latest revision already."""

    created: bool
    warnings: tuple[Warned, ...]


class Started(Answer):
    """A run that was accepted; `created` is False where its idempotency key had started it before."""

    execution_id: str
    workflow_id: str
    revision: int
    status: RunStatus
    created: bool


class Retried(Started):
    """A run that begins again; `generation` counts how often it began from nothing."""

    generation: int


class ErrorText(Answer):
    """Why something did not succeed."""

    code: str
    message: str


class Failure(ErrorText):
    """Why a run turned back, and because of which step."""

    step: str | None


class StepResult(Answer):
    """A step that a run has come to.

    Attributes:
        step_id: the step.
        status: what it is called.
        visit: the how-manieth visit this is, where steps are come to again.
        attempts: how often its action was tried.
        duration: how long it took, in milliseconds.
        result: its result.
        error: why it failed.
        details: what its action tells beside the result.
    """

    step_id: str
    status: StepView
    visit: int
    attempts: int
    duration: int | None
    result: Any
    error: ErrorText | None
    details: dict[str, Any] = Field(default_factory=dict)


class UndoneStep(Answer):
    """An undo of a run that turned back; `written_off` tells who gave it up and why."""

    name: str
    step_id: str
    item: int | None
    action: str
    status: UndoStatus
    error: ErrorText | None
    written_off: str | None


class WaitingStep(Answer):
    """What a run waits for: an event, a time, or both."""

    step_id: str
    item: int | None
    event: str | None
    wake_at: Moment | None
    reason: str | None


class ExecutionSummary(Answer):
    """A run as lists show it; times are milliseconds since 1970, `duration` is milliseconds so far."""

    execution_id: str
    workflow_id: str
    revision: int
    status: RunStatus
    start_time: int
    end_time: int | None
    duration: int
    metadata: dict[str, Any]
    tenant_id: str | None
    parent_execution_id: str | None
    replay_of: str | None = None
    error: Failure | None

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.status in ENDED


class Execution(ExecutionSummary):
    """A run.

    Attributes:
        generation: raised each time it is started over.
        current_steps: those under way.
        completed_steps: those that succeeded.
        failed_steps: those that failed.
        skipped_steps: those that were skipped.
        step_results: every step it has come to, by id.
        compensations: its undos, in the order in which they run, at most 200, those that failed first of all; empty
            while it goes forward.
        compensation_counts: how many undos are in which state.
        waiting: what it waits for.
        context: the input's keys, and results by step id.
        input: what it was given.
        output: what it gives back; None before it completes.
        cancel_reason: why it was called off.
        replays: the runs that were given its input again, newest first.
        temporal_url: where Temporal's UI shows it.
    """

    generation: int
    current_steps: tuple[str, ...]
    completed_steps: tuple[str, ...]
    failed_steps: tuple[str, ...]
    skipped_steps: tuple[str, ...]
    step_results: dict[str, StepResult]
    compensations: tuple[UndoneStep, ...]
    compensation_counts: dict[str, int] = {}
    waiting: tuple[WaitingStep, ...]
    context: dict[str, Any]
    input: dict[str, Any]
    output: Any
    cancel_reason: str | None
    replays: tuple[str, ...] = ()
    temporal_url: str


class RunEvent(Answer):
    """Something that happened to a run, or to a step of it. Ids count 1, 2, 3 … within the run."""

    id: int
    step_id: str | None
    status: str
    message: str
    timestamp: Moment


class Accepted(Answer):
    """A run that has taken note; `status` is the one it had then, `reason` why it was called off first."""

    execution_id: str
    status: RunStatus
    reason: str | None = None


Form = Literal["source", "canonical"]
"""How a definition is told: as its author sent it, or in the canonical form."""
