"""The audit of runs finds nothing wrong in what turns write, and every violation that is planted."""

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, insert

from flowforge.durable.fence import StepCall
from flowforge.engine.actions.contract import ActionCall
from flowforge.engine.actions.units import by_itself, within_run
from flowforge.engine.audit import CHECKS, audit
from flowforge.engine.contracts import RunRequest
from flowforge.engine.core.keys import Key
from flowforge.engine.saving import EventStatus, SaveRun, StepChange, Transition, UndoChange
from flowforge.engine.store.rows import RunRows
from flowforge.persistence.database import Database
from flowforge.persistence.tables.ledger import LEDGER

NOW = datetime.now(UTC).isoformat()
RUN = "exec-1"

_LEDGER = "insert into ledger values ('exec-1.1/a', 'x', 0, 'applied', '{}', 0, null)"
_OUTBOX = (
    "insert into webhook_outbox (execution_id, event_id, url, payload, attempts, due_at, created_at, given_up_at) "
    "values ('exec-1', 1, 'http://x', '{}', 9, 0, 0, 1)"
)

PLANTED: Sequence[tuple[str, str]] = (
    ("a run that ended otherwise than completed has undone", "update execution_undos set status = 'failed'"),
    ("a run that failed with nothing undone", "update executions set status = 'failed'"),
    ("no effect of a step stands", _LEDGER),
    ("a run that has ended has no step under way", "update execution_steps set status = 'active'"),
    ("a run is over when it says so", "update executions set ended_at = null"),
    ("a run's history counts", "update execution_events set id = 7 where id = 2"),
    ("a run's history ends as its row says", "update executions set status = 'cancelled'"),
    ("a run that was called off", "update executions set status = 'running', cancel_requested_at = 1"),
    ("runs that wait for an operator", "update executions set status = 'needs_attention'"),
    ("undos of runs that an operator gave up", "update execution_undos set status = 'written_off'"),
    ("runs that are paused", "update executions set status = 'paused'"),
    ("webhooks of runs that were given up", _OUTBOX),
)


STANDING: Sequence[tuple[str, Callable[[ActionCall], StepCall], str, str]] = (
    ("of its own", by_itself, "payments.refund_by_key", "payments.charge"),
    ("stock", within_run, "inventory.release", "inventory.reserve"),
    ("goods", within_run, "warehouse.revert", "warehouse.apply"),
)
UNITS = (Key("a"), Key("a", 1, 0), Key("a", 3), Key("a", 2, 7))


@pytest.fixture
async def empty(database_url: str) -> AsyncIterator[Database]:
    """A database without runs."""
    database = Database(database_url)
    yield database
    await database.close()


@pytest.fixture
async def database(empty: Database) -> Database:
    """A database with one run that was undone."""
    await undo_run(empty)
    return empty


async def undo_run(database: Database, action: str = "u", units: Sequence[Key] = (Key("a"),)) -> None:
    """Write a run as one that was undone, unit by unit."""
    undos = tuple(
        UndoChange(
            key=str(key), position=at, step_id=key.step, visit=key.visit, item=key.item, action=action, status="done"
        )
        for at, key in enumerate(units, start=1)
    )
    run = RunRequest(execution_id=RUN, workflow_id="w", revision=1, definition={}, input={}, accepted_at=NOW)
    events: list[tuple[str | None, EventStatus]] = [("a", "running"), ("a", "compensated"), (None, "compensated")]
    await RunRows(database).save(
        SaveRun(
            execution_id=RUN,
            run_id="r",
            history=3,
            turn=1,
            at=NOW,
            status="compensated",
            opening=run,
            failure={"kind": "failed", "code": "no", "message": "no", "step": "a"},
            steps=(StepChange(step_id="a", view="compensated", status="failed"),),
            undos=undos,
            events=tuple(
                Transition(id=at, status=status, at=NOW, step_id=step)
                for at, (step, status) in enumerate(events, start=1)
            ),
            is_over=True,
        )
    )


async def begin_again(database: Database) -> None:
    """Write that the run begins again from nothing."""
    event = Transition(id=4, status="running", at=NOW)
    run = SaveRun(execution_id=RUN, run_id="r2", history=3, turn=1, at=NOW, status="running", events=(event,))
    await RunRows(database).save(replace(run, generation=2, start=2))


async def apply(database: Database, unit: StepCall, operation: str) -> None:
    """Write that an effect of a unit of work stands."""
    key = {"saga_id": unit.saga_id, "operation": operation, "occurrence": unit.occurrence}
    row = {**key, "state": "applied", "outcome": {}, "created_at": datetime.now(UTC)}
    await database.write(lambda connection: connection.execute(insert(LEDGER), row))


def call_of(key: Key, *, generation: int = 1) -> ActionCall:
    """Return the call of a unit of the run."""
    return ActionCall(
        execution_id=RUN,
        workflow_id="w",
        revision=1,
        generation=generation,
        step_id=key.step,
        visit=key.visit,
        item=key.item,
        action="x",
        key="k",
    )


async def standing(database: Database) -> Sequence[str]:
    """Return the effects of which the audit says that they stand though they are undone."""
    findings = await database.read(audit)
    return next(each.examples for each in findings if each.check.name.startswith("no effect of a step stands"))


async def test_run_that_was_undone_is_found_whole(database: Database) -> None:
    findings = await database.read(audit, datetime.now(UTC) + timedelta(hours=1))
    assert [finding.check.name for finding in findings if finding.count] == []


@pytest.mark.parametrize(("name", "statement"), PLANTED, ids=[name for name, _ in PLANTED])
async def test_planted_violation_is_found(database: Database, name: str, statement: str) -> None:
    def plant(connection: Connection) -> None:
        connection.exec_driver_sql(statement)

    await database.write(plant)
    [finding] = [each for each in await database.read(audit) if each.check.name.startswith(name)]
    assert finding.count == 1
    assert RUN in finding.examples[0]


@pytest.mark.parametrize("generations", [1, 2])
@pytest.mark.parametrize(("unit", "undo", "operation"), [each[1:] for each in STANDING], ids=[e[0] for e in STANDING])
async def test_effects_stand_whose_undos_are_done_each_is_found(
    empty: Database, unit: Callable[[ActionCall], StepCall], undo: str, operation: str, generations: int
) -> None:
    await undo_run(empty, undo, UNITS)
    if generations == 2:
        await begin_again(empty)
    for key in UNITS:
        await apply(empty, unit(call_of(key)), operation)
    assert await standing(empty) == tuple(sorted(f"{RUN}.1/{key}" for key in UNITS))


@pytest.mark.parametrize(("unit", "undo", "operation"), [each[1:] for each in STANDING], ids=[e[0] for e in STANDING])
async def test_run_begins_again_after_its_undo_what_it_does_then_may_stand(
    empty: Database, unit: Callable[[ActionCall], StepCall], undo: str, operation: str
) -> None:
    await undo_run(empty, undo)
    await begin_again(empty)
    await apply(empty, unit(call_of(Key("a"), generation=2)), operation)
    assert await standing(empty) == ()


async def test_one_unit_in_the_saga_of_its_run_is_undone_the_others_may_stand(empty: Database) -> None:
    undone, others = UNITS[-1], (*UNITS[:-1], Key("a", 2), Key("a", 2, 6))
    await undo_run(empty, "inventory.release", [undone])
    for key in others:
        await apply(empty, within_run(call_of(key)), "inventory.reserve")
    for operation in ("inventory.quote", "warehouse.apply"):
        await apply(empty, within_run(call_of(undone)), operation)
    assert await standing(empty) == ()


def test_every_check_is_shown_to_find_something() -> None:
    named = {name for name, _ in PLANTED}
    assert [check.name for check in CHECKS if not any(check.name.startswith(name) for name in named)] == []
