"""Nothing waits for ever without somebody knowing."""

from collections.abc import Sequence
from typing import Final

from flowforge.persistence.auditing import Check
from flowforge.persistence.tables.ledger import OF_RETURNS

LIVENESS: Final[Sequence[Check]] = (
    Check(
        area="liveness",
        name="no order is open long after its deadline, unless it waits for an operator",
        # The deadline does not count while the customer is told: eight attempts, the last of which begins within some
        # three minutes.
        query="""
            select order_id from orders where status in ('running', 'compensating') and deadline_at < :late
            and (current_step is null or current_step <> 'notify_customer' or updated_at < :late - 240000000)
        """,
    ),
    Check(
        area="liveness",
        name="a return that was begun comes to its end",
        query=f"""
            select saga_id from ledger join orders on order_id = saga_id
            where {OF_RETURNS} and status <> 'returned'
            group by saga_id having max(ledger.created_at) < :late
        """,  # noqa: S608 -- our own words
    ),
    Check(
        area="liveness",
        name="orders that wait for an operator",
        query="select order_id from orders where status = 'needs_attention'",
        is_violation=False,
    ),
    Check(
        area="liveness",
        name="undos that an operator gave up, by order",
        query="select order_id || ' ' || name from write_offs",
        is_violation=False,
    ),
    Check(
        area="liveness",
        name="orders that are paused",
        query="select order_id from orders where status = 'paused'",
        is_violation=False,
    ),
)
"""Every check that things come to an end."""
