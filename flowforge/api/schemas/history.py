"""An order's history over HTTP."""

from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from flowforge.api.schemas.orders import timestamp
from flowforge.orders.history import Attempt, AttemptOutcome


class AttemptError(TypedDict):
    """What an attempt answered with instead of a result."""

    code: str
    message: str


class AttemptView(TypedDict):
    """One attempt of a step, or of its undo."""

    step: str
    undo: Annotated[str | None, Field(description="The undo's name; null for the step itself.")]
    attempt: Annotated[int, Field(description="Counts 1, 2, 3 …; twice the same when a delivery was made twice.")]
    outcome: Annotated[
        AttemptOutcome,
        Field(
            description="`applied`, `refused` (the service said no), `failed` (tried again), `undone`, `not_needed` "
            "(nothing to undo), `written_off` (somebody gave the undo up); `replayed`: the outcome was there already; "
            "`fenced`: the step was undone before; `lost`: nothing was heard of it, which shows when a later one is."
        ),
    ]
    started_at: str | None
    ended_at: str | None
    error: Annotated[
        AttemptError | None, Field(description="Beside `applied`: the effect stands, and the answer was lost.")
    ]
    worker: Annotated[str | None, Field(description="The process that ran it, as Temporal's UI names it.")]
    placement: Annotated[
        Literal["local", "queue"] | None,
        Field(description="`local`: inside the workflow task; `queue`: through the task queue."),
    ]


def attempt_view(attempt: Attempt) -> AttemptView:
    """Return an attempt as clients see it."""
    error: AttemptError | None = None
    if attempt.error_code is not None:
        error = {"code": attempt.error_code, "message": attempt.error_message or ""}
    return {
        "step": attempt.step,
        "undo": attempt.undo,
        "attempt": attempt.attempt,
        "outcome": attempt.outcome,
        "started_at": None if attempt.started_at is None else timestamp(attempt.started_at),
        "ended_at": None if attempt.ended_at is None else timestamp(attempt.ended_at),
        "error": error,
        "worker": attempt.worker or None,
        "placement": attempt.placement or None,  # type: ignore[typeddict-item]  # what StepCall.placement may hold
    }
