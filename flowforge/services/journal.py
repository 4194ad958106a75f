"""How the owner of a saga gets to write its own rows in the transactions of the services' effects."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, Protocol, TypeVar

from flowforge.durable.fence import StepCall
from flowforge.services.outcomes import to_json

Transaction_contra = TypeVar("Transaction_contra", contravariant=True)
State = Literal["applied", "refused", "undone", "not_needed", "written_off"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One outcome of one step: a new one for `Journal.record`, one that was found for `Journal.redelivered`.

    Attributes:
        call: the delivery that brought the outcome about.
        operation: the ledger's name of it, for example `payments.charge` (of the forward operation, for an undo too).
        state: `applied` or `refused` going forward, `undone` or `not_needed` (a tombstone) going backward, or
            `written_off` where an operator gave that up.
        outcome: the recorded result as JSON; for a refusal `{"code": …, "message": …}`; for a write-off
            `{"by": …, "reason": …}`.
        reversed: what the service says that this undo did, as JSON, where that is more than its state tells; an undo
            of a payment says TakenBack.
        started_at: when this delivery began, aware UTC.
        at: when it was recorded, aware UTC.
    """

    call: StepCall
    operation: str
    state: State
    outcome: Mapping[str, Any]
    started_at: datetime
    at: datetime
    reversed: Mapping[str, Any] = field(default_factory=dict)


def entry_of(
    call: StepCall,
    operation: str,
    state: State,
    outcome: Mapping[str, Any],
    started_at: datetime,
    done: object | None = None,
) -> Entry:
    """Return an outcome as it is now; of an undo with what the service says that it did, a flat dataclass."""
    return Entry(
        call=call,
        operation=operation,
        state=state,
        outcome=outcome,
        started_at=started_at,
        at=datetime.now(UTC),
        reversed={} if done is None else to_json(done),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedAttempt:
    """A delivery that brought no outcome about, or whose answer was lost after it had.

    Attributes:
        retried: whether Temporal will deliver the step again.
        started_at: when this delivery began, aware UTC.
        at: when it failed, aware UTC.
    """

    call: StepCall
    operation: str
    code: str
    message: str
    retried: bool
    started_at: datetime
    at: datetime


class Journal(Protocol[Transaction_contra]):
    """Writes the rows of a saga's owner."""

    def record(self, entry: Entry, transaction: Transaction_contra | None) -> None:
        """Write the owner's rows for an outcome.

        Args:
            entry: the outcome.
            transaction: the SQL connection of the effect's transaction, so that both commit together; None when the
                effect lives elsewhere: the journal then writes in a transaction of its own.

        Raises:
            DatabaseUnavailable: nothing was written; the effect is rolled back.
        """
        ...

    def redelivered(self, entry: Entry, transaction: Transaction_contra | None) -> None:
        """Note a delivery that found its outcome recorded, for people to see.

        Args:
            entry: the delivery; its state is what it found, its outcome `{"code": …, "message": …}` where it answers
                with an error (`refused`; forward and `undone`).
            transaction: as for `record`.

        Raises:
            DatabaseUnavailable: nothing was written.
        """
        ...

    def beyond_recall(self, saga_id: str, at: datetime, transaction: Transaction_contra | None) -> None:
        """Take note that something of a saga cannot be undone any more: it is not unwound from now on.

        Args:
            saga_id: the saga.
            at: since when, aware UTC.
            transaction: as for `record`.

        Raises:
            Conflict: the saga is being unwound, or was; what cannot be undone must not happen.
            DatabaseUnavailable: nothing was written.
        """
        ...

    async def attempt_failed(self, attempt: FailedAttempt) -> None:
        """Note a failed attempt, for people to see; decides nothing, and is silent where the database is away."""
        ...
