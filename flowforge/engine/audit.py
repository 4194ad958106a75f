"""Checks of the runs of definitions at rest: each is a query that returns no row when all is well.

They hold at any moment, too, since a turn's steps, undos, events and the row itself are written in one transaction.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from flowforge.engine.actions.units import UNITS_A_VISIT, WITHIN_RUN
from flowforge.persistence.auditing import Check, Finding, ask

GRACE: Final = timedelta(seconds=60)
"""How long after it was called off a run may still go forward before that is a finding."""

_SAGA: Final = "u.execution_id || '.' || u.generation"
_UNIT: Final = (
    "u.step_id || case when u.visit > 1 then '#' || u.visit else '' end"
    " || case when u.item is null then '' else '[' || u.item || ']' end"
)
"""The undo's key, which has its generation before it when that is over."""

_OCCURRENCE: Final = f"(u.visit - 1) * cast({UNITS_A_VISIT} as bigint) + coalesce(u.item + 1, 0)"
_UNDONE: Final = " ".join(f"when '{undo}' then '{operation}'" for undo, operation in WITHIN_RUN.items())
_STANDING: Final = f"""
    select l.saga_id from execution_undos u join ledger l on l.saga_id = {_SAGA} || '/' || {_UNIT}
    where u.status in ('done', 'not_needed') and l.state = 'applied'
    union all
    select l.saga_id || '/' || {_UNIT} from execution_undos u
    join ledger l on l.saga_id = {_SAGA} and l.operation = case u.action {_UNDONE} end and l.occurrence = {_OCCURRENCE}
    where u.status in ('done', 'not_needed') and l.state = 'applied'
"""  # noqa: S608 -- of constants
"""Effects in a saga of their own, then those in the saga of their run, where others' are, too."""

CHECKS: Final[Sequence[Check]] = (
    Check(
        area="runs",
        name="a run that ended otherwise than completed has undone all that can be undone, or it was given up",
        query="""
            select distinct u.execution_id from execution_undos u
            join executions e on e.execution_id = u.execution_id
            where e.status in ('failed', 'compensated', 'cancelled')
            and u.status not in ('done', 'not_needed', 'written_off')
        """,
    ),
    Check(
        area="runs",
        name="a run that failed with nothing undone had nothing to undo",
        query="""
            select e.execution_id from executions e where e.status = 'failed'
            and exists (select 1 from execution_undos u where u.execution_id = e.execution_id)
        """,
    ),
    Check(
        area="runs",
        name="no effect of a step stands whose undo is done",
        query=_STANDING,
    ),
    Check(
        area="runs",
        name="a run that has ended has no step under way",
        query="""
            select distinct s.execution_id from execution_steps s join executions e on e.execution_id = s.execution_id
            where e.ended_at is not null and s.status = 'active'
        """,
    ),
    Check(
        area="runs",
        name="a run is over when it says so, and only then",
        query="""
            select execution_id from executions
            where (ended_at is not null) <> (status in ('completed', 'failed', 'compensated', 'cancelled'))
        """,
    ),
    Check(
        area="runs",
        name="a run's history counts 1, 2, 3",
        query="""
            select execution_id from execution_events group by execution_id
            having min(id) <> 1 or max(id) <> count(*)
        """,
    ),
    Check(
        area="runs",
        name="a run's history ends as its row says",
        query="""
            select e.execution_id from executions e where e.status <> coalesce((
                select v.status from execution_events v where v.execution_id = e.execution_id and v.step_id is null
                order by v.id desc limit 1), '')
        """,
    ),
    Check(
        area="runs",
        name="a run that was called off does not go on",
        query="""
            select execution_id from executions
            where status in ('running', 'waiting', 'paused') and cancel_requested_at < :late
        """,
    ),
    Check(
        area="runs",
        name="runs that wait for an operator",
        query="select execution_id from executions where status = 'needs_attention'",
        is_violation=False,
    ),
    Check(
        area="runs",
        name="undos of runs that an operator gave up",
        query="select execution_id || ' ' || key from execution_undos where status = 'written_off'",
        is_violation=False,
    ),
    Check(
        area="runs",
        name="runs that are paused",
        query="select execution_id from executions where status = 'paused'",
        is_violation=False,
    ),
    Check(
        area="runs",
        name="webhooks of runs that were given up",
        query="select execution_id || ' ' || event_id from webhook_outbox where given_up_at is not null",
        is_violation=False,
    ),
)
"""Every check, in the order in which they are told."""


def audit(connection: Connection, now: datetime | None = None) -> list[Finding]:
    """Run every check in one transaction.

    Args:
        connection: best a reading one; nothing is written.
        now: when the audit takes place, aware UTC; None for now.

    Returns:
        One finding a check, with a count of 0 where all is well.
    """
    return ask(connection, CHECKS, (datetime.now(UTC) if now is None else now) - GRACE)
