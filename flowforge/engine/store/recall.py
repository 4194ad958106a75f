"""Puts a run together from its row, as far as undoing it from outside takes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, String, bindparam, func, select

from flowforge.engine.contracts import Carried, Recalled, RunRequest
from flowforge.engine.core.codec import dump
from flowforge.engine.core.outcomes import Failure, StepError
from flowforge.engine.core.plan import CHILD
from flowforge.engine.core.state import Phase, State, StepState
from flowforge.engine.core.stored import read, write
from flowforge.engine.definition.model import Definition
from flowforge.engine.idempotency import child_id, forward_key
from flowforge.engine.memory import recalled, unanswered
from flowforge.engine.packing import pack
from flowforge.engine.saving import Remembered
from flowforge.engine.store.rows import mark_cancelled
from flowforge.persistence.tables.engine import (
    EXECUTION_EVENTS,
    EXECUTION_MEMORY,
    EXECUTION_STEPS,
    EXECUTION_UNDOS,
    EXECUTIONS,
    REVISIONS,
)

_ID: Final = bindparam("of", type_=String)
_RUN: Final = (
    select(EXECUTIONS, REVISIONS.c.body)
    .join(
        REVISIONS,
        (REVISIONS.c.workflow_id == EXECUTIONS.c.workflow_id) & (REVISIONS.c.revision == EXECUTIONS.c.revision),
    )
    .where(EXECUTIONS.c.execution_id == _ID)
)
_STEPS: Final = select(EXECUTION_STEPS).where(EXECUTION_STEPS.c.execution_id == _ID)
_UNDOS: Final = select(EXECUTION_UNDOS).where(EXECUTION_UNDOS.c.execution_id == _ID)
_LAST_EVENT: Final = select(func.max(EXECUTION_EVENTS.c.id)).where(EXECUTION_EVENTS.c.execution_id == _ID)
_REMEMBERED: Final = (
    select(EXECUTION_MEMORY)
    .where(EXECUTION_MEMORY.c.execution_id == _ID)
    .order_by(EXECUTION_MEMORY.c.place, EXECUTION_MEMORY.c.name)
)


def recall(connection: Connection, execution_id: str, *, silence_s: float) -> RunRequest | None:
    """Return an open run as its row has it, to be undone by another workflow than its own; None where there is none.

    The runs that it has started are looked at, too: one that completed is undone with it, and one that is open is
    called off here and now, so that it cannot complete behind its back.

    Args:
        connection: in a writing transaction.
        execution_id: the run.
        silence_s: seconds after which a worker that is not heard of is taken for dead.
    """
    row = connection.execute(_RUN, {"of": execution_id}).first()
    if row is None or row.ended_at is not None:
        return None
    carried, state = _carried(connection, row)
    # A worker's last heartbeat may have been answered just before its run was gone.
    settle_s = 2 * silence_s if unanswered(state) else 0.0
    return RunRequest(
        execution_id=execution_id,
        workflow_id=row.workflow_id,
        revision=row.revision,
        definition=row.body,
        input=row.input,
        accepted_at=row.started_at.isoformat(),
        generation=row.generation,
        start=row.starts,
        wish=row.wish,
        metadata=row.metadata,
        tenant_id=row.tenant_id,
        parent_execution_id=row.parent_execution_id,
        request_id=row.request_id,
        carried=replace(carried, recalled=Recalled(cancel_reason=row.cancel_reason, settle_s=settle_s)),
        abandoned=True,
    )


def _carried(connection: Connection, row: Row[Any]) -> tuple[Carried, State]:
    steps = connection.execute(_STEPS, {"of": row.execution_id}).all()
    remembered = [
        Remembered(kind=part.kind, name=part.name, content=part.content, place=part.place)
        for part in connection.execute(_REMEMBERED, {"of": row.execution_id})
    ]
    state = recalled(
        remembered,
        phase=_phase(row),
        steps={step.step_id: _step_state(step) for step in steps},
        results={
            **(row.edits or {}),
            **{step.step_id: _result(step) for step in steps if step.status == "succeeded"},
        },
        failure=None if row.failure is None else _failure(row.failure),
        generation=row.generation,
    )
    carried = Carried(
        state=pack(dump(state, value=write)),
        story=pack(_story(connection, row, steps, remembered)),
        children=tuple(_children(connection, row, state)),
        revision=row.revision,
    )
    return carried, state


def _phase(row: Row[Any]) -> Phase:
    if row.failure is not None:
        return "held" if row.failure["kind"] == "held" else "undoing"
    return "completed" if row.ended_at is not None else "forward"


def _step_state(step: Row[Any]) -> StepState:
    error = None if step.error is None else StepError(**step.error)
    return StepState(status=step.status, visit=step.visit, error=error)


def _result(step: Row[Any]) -> Any:
    return step.result if step.stored is None else read(step.stored)


def _failure(told: Mapping[str, Any]) -> Failure:
    kind: Any = "failed" if told["kind"] == "held" else told["kind"]
    error = StepError(code=told["code"], message=told["message"])
    return Failure(kind=kind, error=error, step=told["step"])


def _story(
    connection: Connection, row: Row[Any], steps: Sequence[Row[Any]], remembered: Sequence[Remembered]
) -> dict[str, Any]:
    """Return what was told of a run so far, as `Story.carried` has it."""
    undos = [undo for undo in connection.execute(_UNDOS, {"of": row.execution_id}) if undo.generation == row.generation]
    return {
        "told": [
            [step.step_id, step.view, step.status, step.visit, _iso(step.started_at), _iso(step.ended_at)]
            for step in steps
        ],
        "notes": [[step.step_id, step.visit, step.attempts, step.details] for step in steps],
        "status": row.status,
        "events": connection.execute(_LAST_EVENT, {"of": row.execution_id}).scalar() or 0,
        "turns": row.turn,
        "undosTold": bool(undos),
        "positions": [[undo.step_id, undo.visit, undo.item, undo.position] for undo in undos],
        "remembered": max((each.place for each in remembered), default=0),
    }


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _children(
    connection: Connection, row: Row[Any], state: State
) -> Iterator[tuple[str, int, int | None, Mapping[str, Any]]]:
    """Yield what runs carry that this one had started and that completed; call off those that are open."""
    steps = {step.id: step for step in Definition.model_validate(row.body).steps}
    for entry in state.undos:
        step = steps[entry.key.step]
        if step.action != CHILD or step.compensation is not None:
            continue
        name = child_id(forward_key(row.execution_id, row.generation, entry.key))
        child = connection.execute(_RUN, {"of": name}).first()
        if child is None:
            continue
        if child.ended_at is None:
            why = f"the run that started it, {row.execution_id}, is undone"
            mark_cancelled(connection, name, why, datetime.now(UTC))
        elif child.status == "completed":
            yield (*entry.key, asdict(_carried(connection, child)[0]))
