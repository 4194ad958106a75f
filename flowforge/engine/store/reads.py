"""Reads the runs' rows, which the runs' own turns write."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import fields, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, and_, bindparam, case, func, or_, select

from flowforge.engine.core.outcomes import UndoStatus
from flowforge.engine.core.stored import Stored, read
from flowforge.engine.core.views import RunStatus
from flowforge.engine.store.labelled import is_labelled
from flowforge.engine.store.records import RunEvent, RunRecord, StepRecord, UndoCount, UndoRecord
from flowforge.engine.store.values import fetch, texts
from flowforge.persistence.database import Database
from flowforge.persistence.tables.engine import EXECUTION_EVENTS, EXECUTION_STEPS, EXECUTION_UNDOS, EXECUTIONS

MAX_SHOWN_BYTES: Final = 4 * 1024 * 1024
"""How much of what is kept elsewhere is shown with a run."""

MOST_UNDOS: Final = 200
"""How many of its undos come with a run: one that went over 10,000 items has as many."""

_PARTS_AT_ONCE: Final = 16
_OUTPUT: Final = ""  # no step is called so
_ALL: Final = 1_000_000
_MOST_REPLAYS: Final = 100
_PARTS: Final = frozenset({"steps", "undos", "undo_counts", "replays"})
_ROW: Final = select(*(EXECUTIONS.c[field.name] for field in fields(RunRecord) if field.name not in _PARTS))
_BY_ID: Final = _ROW.where(EXECUTIONS.c.execution_id == bindparam("id"))
_BEGUN: Final = select(EXECUTIONS.c.starts).where(EXECUTIONS.c.execution_id == bindparam("id"))
_STATUS: Final = select(EXECUTIONS.c.status).where(EXECUTIONS.c.execution_id == bindparam("id"))
_STEPS: Final = select(*(EXECUTION_STEPS.c[field.name] for field in fields(StepRecord))).where(
    EXECUTION_STEPS.c.execution_id == bindparam("id")
)
_AS_THEY_RUN: Final = (EXECUTION_UNDOS.c.generation.desc(), EXECUTION_UNDOS.c.position.desc())
_UNDOS: Final = select(*(EXECUTION_UNDOS.c[field.name] for field in fields(UndoRecord))).where(
    EXECUTION_UNDOS.c.execution_id == bindparam("id")
)
# Somebody has to see those that failed, however many others there are.
_MOST_TELLING_UNDOS: Final = _UNDOS.order_by(
    case((EXECUTION_UNDOS.c.status == "failed", 0), else_=1), *_AS_THEY_RUN
).limit(MOST_UNDOS)
_KINDS: Final = (EXECUTION_UNDOS.c.generation, EXECUTION_UNDOS.c.step_id, EXECUTION_UNDOS.c.status)
_UNDO_COUNTS: Final = (
    select(*_KINDS, func.count().label("count"))
    .where(EXECUTION_UNDOS.c.execution_id == bindparam("id"))
    .group_by(*_KINDS)
)
_REPLAYS: Final = (
    select(EXECUTIONS.c.execution_id)
    .where(EXECUTIONS.c.replay_of == bindparam("id"))
    .order_by(EXECUTIONS.c.sequence.desc())
    .limit(_MOST_REPLAYS)
)
_EVENTS: Final = (
    select(*(EXECUTION_EVENTS.c[field.name] for field in fields(RunEvent)))
    .where(EXECUTION_EVENTS.c.execution_id == bindparam("id"), EXECUTION_EVENTS.c.id > bindparam("after"))
    .order_by(EXECUTION_EVENTS.c.id)
    .limit(bindparam("count"))
)


class RunReads:
    """The runs as readers see them; every method raises DatabaseUnavailable where the database is away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, execution_id: str) -> RunRecord | None:
        """Return a run with its steps and undos, or None."""
        return await self._database.read(_get, execution_id)

    async def has_begun(self, execution_id: str, start: int) -> bool:
        """Tell whether a run's row tells of this start of it, or of a later one."""
        return await self._database.read(_has_begun, execution_id, start)

    async def with_values(self, run: RunRecord) -> RunRecord:
        """Return a run with its results and its output, as far as all of them come to no more than `MAX_SHOWN_BYTES`.

        What comes after that is left where it is kept; the output comes first, then the results of the latest steps.
        """
        room = MAX_SHOWN_BYTES
        wanted: dict[str, Stored] = {}
        kept = {step.step_id: step.stored for step in sorted(run.steps, key=_latest, reverse=True)}
        for name, stored in {_OUTPUT: run.output_stored, **kept}.items():
            if stored is not None and stored.size <= room:
                wanted[name] = stored
                room -= stored.size
        if not wanted:
            return run
        found = await self._database.read(fetch, wanted)
        steps = tuple(
            replace(step, result=found[step.step_id], stored=None) if step.step_id in found else step
            for step in run.steps
        )
        if _OUTPUT in found:
            run = replace(run, output=found[_OUTPUT], output_stored=None)
        return replace(run, steps=steps)

    async def text(self, stored: Stored) -> AsyncIterator[bytes]:
        """Yield a value as JSON, a list a few parts at a time: it may be larger than memory should be.

        Raises:
            NotFound: it was removed.
        """
        if stored.count is None:
            yield (await self._database.read(texts, stored, 0, 1))[0].encode()
            return
        for first in range(0, stored.count, _PARTS_AT_ONCE):
            parts = await self._database.read(texts, stored, first, _PARTS_AT_ONCE)
            yield ("[" if first == 0 else ",").encode() + ",".join(parts).encode()
        yield b"]" if stored.count else b"[]"

    async def list(
        self,
        *,
        limit: int,
        workflow_id: str | None = None,
        status: RunStatus | None = None,
        label: str | None = None,
        since: datetime | None = None,
        before: int | None = None,
    ) -> Sequence[RunRecord]:
        """Return runs without their steps, newest first.

        Args:
            limit: at most so many.
            workflow_id: only of this definition.
            status: only these.
            label: only those that are labelled so, as `name:text`.
            since: only those that were started then or later.
            before: only those behind this place.
        """
        chosen: list[ColumnElement[bool]] = []
        if workflow_id is not None:
            chosen.append(EXECUTIONS.c.workflow_id == workflow_id)
        if status is not None:
            chosen.append(EXECUTIONS.c.status == status)
        if label is not None:
            chosen.append(is_labelled(label, self._database.url.get_backend_name()))
        if since is not None:
            chosen.append(EXECUTIONS.c.started_at >= since)
        if before is not None:
            chosen.append(EXECUTIONS.c.sequence < before)
        return await self._database.read(_list, chosen, limit)

    async def events(self, execution_id: str, *, limit: int, after: int = 0) -> Sequence[RunEvent]:
        """Return a run's history behind the entry `after`, oldest first."""
        return await self._database.read(_events, execution_id, after, limit)

    async def undos(
        self,
        execution_id: str,
        *,
        limit: int,
        status: UndoStatus | None = None,
        behind: tuple[int, int] | None = None,
    ) -> Sequence[UndoRecord]:
        """Return undos of a run, in the order in which they run.

        Args:
            execution_id: the run.
            limit: at most so many.
            status: only those in this state.
            behind: only those behind the one with this generation and position.
        """
        chosen: list[ColumnElement[bool]] = []
        if status is not None:
            chosen.append(EXECUTION_UNDOS.c.status == status)
        if behind is not None:
            generation, position = behind
            same = and_(EXECUTION_UNDOS.c.generation == generation, EXECUTION_UNDOS.c.position < position)
            chosen.append(or_(EXECUTION_UNDOS.c.generation < generation, same))
        return await self._database.read(_undos, execution_id, chosen, limit)

    async def progress(self, execution_id: str, *, after: int) -> tuple[RunStatus | None, Sequence[RunEvent]]:
        """Return a run's status, None before it has a row, and its history behind the entry `after`.

        Both are of one moment: when the status is final, the entries are all there will be.
        """
        return await self._database.read(_progress, execution_id, after)


def _has_begun(connection: Connection, execution_id: str, start: int) -> bool:
    return (connection.execute(_BEGUN, {"id": execution_id}).scalar() or 0) >= start


def _get(connection: Connection, execution_id: str) -> RunRecord | None:
    row = connection.execute(_BY_ID, {"id": execution_id}).first()
    if row is None:
        return None
    steps = connection.execute(_STEPS, {"id": execution_id})
    undos = [UndoRecord(**_named(undo)) for undo in connection.execute(_MOST_TELLING_UNDOS, {"id": execution_id})]
    counts = connection.execute(_UNDO_COUNTS, {"id": execution_id}) if undos else ()
    return _record(
        row,
        steps=tuple(_step(step) for step in steps),
        undos=tuple(sorted(undos, key=lambda undo: (-undo.generation, -undo.position))),
        undo_counts=tuple(UndoCount(**_named(count)) for count in counts),
        replays=tuple(connection.execute(_REPLAYS, {"id": execution_id}).scalars()),
    )


def _list(connection: Connection, chosen: Sequence[ColumnElement[bool]], limit: int) -> list[RunRecord]:
    rows = connection.execute(_ROW.where(*chosen).order_by(EXECUTIONS.c.sequence.desc()).limit(limit))
    return [_record(row) for row in rows]


def _undos(
    connection: Connection, execution_id: str, chosen: Sequence[ColumnElement[bool]], limit: int
) -> list[UndoRecord]:
    query = _UNDOS.where(*chosen).order_by(*_AS_THEY_RUN).limit(limit)
    return [UndoRecord(**_named(row)) for row in connection.execute(query, {"id": execution_id})]


def _events(connection: Connection, execution_id: str, after: int, limit: int) -> list[RunEvent]:
    rows = connection.execute(_EVENTS, {"id": execution_id, "after": after, "count": limit})
    return [RunEvent(**_named(row)) for row in rows]


def _progress(connection: Connection, execution_id: str, after: int) -> tuple[RunStatus | None, Sequence[RunEvent]]:
    status = connection.execute(_STATUS, {"id": execution_id}).scalar()
    return status, _events(connection, execution_id, after, _ALL)


def _latest(step: StepRecord) -> float:
    return 0.0 if step.ended_at is None else step.ended_at.timestamp()


def _record(row: Row[Any], **parts: Any) -> RunRecord:
    values = _named(row)
    told = {"waiting": tuple(values["waiting"]), "output_stored": read(values["output_stored"])}
    return RunRecord(**{**values, **told, **parts})


def _step(row: Row[Any]) -> StepRecord:
    values = _named(row)
    return StepRecord(**{**values, "stored": read(values["stored"])})


def _named(row: Row[Any]) -> dict[str, Any]:
    return dict(row._mapping)  # noqa: SLF001 -- SQLAlchemy's public name for it
