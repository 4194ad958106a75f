"""Writes what it takes to undo a run whose workflow is gone: with every turn, in the transaction of its row."""

from typing import Any, Final

from sqlalchemy import JSON, Connection, bindparam, delete, text

from flowforge.engine.saving import Remembered, SaveRun
from flowforge.persistence.tables.engine import EXECUTION_MEMORY

_OF: Final = EXECUTION_MEMORY.c.execution_id == bindparam("of")
_WRITE: Final = text("""
    insert into execution_memory (execution_id, kind, name, place, content)
    values (:execution_id, :kind, :name, :place, :content)
    on conflict (execution_id, kind, name) do update set content = excluded.content,
    place = case when excluded.place = 0 then execution_memory.place else excluded.place end
""").bindparams(bindparam("content", type_=JSON))
_DROP: Final = delete(EXECUTION_MEMORY).where(
    _OF, EXECUTION_MEMORY.c.kind == bindparam("what"), EXECUTION_MEMORY.c.name == bindparam("whose")
)
_DROP_BEHIND: Final = delete(EXECUTION_MEMORY).where(_OF, EXECUTION_MEMORY.c.place > bindparam("kept"))
_FORGET: Final = delete(EXECUTION_MEMORY).where(_OF)


def remember(connection: Connection, request: SaveRun, *, is_repeat: bool = False) -> None:
    """Write what a turn tells; where it repeats one that was discarded, what only that one began did not happen.

    Unless it ran inside the discarded task: its undo is kept.
    """
    name = request.execution_id
    if is_repeat and not request.local_effects:
        kept = min((each.place - 1 for each in request.remembered if each.place), default=request.places)
        connection.execute(_DROP_BEHIND, {"of": name, "kept": kept})
    told = [each for each in request.remembered if not each.is_forgotten]
    gone = [each for each in request.remembered if each.is_forgotten]
    if told:
        connection.execute(_WRITE, [{"execution_id": name, **_columns(each)} for each in told])
    if gone:
        connection.execute(_DROP, [{"of": name, "what": each.kind, "whose": each.name} for each in gone])


def forget(connection: Connection, execution_id: str) -> None:
    """Remove it all: the run is over, and needs no undo any more."""
    connection.execute(_FORGET, {"of": execution_id})


def _columns(each: Remembered) -> dict[str, Any]:
    return {"kind": each.kind, "name": each.name, "place": each.place, "content": each.content}
