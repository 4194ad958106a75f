"""Open runs whose rows have not moved for a while."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self

from sqlalchemy import Connection, bindparam, select

from flowforge.engine.store.records import OPEN
from flowforge.persistence.tables.engine import EXECUTIONS
from flowforge.reconciling.sweeps import Sweep, is_taken

_COLUMNS: Final = (
    EXECUTIONS.c.sequence,
    EXECUTIONS.c.execution_id,
    EXECUTIONS.c.workflow_id,
    EXECUTIONS.c.status,
    EXECUTIONS.c.failure,
    EXECUTIONS.c.updated_at,
    EXECUTIONS.c.cancel_reason,
    EXECUTIONS.c.starts,
)
_IS_OPEN: Final = EXECUTIONS.c.status.in_(sorted(OPEN))
_STILL: Final = (
    select(*_COLUMNS)
    .where(
        _IS_OPEN,
        EXECUTIONS.c.sequence > bindparam("after"),
        is_taken(EXECUTIONS.c.sequence, EXECUTIONS.c.updated_at, EXECUTIONS.c.cancel_requested_at),
    )
    .order_by(EXECUTIONS.c.sequence)
    .limit(bindparam("count"))
)
_AGAIN: Final = select(EXECUTIONS.c.updated_at).where(EXECUTIONS.c.execution_id == bindparam("id"), _IS_OPEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class StillRun:
    """An open run that did not move.

    Attributes:
        sequence: its place among all runs.
        updated_at: when it moved last.
        cancel_reason: why it was called off; None where it was not.
        turns_back: whether it has begun to turn back.
        starts: how often it was started.
    """

    sequence: int
    execution_id: str
    workflow_id: str
    status: str
    updated_at: datetime
    cancel_reason: str | None
    turns_back: bool
    starts: int = 1

    @property
    def name(self) -> str:
        """See Still.name."""
        return self.execution_id

    @property
    def labels(self) -> Mapping[str, str]:
        """See Still.labels."""
        return {"execution_id": self.execution_id}

    @property
    def is_to_be_cancelled(self) -> bool:
        """Whether it was called off and goes on as if it was not."""
        return self.cancel_reason is not None and not self.turns_back

    @classmethod
    def of(cls, row: Any) -> Self:
        """Return the run of a row."""
        return cls(
            sequence=row.sequence,
            execution_id=row.execution_id,
            workflow_id=row.workflow_id,
            status=row.status,
            updated_at=row.updated_at,
            cancel_reason=row.cancel_reason,
            turns_back=row.failure is not None and row.failure["kind"] != "held",
            starts=row.starts,
        )


def still_runs(connection: Connection, sweep: Sweep, *, after: int, limit: int) -> Sequence[StillRun]:
    """Return open runs that do not move and are a sweep's, in the order of their rows.

    Args:
        connection: a reading one.
        sweep: which of them it takes.
        after: only rows behind this one.
        limit: at most so many.
    """
    rows = connection.execute(_STILL, {**sweep.parameters, "after": after, "count": limit})
    return [StillRun.of(row) for row in rows]


def is_still(connection: Connection, run: StillRun) -> bool:
    """Tell whether a run is open and has not moved since it was read."""
    return connection.execute(_AGAIN, {"id": run.execution_id}).scalar() == run.updated_at
