"""Checks of the whole database at rest: each is a query that returns no row when all is well.

They hold at any moment, too, since effect, ledger row and order row are written in one transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from sqlalchemy import Connection, bindparam, text

from flowforge.persistence.types import UtcTimestamp

LIVENESS_GRACE: Final = timedelta(seconds=60)
"""How long after its deadline an order may still be unwinding before that is a finding."""

_SHOWN: Final = 20

Area = Literal["money", "stock", "liveness", "once", "orphans"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One question to the database.

    Attributes:
        name: what is checked, in one line.
        query: selects one column, the id of each offender; may use `:late`, the latest deadline that has passed.
        is_violation: False for what is only listed, for an operator to see.
    """

    area: Area
    name: str
    query: str
    is_violation: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A check's answer.

    Attributes:
        count: how many offenders there are.
        examples: the ids of the first of them.
    """

    check: Check
    count: int
    examples: tuple[str, ...]

    @property
    def is_violation(self) -> bool:
        """Whether something is wrong."""
        return self.check.is_violation and self.count > 0


CHECKS: Final[Sequence[Check]] = (
    Check(
        area="money",
        name="a completed order has paid its total, once, and nothing was given back",
        query="""
            select o.order_id from orders o
            where o.status = 'completed' and (
                (select coalesce(sum(c.captured_minor), 0) from charges c where c.order_id = o.order_id)
                    <> coalesce(o.amount_minor, -1)
                or exists (
                    select 1 from charges c where c.order_id = o.order_id
                    and (c.refunded_minor <> 0 or c.written_off_minor <> 0 or c.currency <> o.currency)))
        """,
    ),
    Check(
        area="money",
        name="an order that ended otherwise has got back all it paid, or it was written off",
        query="""
            select o.order_id from orders o
            where o.status in ('failed', 'cancelled') and exists (
                select 1 from charges c where c.order_id = o.order_id
                and c.captured_minor <> c.refunded_minor + c.written_off_minor)
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
            select charge_id from charges
            where (status = 'refunded') <> (refunded_minor = captured_minor) or captured_minor > amount_minor
        """,
    ),
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
        name="shipped units are those of standing shipments",
        query="""
            select p.product_id from products p where p.shipped <> (
                select coalesce(sum(w.quantity), 0) from warehouse_records w
                where w.product_id = p.product_id and w.status = 'applied')
        """,
    ),
    Check(
        area="stock",
        name="a completed order was shipped as ordered, one that ended otherwise holds no units",
        query="""
            select o.order_id from orders o
            where o.status in ('completed', 'failed', 'cancelled') and (
                (select coalesce(sum(w.quantity), 0) from warehouse_records w
                 where w.order_id = o.order_id and w.status = 'applied')
                    <> case when o.status = 'completed' then o.quantity else 0 end
                or exists (select 1 from reservations r where r.saga_id = o.order_id and (
                    r.state = 'open' or r.state = 'shipped' and o.status <> 'completed')))
        """,
    ),
    Check(
        area="liveness",
        name="no order is open long after its deadline, unless it waits for an operator",
        query="select order_id from orders where status in ('running', 'compensating') and deadline_at < :late",
    ),
    Check(
        area="liveness",
        name="orders that wait for an operator",
        query="select order_id from orders where status = 'needs_attention'",
        is_violation=False,
    ),
    Check(
        area="once",
        name="nothing was applied after it was undone",
        query="select saga_id from ledger where state = 'applied' and undone_at is not null",
    ),
    Check(
        area="once",
        name="a charge stands exactly where the ledger says that it was applied",
        query="""
            select c.charge_id from charges c
            where (c.status = 'charged') <> exists (
                select 1 from ledger l where l.saga_id = c.saga_id and l.operation = 'payments.charge'
                and l.state = 'applied' and c.idempotency_key = l.saga_id || ':' || l.operation || ':' || l.occurrence)
            union all
            select l.saga_id from ledger l where l.operation = 'payments.charge' and l.state = 'applied'
            and not exists (select 1 from charges c where c.saga_id = l.saga_id)
        """,
    ),
    Check(
        area="once",
        name="a reservation stands exactly where the ledger says that it was applied",
        query="""
            select r.saga_id from reservations r
            where (r.state <> 'released') <> exists (
                select 1 from ledger l where l.saga_id = r.saga_id and l.operation = 'inventory.reserve'
                and l.occurrence = r.occurrence and l.state = 'applied')
            union all
            select l.saga_id from ledger l where l.operation = 'inventory.reserve' and l.state = 'applied'
            and not exists (select 1 from reservations r where r.saga_id = l.saga_id and r.occurrence = l.occurrence)
        """,
    ),
    Check(
        area="once",
        name="a shipment stands exactly where the ledger says that it was applied",
        query="""
            select w.saga_id from warehouse_records w
            where (w.status = 'applied') <> exists (
                select 1 from ledger l where l.saga_id = w.saga_id and l.operation = 'warehouse.apply'
                and l.occurrence = w.occurrence and l.state = 'applied')
            union all
            select l.saga_id from ledger l where l.operation = 'warehouse.apply' and l.state = 'applied'
            and not exists (
                select 1 from warehouse_records w where w.saga_id = l.saga_id and w.occurrence = l.occurrence)
        """,
    ),
    Check(
        area="orphans",
        name="no effect belongs to an order without a row",
        query="""
            select effect.order_id from (
                select saga_id as order_id from ledger
                union select saga_id from reservations
                union select order_id from charges
                union select order_id from warehouse_records) effect
            where not exists (select 1 from orders o where o.order_id = effect.order_id)
        """,
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
    late = (datetime.now(UTC) if now is None else now) - LIVENESS_GRACE
    return [_find(connection, check, late) for check in CHECKS]


def _find(connection: Connection, check: Check, late: datetime) -> Finding:
    statement = text(check.query)
    if ":late" in check.query:
        statement = statement.bindparams(bindparam("late", late, type_=UtcTimestamp))
    offenders = sorted(str(row[0]) for row in connection.execute(statement))
    return Finding(check=check, count=len(offenders), examples=tuple(offenders[:_SHOWN]))
