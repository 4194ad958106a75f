"""Nobody pays too much, and nobody's money stays where it does not belong."""

from collections.abc import Sequence
from typing import Final

from flowforge.persistence.auditing import Check

MONEY: Final[Sequence[Check]] = (
    Check(
        area="money",
        name="a completed order has paid its total, once, and got back no more than that",
        query="""
            select o.order_id from orders o
            where o.status in ('completed', 'returned') and (
                (select coalesce(sum(c.captured_minor), 0) from charges c where c.order_id = o.order_id)
                    <> coalesce(o.amount_minor, -1)
                or exists (
                    select 1 from charges c where c.order_id = o.order_id and (
                        c.refunded_minor > c.captured_minor or c.written_off_minor <> 0
                        or c.phase in ('authorised', 'voided') or c.currency <> o.currency)))
        """,
    ),
    Check(
        area="money",
        name="an order that ended otherwise has got back all it paid, or it was written off",
        query="""
            select o.order_id from orders o
            where o.status in ('failed', 'cancelled', 'returned') and exists (
                select 1 from charges c where c.order_id = o.order_id and (
                    c.captured_minor <> c.refunded_minor + c.written_off_minor
                    or c.phase = 'authorised' and not exists (
                        select 1 from write_offs w where w.order_id = o.order_id
                        and w.name = 'refund_payment_by_idempotency_key')))
        """,
    ),
    Check(
        area="money",
        name="no saga holds two captures that were not refunded",
        query="""
            select saga_id from charges where captured_minor > refunded_minor + written_off_minor
            group by saga_id having count(*) > 1
        """,
    ),
    Check(
        area="money",
        name="a charge says refunded when its money was given back, and only then",
        query="""
            select charge_id from charges where not (
                phase = 'authorised' and status = 'charged' and captured_minor = 0
                or phase = 'voided' and status = 'refunded' and captured_minor = 0
                or phase = 'captured' and status = 'charged' and captured_minor = amount_minor
                    and (captured_minor > refunded_minor or amount_minor = 0)
                or phase = 'refunded' and status = 'refunded' and captured_minor = amount_minor
                    and captured_minor = refunded_minor and written_off_minor = 0)
        """,
    ),
    Check(
        area="money",
        name="what a charge gave back is what its refunds are",
        query="""
            select c.charge_id from charges c where c.refunded_minor <> (
                select coalesce(sum(r.amount_minor), 0) from refunds r where r.charge_id = c.charge_id)
        """,
    ),
)
"""Every check of charges against the orders they are for."""
