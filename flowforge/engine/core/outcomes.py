"""How work ends, and how it may pause."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Literal

OutcomeKind = Literal["succeeded", "refused", "failed", "timed_out", "cancelled"]
UndoStatus = Literal["pending", "running", "done", "not_needed", "failed", "written_off"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepError:
    """Why something did not succeed.

    Attributes:
        code: stable, machine-readable.
        message: one sentence for people.
    """

    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a unit of work ended, after whatever attempts its shell made.

    Attributes:
        kind: `refused`: the business said no, and nothing happened; `failed` for good, or `timed_out`: whether
            something happened is unknown; `cancelled`: it was told to stop.
        result: what it gave, a JSON value or whatever its shell puts in the place of a large one.
        error: why it did not succeed.
        began: False where it is certain that the action was never called: there is nothing to undo then.
    """

    kind: OutcomeKind
    result: Any = field(default=None, hash=False)
    error: StepError | None = None
    began: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """What a suspended unit of work waits for.

    Attributes:
        event: the name of the event that wakes it; None for time alone.
        timeout: after which time it wakes by itself; None for never.
        on_timeout: where an event was waited for and did not come: whether the step fails, succeeds all the same, or
            goes to its error branch.
        schema: what the event's data must meet; its shell sees to it.
        reason: for people.
    """

    event: str | None = None
    timeout: timedelta | None = None
    on_timeout: Literal["fail", "continue", "branch"] = "fail"
    schema: Any = field(default=None, hash=False)
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a run turns back.

    Attributes:
        kind: a step `failed`; somebody `cancelled` the run; its `deadline` passed.
        error: what happened.
        step: the step that failed, where one did.
    """

    kind: Literal["failed", "cancelled", "deadline"]
    error: StepError
    step: str | None = None
