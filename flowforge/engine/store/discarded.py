"""Removes from a run's rows what a workflow task told that was discarded since."""

from typing import Final

from sqlalchemy import Connection, bindparam, delete, or_, select

from flowforge.engine.saving import SaveRun
from flowforge.persistence.tables.engine import EXECUTION_EVENTS, EXECUTION_STEPS, EXECUTION_UNDOS

_EVENT: Final = EXECUTION_EVENTS.c
_TOLD: Final = select(_EVENT.step_id).where(_EVENT.execution_id == bindparam("of"), _EVENT.step_id.is_not(None))
_DROP_EVENTS: Final = delete(EXECUTION_EVENTS).where(
    _EVENT.execution_id == bindparam("of"), _EVENT.id >= bindparam("id")
)
_DROP_STEPS: Final = delete(EXECUTION_STEPS).where(
    EXECUTION_STEPS.c.execution_id == bindparam("of"),
    EXECUTION_STEPS.c.step_id.in_(_TOLD.where(_EVENT.id >= bindparam("id"))),
    EXECUTION_STEPS.c.step_id.not_in(_TOLD.where(_EVENT.id < bindparam("id"))),
)
"""Of the steps of which only later events tell."""

_UNDO: Final = EXECUTION_UNDOS.c
_DROP_UNDOS: Final = delete(EXECUTION_UNDOS).where(
    _UNDO.execution_id == bindparam("of"),
    _UNDO.generation == bindparam("in_generation"),
    or_(_UNDO.position > bindparam("places"), _UNDO.position.in_(bindparam("anew", expanding=True))),
)
"""Of the undos that have no place any more, or whose place is taken anew."""


def drop_discarded(connection: Connection, request: SaveRun, *, is_repeat: bool) -> None:
    """Remove what an earlier run of this task told, which was discarded since: it did not happen.

    The turn that comes next in the same run finds nothing of that: the one before, or a repeat of it, has removed it.
    """
    first_event = request.events[0].id if request.events else request.next_event
    if first_event:
        first = {"of": request.execution_id, "id": first_event}
        if is_repeat:
            connection.execute(_DROP_STEPS, first)
        connection.execute(_DROP_EVENTS, first)
    if is_repeat:
        places = {"places": request.undo_places, "anew": [undo.position for undo in request.undos]}
        of = {"of": request.execution_id, "in_generation": request.generation}
        connection.execute(_DROP_UNDOS, {**of, **places})
