"""Writes the runs' rows: what each turn has changed, in one transaction."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Connection, Row, Table, TextClause, bindparam, insert, select, text, update

from flowforge.engine.core.stored import write
from flowforge.engine.core.views import RunStatus
from flowforge.engine.saving import RunSaved, SaveRun, StepChange, Transition, UndoChange
from flowforge.engine.store.again import begin_again, keep
from flowforge.engine.store.discarded import drop_discarded
from flowforge.engine.store.memory import forget, remember
from flowforge.engine.store.outbox import put
from flowforge.engine.store.values import fetch
from flowforge.errors import Fault
from flowforge.persistence.database import Database
from flowforge.persistence.tables.engine import EXECUTION_EVENTS, EXECUTION_STEPS, EXECUTION_UNDOS, EXECUTIONS

_KNOWN: Final = (
    "status",
    "workflow_id",
    "parent_execution_id",
    "failure",
    "edits",
    "generation",
    "starts",
    "run_id",
    "history",
    "task_at",
    "turn",
    "ended_at",
    "cancel_reason",
    "abandoned_at",
)
_LOAD: Final = (
    select(*(EXECUTIONS.c[name] for name in _KNOWN))
    .where(EXECUTIONS.c.execution_id == bindparam("id"))
    .with_for_update()
)
"""What a save has to know: what a run was given may be much, and is read by others."""

_MUTABLE: Final = (
    "status",
    "output",
    "output_stored",
    "failure",
    "waiting",
    "revision",
    "generation",
    "starts",
    "wish",
    "run_id",
    "history",
    "task_at",
    "turn",
    "updated_at",
    "ended_at",
    "abandoned_at",
)
_SAVE: Final = (
    update(EXECUTIONS)
    .where(EXECUTIONS.c.execution_id == bindparam("id"))
    .values({name: bindparam(name) for name in _MUTABLE})
)
_MARK: Final = (
    update(EXECUTIONS)
    .where(EXECUTIONS.c.execution_id == bindparam("id"))
    .values(cancel_requested_at=bindparam("at"), cancel_reason=bindparam("reason"))
)


def _put(table: Table) -> TextClause:
    """Return what writes a row whole, whether there was one or not."""
    names = [column.name for column in table.columns]
    keys = [column.name for column in table.primary_key.columns]
    changes = ", ".join(f"{name} = excluded.{name}" for name in names if name not in keys)
    return text(
        f"insert into {table.name} ({', '.join(names)}) values ({', '.join(f':{name}' for name in names)}) "  # noqa: S608
        f"on conflict ({', '.join(keys)}) do update set {changes}"
    ).bindparams(*(bindparam(column.name, type_=column.type) for column in table.columns))


_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)
_PUT_STEPS: Final = _put(EXECUTION_STEPS)
_PUT_UNDOS: Final = _put(EXECUTION_UNDOS)
_TELL: Final = insert(EXECUTION_EVENTS)


class RunRows:
    """Moves the runs' rows; every method raises DatabaseUnavailable where the database is away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(self, request: SaveRun) -> RunSaved:
        """Write what a turn has changed; a row that has ended keeps its end, and a write that is behind is none.

        Raises:
            Fault: there is no row to write to (yet); nothing was written.
        """
        return await self._database.write(save, request)

    async def mark_cancelled(self, execution_id: str, reason: str) -> "MarkedRun | None":
        """Mark a run as called off, unless it has ended or was before; return it as it is then, None without a row."""
        return await self._database.write(mark_cancelled, execution_id, reason, datetime.now(UTC))


class MarkedRun:
    """A run's row after it was asked to be called off.

    Attributes:
        status: what it is.
        is_over: whether it had ended before.
        reason: why it was called off first, None where it never was.
        failure: why it turns back, None where it does not.
        starts: how often it was started.
    """

    __slots__ = ("failure", "is_over", "reason", "starts", "status")

    def __init__(self, row: Row[Any], reason: str | None) -> None:
        self.status: str = row.status
        self.is_over: bool = row.ended_at is not None
        self.reason = reason
        self.starts: int = row.starts
        self.failure: Mapping[str, str | None] | None = row.failure


def save(connection: Connection, request: SaveRun) -> RunSaved:
    """Do what RunRows.save does, in a transaction that is open already."""
    row = connection.execute(_LOAD, {"id": request.execution_id}).first()
    if row is None:
        return _open(connection, request)
    if request.start == row.starts + 1 and row.status != "completed":
        row = begin_again(connection, row, request)
    if row.abandoned_at is not None and not request.abandoned:
        return _refuse(row, request)
    is_behind = _is_behind(row, request)
    if is_behind or (row.ended_at is not None and not (request.reopens and row.status == "completed")):
        is_over = row.ended_at is not None
        return RunSaved(status=row.status, is_over=is_over, cancel_reason=row.cancel_reason, is_behind=is_behind)
    if request.status == "completed" and row.cancel_reason is not None:
        request = _not_completed(request, row.status)
    abandoned_at = row.abandoned_at
    if request.abandoned and abandoned_at is None:
        abandoned_at = datetime.now(UTC)
    connection.execute(_SAVE, {"id": request.execution_id, **_mutable(request), "abandoned_at": abandoned_at})
    is_repeat = row.run_id == request.run_id and row.turn >= request.turn
    if is_repeat or row.run_id != request.run_id:
        drop_discarded(connection, request, is_repeat=is_repeat)
    _write_parts(connection, request)
    remember(connection, request, is_repeat=is_repeat)
    put(connection, request, workflow_id=row.workflow_id)
    if request.is_over and _needs_no_undo(row, request):
        forget(connection, request.execution_id)
    keep(connection, row, request)
    return RunSaved(status=request.status, is_over=request.is_over, cancel_reason=row.cancel_reason)


def _not_completed(request: SaveRun, status: RunStatus) -> SaveRun:
    """Return the last turn of a run that was called off before it could complete: its steps are as they are."""
    events = tuple(event for event in request.events if event.step_id is not None)
    return replace(request, status=status, output=None, output_stored=None, is_over=False, events=events)


def _needs_no_undo(row: Row[Any], request: SaveRun) -> bool:
    """Tell whether nothing can undo a run any more: nobody has it go on, and no other one is undone with it."""
    if request.status == "completed":
        return row.parent_execution_id is None
    return request.status != "failed"


def _is_behind(row: Row[Any], request: SaveRun) -> bool:
    """Tell whether a write is a zombie's: of another start of the run, or of a task whose turn is over."""
    if request.start != row.starts:
        return True
    if row.run_id != request.run_id:
        return False
    written = (row.history, row.task_at or _LONG_AGO, row.turn)
    return (request.history, _task_at(request) or _LONG_AGO, request.turn) < written


def _task_at(request: SaveRun) -> datetime | None:
    return None if request.task_at is None else datetime.fromisoformat(request.task_at)


def _refuse(row: Row[Any], request: SaveRun) -> RunSaved:
    """Answer a workflow whose run is being undone, or was, by another one that took it for gone.

    Raises:
        Fault: it is at its end, and that other one is not.
    """
    is_over = row.ended_at is not None
    if request.is_over and not is_over:
        raise Fault(f"{request.execution_id!r} was taken for gone, and is undone elsewhere")
    return RunSaved(status=row.status, is_over=is_over, cancel_reason="its workflow was taken for gone")


def _open(connection: Connection, request: SaveRun) -> RunSaved:
    """Write a run's first turn, and its row."""
    run = request.opening
    if run is None:
        raise Fault(f"there is no row of {request.execution_id!r}")
    if request.status == "completed" and request.called_off is not None:
        request = _not_completed(request, "running")
    values = {
        **_mutable(request),
        "execution_id": run.execution_id,
        "workflow_id": run.workflow_id,
        "input": {**run.input, **fetch(connection, run.stored)},
        "metadata": dict(run.metadata),
        "tenant_id": run.tenant_id,
        "parent_execution_id": run.parent_execution_id,
        "request_id": run.request_id,
        "depth": run.depth,
        "timeout_s": run.timeout_s,
        "replay_of": run.replay_of,
        "started_at": datetime.fromisoformat(run.accepted_at),
        "cancel_reason": request.called_off,
        "cancel_requested_at": None if request.called_off is None else datetime.fromisoformat(request.at),
    }
    connection.execute(insert(EXECUTIONS).inline(), values)
    _write_parts(connection, request)
    remember(connection, request)
    put(connection, request, workflow_id=run.workflow_id)
    return RunSaved(status=request.status, is_over=request.is_over, cancel_reason=request.called_off)


def _mutable(request: SaveRun) -> dict[str, Any]:
    at = datetime.fromisoformat(request.at)
    return {
        "status": request.status,
        "output": request.output,
        "output_stored": None if request.output_stored is None else write(request.output_stored),
        "failure": None if request.failure is None else dict(request.failure),
        "waiting": [asdict(waiting) for waiting in request.waiting],
        "revision": request.revision,
        "generation": request.generation,
        "starts": request.start,
        "wish": request.wish,
        "run_id": request.run_id,
        "history": request.history,
        "task_at": _task_at(request),
        "turn": request.turn,
        "updated_at": at,
        "ended_at": at if request.is_over else None,
    }


def _write_parts(connection: Connection, request: SaveRun) -> None:
    for statement, changes in (
        (_PUT_STEPS, request.steps),
        (_PUT_UNDOS, request.undos),
        (_TELL, request.events),
    ):
        if changes:
            connection.execute(statement, [_row(change, request.execution_id) for change in changes])


def _row(change: StepChange | UndoChange | Transition, execution_id: str) -> dict[str, Any]:
    row: dict[str, Any] = {name: getattr(change, name) for name in change.__slots__}
    for name in ("started_at", "ended_at", "at"):
        if row.get(name) is not None:
            row[name] = datetime.fromisoformat(row[name])
    if row.get("stored") is not None:
        row["stored"] = write(row["stored"])
    return {**row, "execution_id": execution_id}


def mark_cancelled(connection: Connection, execution_id: str, reason: str, at: datetime) -> MarkedRun | None:
    """Do what RunRows.mark_cancelled does, in a transaction that is open already."""
    row = connection.execute(_LOAD, {"id": execution_id}).first()
    if row is None:
        return None
    turns_back = row.ended_at is not None or (row.failure is not None and row.failure["kind"] != "held")
    if row.cancel_reason is None and not turns_back:
        connection.execute(_MARK, {"id": execution_id, "at": at, "reason": reason})
        return MarkedRun(row, reason)
    return MarkedRun(row, row.cancel_reason)
