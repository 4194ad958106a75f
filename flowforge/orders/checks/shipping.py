"""A parcel is where its order says."""

from collections.abc import Sequence
from typing import Final

from flowforge.persistence.auditing import Check

SHIPPING: Final[Sequence[Check]] = (
    Check(
        area="shipping",
        name="no order has two parcels on their way",
        query="""
            select order_id from shipments where status <> 'cancelled' group by order_id having count(*) > 1
        """,
    ),
    Check(
        area="shipping",
        name="an order that ended otherwise sends no parcel, and a returned one has it back",
        query="""
            select o.order_id from orders o where
                o.status in ('failed', 'cancelled') and exists (
                    select 1 from shipments s where s.order_id = o.order_id and s.status <> 'cancelled'
                    and not exists (
                        select 1 from write_offs w where w.order_id = o.order_id and w.name = 'cancel_shipment'))
                or o.status = 'returned' and exists (
                    select 1 from shipments s where s.order_id = o.order_id
                    and s.status not in ('cancelled', 'returned'))
        """,
    ),
    Check(
        area="shipping",
        name="no order is unwound whose parcel has left",
        query="""
            select order_id from orders where dispatched_at is not null and (
                status not in ('running', 'paused', 'completed', 'returned') or cancel_requested_at is not null)
        """,
    ),
    Check(
        area="shipping",
        name="an order knows that its parcel has left",
        query="""
            select o.order_id from orders o join shipments s on s.order_id = o.order_id
            where s.status in ('dispatched', 'delivered') and o.dispatched_at is null
        """,
    ),
)
"""Every check of parcels against the orders they are for."""
