"""No unit is made, none is lost, and each is where its order says."""

from collections.abc import Sequence
from typing import Final

from flowforge.persistence.auditing import Check

STOCK: Final[Sequence[Check]] = (
    Check(
        area="stock",
        name="units on hand are available or reserved, and none are negative",
        query="""
            select product_id from products
            where on_hand <> available + reserved or on_hand < 0 or available < 0 or reserved < 0 or shipped < 0
        """,
    ),
    Check(
        area="stock",
        name="units on hand and shipped are those that ever came in",
        query="""
            select p.product_id from products p where p.on_hand + p.shipped
                <> (select coalesce(sum(m.delta), 0) from stock_movements m where m.product_id = p.product_id)
        """,
    ),
    Check(
        area="stock",
        name="reserved units are those of open reservations",
        query="""
            select p.product_id from products p where p.reserved <> (
                select coalesce(sum(r.quantity), 0) from reservations r
                where r.product_id = p.product_id and r.state = 'open')
        """,
    ),
    Check(
        area="stock",
        name="shipped units are those of shipments that were not taken back",
        query="""
            select p.product_id from products p where p.shipped <> (
                select coalesce(sum(w.quantity), 0) from warehouse_records w
                where w.product_id = p.product_id and w.status in ('applied', 'written_off'))
        """,
    ),
    Check(
        area="stock",
        name="a completed order was shipped as ordered, every line of it",
        query="""
            select o.order_id from orders o
            where o.status in ('completed', 'returned') and (
                o.quantity <> (
                    select coalesce(sum(w.quantity), 0) from warehouse_records w
                    where w.order_id = o.order_id and w.status <> 'reverted')
                or exists (
                    select 1 from warehouse_records w
                    where w.order_id = o.order_id and w.status <> 'reverted' and w.product_id <> o.product_id)
                or exists (
                    select 1 from order_lines l where l.order_id = o.order_id and l.quantity <> (
                        select coalesce(sum(w.quantity), 0) from warehouse_records w
                        where w.order_id = l.order_id and w.product_id = l.product_id and w.status <> 'reverted')))
        """,
    ),
    Check(
        area="stock",
        name="an order for several products has as many units as its lines",
        query="""
            select o.order_id from orders o where o.product_id is null and o.quantity <> (
                select coalesce(sum(l.quantity), 0) from order_lines l where l.order_id = o.order_id)
        """,
    ),
    Check(
        area="stock",
        name="an order that ended otherwise, or was returned, holds no units",
        query="""
            select o.order_id from orders o
            where o.status in ('failed', 'cancelled', 'returned') and (
                exists (
                    select 1 from warehouse_records w where w.order_id = o.order_id and w.status = 'applied')
                or exists (select 1 from reservations r where r.saga_id = o.order_id and (
                    r.state = 'open' or r.state = 'shipped' and o.status <> 'returned')))
        """,
    ),
)
"""Every check of units against the orders they are for."""
