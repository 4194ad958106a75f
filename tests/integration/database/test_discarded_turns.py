"""Turns that a discarded workflow task had written: what the task that counts writes in their place."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Connection, select

from flowforge.engine.contracts import RunRequest
from flowforge.engine.saving import Remembered, SaveRun, StepChange, Transition, UndoChange
from flowforge.engine.store.rows import RunRows
from flowforge.persistence.database import Database
from flowforge.persistence.tables.engine import EXECUTION_EVENTS, EXECUTION_MEMORY, EXECUTION_STEPS, EXECUTION_UNDOS

NOW = datetime.now(UTC).isoformat()
RUN = "exec-1"


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An empty database."""
    database = Database(database_url)
    yield database
    await database.close()


def turn(number: int, step: str, *, history: int, local_effects: bool = False, **more: Any) -> SaveRun:
    """Return the turn that begins a step, and registers its undo."""
    run = RunRequest(execution_id=RUN, workflow_id="w", revision=1, definition={}, input={}, accepted_at=NOW)
    return SaveRun(
        execution_id=RUN,
        run_id="r",
        history=history,
        turn=number,
        at=NOW,
        status="running",
        opening=run if number == 1 else None,
        steps=(StepChange(step_id=step, view="running", status="active"),),
        events=(Transition(id=number, status="running", at=NOW, step_id=step),),
        remembered=(Remembered(kind="undo", name=step, content={"key": [step, 1, None]}, place=number),),
        places=number,
        local_effects=local_effects,
        **more,
    )


def _found(connection: Connection) -> dict[str, list[str]]:
    tables = {
        "steps": EXECUTION_STEPS.c.step_id,
        "events": EXECUTION_EVENTS.c.step_id,
        "undos": EXECUTION_MEMORY.c.name,
    }
    return {name: sorted(connection.execute(select(column)).scalars()) for name, column in tables.items()}


@pytest.mark.parametrize("local_effects", [False, True])
async def test_task_is_discarded_its_steps_did_not_begin_but_where_they_ran_in_it_their_undos_stay(
    database: Database, *, local_effects: bool
) -> None:
    rows = RunRows(database)
    for number, step in enumerate("abc", start=1):
        await rows.save(turn(number, step, history=3, local_effects=local_effects))
    await rows.save(turn(1, "a", history=6, local_effects=local_effects))
    undos = ["a", "b", "c"] if local_effects else ["a"]
    assert await database.read(_found) == {"steps": ["a"], "events": ["a"], "undos": undos}
    await rows.save(turn(2, "b", history=6, local_effects=local_effects))
    assert (await database.read(_found))["steps"] == ["a", "b"]


async def test_task_begins_with_a_turn_without_events_what_the_discarded_one_told_later_is_gone(
    database: Database,
) -> None:
    rows = RunRows(database)
    await rows.save(turn(1, "a", history=3))
    await rows.save(replace(turn(2, "a", history=6), events=(), next_event=2))
    await rows.save(replace(turn(3, "c", history=6), events=(Transition(id=2, status="running", at=NOW, step_id="c"),)))
    await rows.save(replace(turn(2, "a", history=9), events=(), next_event=2))
    assert await database.read(_found) == {"steps": ["a"], "events": ["a"], "undos": ["a"]}


async def test_turn_that_comes_too_late_changes_nothing(database: Database) -> None:
    rows = RunRows(database)
    assert not (await rows.save(turn(1, "a", history=6))).is_behind
    assert (await rows.save(turn(2, "b", history=3))).is_behind
    assert await database.read(_found) == {"steps": ["a"], "events": ["a"], "undos": ["a"]}


async def test_task_is_tried_a_third_time_with_the_history_of_the_second_it_is_not_behind(database: Database) -> None:
    """What two attempts tell of what ended meanwhile may be cut into turns in another way."""
    rows = RunRows(database)
    second, third = (f"2026-11-21T10:00:0{second}.000001+00:00" for second in (2, 5))
    await rows.save(turn(1, "a", history=3, task_at=NOW))
    await rows.save(turn(2, "b", history=6, task_at=second))
    await rows.save(turn(3, "c", history=6, task_at=second))
    assert not (await rows.save(turn(2, "d", history=6, task_at=third))).is_behind
    assert await database.read(_found) == {"steps": ["a", "d"], "events": ["a", "d"], "undos": ["a", "d"]}
    assert (await rows.save(turn(4, "c", history=6, task_at=second))).is_behind
    assert not (await rows.save(turn(3, "e", history=6, task_at=third))).is_behind
    assert (await rows.save(turn(2, "d", history=6, task_at=third))).is_behind


def undoing(number: int, *steps: str, history: int, told: int) -> SaveRun:
    """Return the turn that begins to undo these steps, when so many undos were told in all."""
    undos = tuple(
        UndoChange(key=f"{step}#1", position=place, step_id=step, visit=1, item=None, action="u", status="pending")
        for place, step in enumerate(steps, start=told - len(steps) + 1)
    )
    return replace(turn(number, steps[0], history=history), status="compensating", undos=undos, undo_places=told)


async def test_task_is_discarded_its_undos_are_not_left_as_pending_for_ever(database: Database) -> None:
    rows = RunRows(database)
    await rows.save(turn(1, "a", history=3))
    await rows.save(undoing(2, "a", "b", "c", history=3, told=3))
    await rows.save(undoing(2, "a", "d", history=6, told=2))
    assert await database.read(_undos) == {1: "a#1", 2: "d#1"}
    await rows.save(undoing(3, "e", history=6, told=3))
    assert await database.read(_undos) == {1: "a#1", 2: "d#1", 3: "e#1"}


async def test_task_is_discarded_and_the_one_that_counts_does_not_turn_back_nothing_is_undone(
    database: Database,
) -> None:
    rows = RunRows(database)
    await rows.save(turn(1, "a", history=3))
    await rows.save(undoing(2, "a", "b", history=3, told=2))
    await rows.save(turn(2, "b", history=6))
    assert await database.read(_undos) == {}


def _undos(connection: Connection) -> dict[int, str]:
    rows = connection.execute(select(EXECUTION_UNDOS.c.position, EXECUTION_UNDOS.c.key))
    return {row.position: row.key for row in rows}
