"""The audit of runs finds nothing wrong in what turns write, and every violation that is planted."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection

from flowforge.engine.audit import CHECKS, audit
from flowforge.engine.contracts import RunRequest
from flowforge.engine.saving import EventStatus, SaveRun, StepChange, Transition, UndoChange
from flowforge.engine.store.rows import RunRows
from flowforge.persistence.database import Database

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


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A database with one run that was undone."""
    database = Database(database_url)
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
            undos=(UndoChange(key="a", position=1, step_id="a", visit=1, item=None, action="u", status="done"),),
            events=tuple(
                Transition(id=at, status=status, at=NOW, step_id=step)
                for at, (step, status) in enumerate(events, start=1)
            ),
            is_over=True,
        )
    )
    yield database
    await database.close()


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


def test_every_check_is_shown_to_find_something() -> None:
    named = {name for name, _ in PLANTED}
    assert [check.name for check in CHECKS if not any(check.name.startswith(name) for name in named)] == []
