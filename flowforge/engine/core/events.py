"""What can happen to a run. Every event may be delivered twice: one that nothing waits for any more changes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from flowforge.engine.core.keys import Key
from flowforge.engine.core.outcomes import Outcome, StepError, Wait

Question = Literal["condition", "items", "transition", "output"]


@dataclass(frozen=True, slots=True)
class Begin:
    """The run starts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """A question was answered.

    Attributes:
        key: whose question; None for the run's output.
        question: which.
        answer: to `condition` a bool; to `items` an `ItemList`; to `transition` the index of the way to take, None
            where no condition is true; to `output` the value.
        error: why there is no answer; the step then fails, or the run for its output.
    """

    key: Key | None
    question: Question
    answer: Any = None
    error: StepError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemList:
    """The answer to `items`.

    Attributes:
        count: how many there are.
        value: the list, or whatever a shell puts in the place of a large one.
    """

    count: int
    value: Any = field(default=None, hash=False)


@dataclass(frozen=True, slots=True)
class Settled:
    """An action ended."""

    key: Key
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Suspended:
    """An action answered that it waits: for time, or for an event."""

    key: Key
    wait: Wait


@dataclass(frozen=True, slots=True)
class TimerFired:
    """The time of a timer that was started for this unit of work has come."""

    key: Key


@dataclass(frozen=True, slots=True)
class EventArrived:
    """Somebody sent an event; the first unit of work that waits for it gets it, or the first that will."""

    name: str
    data: Any = field(default=None, hash=False)


@dataclass(frozen=True, slots=True)
class PauseRequested:
    """No further action may start."""


@dataclass(frozen=True, slots=True)
class Resumed:
    """Go on: a paused run starts actions again; in any other one, whoever waits first is woken with `data`."""

    data: Any = field(default=None, hash=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRequested:
    """Somebody calls the run off."""

    reason: str = "cancelled"


@dataclass(frozen=True, slots=True)
class DeadlinePassed:
    """The run's time is over. Its clock stands still while the run is paused or held."""


@dataclass(frozen=True, slots=True)
class Compensate:
    """An operator has a held run undone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """An operator has a run begin again: `retrying` says from where.

    Attributes:
        step: go on from this step: it, and everything after it, runs again; None for what failed alone.
        values: results and input keys that are edited first.
    """

    step: str | None = None
    values: Mapping[str, Any] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Overruled:
    """The run ended as completed, but it had been cancelled before: it turns back."""

    reason: str = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Abandoned:
    """Whoever walked the run is gone, and whatever was in flight with it: it turns back, or goes on turning back.

    Attributes:
        cancelled: why somebody had called it off; None where nobody had.
    """

    cancelled: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoSettled:
    """An undo ended; `failed` means for good."""

    key: Key
    status: Literal["done", "not_needed", "failed"]
    error: StepError | None = None


@dataclass(frozen=True, slots=True)
class UndoDelayed:
    """An undo takes long: the next one may begin beside it."""

    key: Key


@dataclass(frozen=True, slots=True)
class UndoRetried:
    """An operator has a step's failed undos tried again."""

    step: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoWrittenOff:
    """An operator gives a step's failed undos up."""

    step: str
    by: str
    reason: str


Event: TypeAlias = (
    Begin
    | Decided
    | Settled
    | Suspended
    | TimerFired
    | EventArrived
    | PauseRequested
    | Resumed
    | CancelRequested
    | DeadlinePassed
    | Compensate
    | Retry
    | Overruled
    | Abandoned
    | UndoSettled
    | UndoDelayed
    | UndoRetried
    | UndoWrittenOff
)
"""Anything that can happen to a run."""
