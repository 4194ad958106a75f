"""One action on many runs, and what came of each."""

from typing import Annotated, Final, Self

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from typing_extensions import TypedDict

from flowforge.api.schemas.control import Reason
from flowforge.api.schemas.execution_requests import LABEL, LABEL_SYNTAX
from flowforge.api.times import as_written
from flowforge.engine.bulk import BulkAction, BulkOutcome
from flowforge.engine.core.views import RunStatus
from flowforge.engine.store.labelled import MAX_LABEL

MAX_RUNS: Final = 100
"""The most runs that one request acts on."""

ExecutionId = Annotated[str, Field(pattern=r"^exec-[0-9a-f]{32}$")]


class RunFilter(BaseModel):
    """Which runs: those of a list, or those that all of the other fields are true of."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    ids: list[ExecutionId] | None = Field(None, min_length=1, max_length=MAX_RUNS, description="These, and no others.")
    workflowId: str | None = Field(None, pattern=r"^[A-Za-z_][A-Za-z0-9_.-]{0,127}$")  # noqa: N815  clients write it so
    status: RunStatus | None = None
    metadata: str | None = Field(
        None, pattern=LABEL, max_length=MAX_LABEL, description=f"Runs with this label: {LABEL_SYNTAX}"
    )
    since: Annotated[AwareDatetime, BeforeValidator(as_written), Field(strict=False)] | None = None

    @model_validator(mode="after")
    def _must_choose(self) -> Self:
        others = (self.workflowId, self.status, self.metadata, self.since)
        if self.ids is None and all(each is None for each in others):
            raise ValueError("must say which runs: all there are is never meant")
        if self.ids is not None and any(each is not None for each in others):
            raise ValueError("ids stand alone")
        return self


class BulkRequest(BaseModel):
    """An action, and the runs that it is for."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        json_schema_extra={"examples": [{"action": "retry", "filter": {"workflowId": "checkout", "status": "failed"}}]},
    )

    action: BulkAction
    filter: RunFilter
    reason: Reason = Field("cancelled", description="Why, for a cancellation; it is kept with each run.")
    limit: int = Field(MAX_RUNS, ge=1, le=MAX_RUNS, description="At most so many runs, the newest first.")
    cursor: str | None = Field(None, max_length=256, description="The `next` of the answer before.")


class BulkItem(TypedDict):
    """What came of the action on one run."""

    executionId: str
    accepted: bool
    started: Annotated[str | None, Field(description="The executionId of the run that a replay has started.")]
    code: Annotated[str | None, Field(description="Why it was not accepted, for programs.")]
    detail: Annotated[str | None, Field(description="And for people.")]
    retryable: Annotated[bool, Field(description="Whether the same may be accepted later.")]


class BulkView(TypedDict):
    """What came of the action on each run."""

    action: BulkAction
    items: list[BulkItem]
    next: Annotated[str | None, Field(description="The cursor of the runs behind these; null: there are none.")]


def bulk_item(outcome: BulkOutcome) -> BulkItem:
    """Show an outcome."""
    error = outcome.error
    return {
        "executionId": outcome.execution_id,
        "accepted": error is None,
        "started": outcome.started,
        "code": None if error is None else error.code,
        "detail": None if error is None else error.message,
        "retryable": error is not None and error.retryable,
    }
