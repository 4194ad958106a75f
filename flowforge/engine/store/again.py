"""Rows of runs that are begun again: what an ended run keeps for it, and how its row is opened once more."""

from dataclasses import asdict
from typing import Any, Final

from sqlalchemy import Connection, Row, String, bindparam, delete, func, insert, select, update

from flowforge.engine.contracts import Carried
from flowforge.engine.saving import SaveRun
from flowforge.errors import Fault
from flowforge.persistence.database import Database
from flowforge.persistence.tables.engine import (
    EXECUTION_EVENTS,
    EXECUTION_RESTS,
    EXECUTION_STEPS,
    EXECUTION_UNDOS,
    EXECUTIONS,
)

_ID: Final = bindparam("of", type_=String)
_ROW: Final = select(EXECUTIONS).where(EXECUTIONS.c.execution_id == _ID)
_OPEN: Final = (
    update(EXECUTIONS)
    .where(EXECUTIONS.c.execution_id == _ID)
    .values(starts=bindparam("start"), ended_at=None, cancel_requested_at=None, cancel_reason=None, abandoned_at=None)
)
_EDIT: Final = update(EXECUTIONS).where(EXECUTIONS.c.execution_id == _ID).values(edits=bindparam("now"))
_DROP_REST: Final = delete(EXECUTION_RESTS).where(EXECUTION_RESTS.c.execution_id == _ID)
_DROP_STEPS: Final = delete(EXECUTION_STEPS).where(EXECUTION_STEPS.c.execution_id == _ID)
_REST: Final = select(EXECUTION_RESTS.c.carried).where(EXECUTION_RESTS.c.execution_id == _ID)
_LAST_EVENT: Final = select(func.max(EXECUTION_EVENTS.c.id)).where(EXECUTION_EVENTS.c.execution_id == _ID)


class RunRests:
    """What ended runs keep, to be begun again; raises DatabaseUnavailable where the database is away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, execution_id: str) -> tuple[Carried | None, int]:
        """Return with what a run goes on, None where that is not known, and the number of its last event."""
        return await self._database.read(_get, execution_id)


def begin_again(connection: Connection, row: Row[Any], request: SaveRun) -> Row[Any]:
    """Open the row of an ended run for its next start; return it as it is then.

    Of a generation that is undone the undos stay, with its number before their keys; its steps are in the history.

    Raises:
        Fault: it has not ended.
    """
    name = request.execution_id
    if row.ended_at is None:
        raise Fault(f"{name!r} has not ended, and cannot begin again")
    connection.execute(_OPEN, {"of": name, "start": request.start})
    connection.execute(_DROP_REST, {"of": name})
    if request.generation > row.generation:
        connection.execute(_DROP_STEPS, {"of": name})
        undos = EXECUTION_UNDOS.c
        mine = (undos.execution_id == name) & (undos.generation == row.generation)
        connection.execute(update(EXECUTION_UNDOS).where(mine).values(key=f"{row.generation}:" + undos.key))
    return connection.execute(_ROW, {"of": name}).one()


def keep(connection: Connection, row: Row[Any], request: SaveRun) -> None:
    """Write what was edited, and what a run that has ended goes on with."""
    if request.edits:
        edits = {**(row.edits or {}), **request.edits}
        connection.execute(_EDIT, {"of": request.execution_id, "now": edits})
    if request.rest is not None and request.is_over:
        values = {"execution_id": request.execution_id, "carried": asdict(request.rest)}
        connection.execute(_DROP_REST, {"of": request.execution_id})
        connection.execute(insert(EXECUTION_RESTS).inline(), values)


def _get(connection: Connection, execution_id: str) -> tuple[Carried | None, int]:
    found = connection.execute(_REST, {"of": execution_id}).scalar()
    last = connection.execute(_LAST_EVENT, {"of": execution_id}).scalar() or 0
    return (None if found is None else _carried(found)), last


def _carried(found: dict[str, Any]) -> Carried:
    lists = {name: tuple(map(tuple, found[name])) for name in ("wakes", "children")}
    return Carried(**{**found, **lists})
