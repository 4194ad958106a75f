"""What clients send about runs: which to start, and what is to become of one."""

from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field

from flowforge.api.schemas.control import Person, Reason
from flowforge.engine.definition.strict import Duration
from flowforge.engine.store.labelled import MAX_NAME, MAX_TEXT

LABEL: Final = ":"
"""What a filter for a label has to match: there is a colon in it."""

LABEL_SYNTAX: Final = "`name:text`; what is no text as JSON writes it (`true`, `null`, `1.5`)."

_KEY: Final = r"^[\x20-\x7e]{1,255}$"
_NAME: Final = r"^[A-Za-z_][A-Za-z0-9_.-]{0,127}$"
_LabelName = Annotated[str, Field(max_length=MAX_NAME)]
_LabelText = Annotated[str, Field(max_length=MAX_TEXT)]


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
    metadata: dict[_LabelName, _LabelText | int | float | bool | None] = Field(
        default_factory=dict, max_length=50, description="Labels; runs are found by them."
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
    """How a run begins again."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    fromStep: str | None = Field(  # noqa: N815  clients write it so
        None,
        pattern=_NAME,
        description="The step to go on from: it, and everything after it, runs again. By default what failed alone.",
    )
    context: dict[str, Any] = Field(default_factory=dict, description="Results and input keys that are edited first.")
    revision: int | None = Field(
        None, ge=1, le=10**9, description="The revision to go on with; the one that the run has by default."
    )
