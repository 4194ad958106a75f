"""Every effect stands exactly where the ledger says so, and belongs to an order."""

from collections.abc import Sequence
from typing import Final

from flowforge.persistence.auditing import Check

ONCE: Final[Sequence[Check]] = (
    Check(
        area="once",
        name="nothing was applied after it was undone",
        query="select saga_id from ledger where state = 'applied' and undone_at is not null",
    ),
    Check(
        area="once",
        name="a charge stands exactly where the ledger says that it was applied",
        # What was given up when a capture was to be refunded stays, and leaves the charge's own undo nothing to do.
        query="""
            select c.charge_id from charges c
            where c.phase <> 'refunded' and (c.phase <> 'voided') <> exists (
                select 1 from ledger l where l.saga_id = c.saga_id and l.operation = 'payments.charge'
                and l.state = 'applied' and c.idempotency_key = l.saga_id || ':' || l.operation || ':' || l.occurrence)
            and not (c.phase = 'captured' and c.captured_minor = c.refunded_minor + c.written_off_minor and exists (
                select 1 from write_offs w where w.order_id = c.saga_id and w.name = 'refund_capture'))
            union all
            select l.saga_id from ledger l where l.operation = 'payments.charge' and l.state = 'applied'
            and not exists (select 1 from charges c where c.saga_id = l.saga_id)
        """,
    ),
    Check(
        area="once",
        name="money is captured only where the ledger says that it was applied",
        query="""
            select c.charge_id from charges c join ledger l on l.saga_id = c.saga_id
            where l.operation = 'payments.capture' and (
                l.state = 'applied' and c.captured_minor <> c.amount_minor
                or l.state = 'undone' and c.captured_minor > c.refunded_minor + c.written_off_minor)
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
            where (w.status <> 'reverted') <> exists (
                select 1 from ledger l where l.saga_id = w.saga_id and l.operation = 'warehouse.apply'
                and l.occurrence = w.occurrence and l.state = 'applied')
            union all
            select l.saga_id from ledger l where l.operation = 'warehouse.apply' and l.state = 'applied'
            and not exists (
                select 1 from warehouse_records w where w.saga_id = l.saga_id and w.occurrence = l.occurrence)
        """,
    ),
    Check(
        area="once",
        name="units were returned exactly where the ledger says that they were restocked",
        query="""
            select w.saga_id from warehouse_records w
            where w.status <> 'reverted' and (w.status = 'returned') <> exists (
                select 1 from ledger l where l.saga_id = w.saga_id and l.operation = 'warehouse.restock'
                and l.occurrence = w.occurrence and l.state = 'applied')
        """,
    ),
    Check(
        area="once",
        name="a parcel stands exactly where the ledger says that it was booked",
        query="""
            select s.shipment_id from shipments s
            where (s.status <> 'cancelled') <> exists (
                select 1 from ledger l where l.saga_id = s.saga_id and l.operation = 'shipping.create'
                and l.occurrence = s.occurrence and l.state = 'applied')
            and not (s.status = 'cancelled' and exists (
                select 1 from ledger l where l.saga_id = s.saga_id and l.operation = 'shipping.take_back'
                and l.state = 'applied'))
            union all
            select l.saga_id from ledger l where l.operation = 'shipping.create' and l.state = 'applied'
            and not exists (select 1 from shipments s where s.saga_id = l.saga_id and s.occurrence = l.occurrence)
        """,
    ),
    Check(
        area="once",
        name="a customer was told exactly where the ledger says so",
        query="""
            select n.saga_id from notifications n where not exists (
                select 1 from ledger l where l.saga_id = n.saga_id and l.operation = 'notices.send'
                and l.occurrence = n.occurrence and l.state = 'applied')
            union all
            select l.saga_id from ledger l where l.operation = 'notices.send' and l.state = 'applied'
            and not exists (select 1 from notifications n where n.saga_id = l.saga_id and n.occurrence = l.occurrence)
        """,
    ),
    Check(
        area="once",
        name="what is written off was given up by somebody",
        # By the undo that would have kept it: giving one up excuses no loss of another.
        query="""
            select lost.order_id from (
                select saga_id as order_id, 'refund_payment_by_idempotency_key' as undo, 'refund_capture' as or_undo
                from charges where written_off_minor <> 0
                union select saga_id, 'release_inventory', null from reservations where state = 'written_off'
                union select saga_id, 'revert_warehouse', null from warehouse_records where status = 'written_off') lost
            where not exists (
                select 1 from write_offs w where w.order_id = lost.order_id and w.name in (lost.undo, lost.or_undo))
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
                union select order_id from warehouse_records
                union select order_id from shipments
                union select order_id from notifications) effect
            where effect.order_id not like 'exec-%'
            and not exists (select 1 from orders o where o.order_id = effect.order_id)
        """,
    ),
    Check(
        area="orphans",
        name="no effect belongs to a run of a definition without a row",
        query="""
            select distinct substr(l.saga_id, 1, 37) from ledger l where l.saga_id like 'exec-%'
            and not exists (select 1 from executions e where e.execution_id = substr(l.saga_id, 1, 37))
        """,
    ),
)
"""Every check of effects against the ledger and the orders' rows."""
