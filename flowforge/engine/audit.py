"""Checks of the runs of definitions at rest: each is a query that returns no row when all is well.

They hold at any moment, too, since a turn's steps, undos, events and the row itself are written in one transaction.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import Connection

from flowforge.persistence.auditing import Check, Finding, ask

GRACE: Final = timedelta(seconds=60)
"""How long after it was called off a run may still go forward before that is a finding."""

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
        query="""
            select l.saga_id from execution_undos u
            join executions e on e.execution_id = u.execution_id
            join ledger l on l.saga_id = u.execution_id || '.' || e.generation || '/' || u.key
            where u.status in ('done', 'not_needed') and l.state = 'applied'
        """,
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
