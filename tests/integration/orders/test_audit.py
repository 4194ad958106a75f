"""The audit finds nothing wrong in what the services write, and every violation that is planted."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection

from flowforge.orders.audit import CHECKS, audit
from flowforge.orders.saga import STEPS
from flowforge.persistence.auditing import Finding
from tests.integration.orders.shop import Shop

_PARCEL = "insert into shipments values ('sh_{n}', '{order}', {n}, '{order}', '{status}', 1, 1)"
_LOSE = """
    update charges set charge_id = 'ch_x', refunded_minor = {refunded}, written_off_minor = {written_off}
    where order_id = 'ord_2'
"""
_LEDGER = "insert into ledger values ('{order}', '{operation}', 0, '{state}', '{{}}', 0, null)"

PLANTED: Sequence[tuple[str, Sequence[str], str]] = (
    ("a completed order has paid", ["update charges set captured_minor = 1 where order_id = 'ord_1'"], "ord_1"),
    ("a completed order has paid", ["delete from charges where order_id = 'ord_1'"], "ord_1"),
    ("a completed order has paid", ["update charges set refunded_minor = 3999 where order_id = 'ord_1'"], "ord_1"),
    ("a completed order has paid", ["update charges set written_off_minor = 1 where order_id = 'ord_1'"], "ord_1"),
    ("a completed order has paid", ["update charges set phase = 'authorised' where order_id = 'ord_1'"], "ord_1"),
    (
        "an order that ended otherwise has got back",
        ["update charges set refunded_minor = 3997 where order_id = 'ord_2'"],
        "ord_2",
    ),
    (
        "an order that ended otherwise has got back",
        ["update charges set captured_minor = 0, refunded_minor = 0, phase = 'authorised' where order_id = 'ord_2'"],
        "ord_2",
    ),
    ("an order that ended otherwise has got back", ["update orders set status = 'returned'"], "ord_1"),
    (
        "no saga holds two captures",
        [
            """
            insert into charges (charge_id, order_id, saga_id, amount_minor, currency, payment_method, idempotency_key,
            status, phase, captured_minor, refunded_minor, written_off_minor, created_at)
            select 'ch_2', order_id, saga_id, amount_minor, currency, payment_method, 'k', status, phase,
            captured_minor, 0, 0, created_at from charges where order_id = 'ord_1'
            """
        ],
        "ord_1",
    ),
    (
        "a charge says refunded",
        ["update charges set charge_id = 'ch_x', status = 'charged' where order_id = 'ord_2'"],
        "ch_x",
    ),
    (
        "a charge says refunded",
        ["update charges set charge_id = 'ch_x', refunded_minor = captured_minor where order_id = 'ord_1'"],
        "ch_x",
    ),
    (
        "a charge says refunded",
        [_LOSE.format(refunded=0, written_off=3998)],
        "ch_x",
    ),
    (
        "a charge says refunded",
        [_LOSE.format(refunded=1, written_off=3997)],
        "ch_x",
    ),
    ("what a charge gave back", ["update charges set charge_id = 'ch_x' where order_id = 'ord_2'"], "ch_x"),
    ("units on hand are available", ["update products set available = available + 1"], "SKU-001"),
    ("units on hand are available", ["update products set available = -1, reserved = on_hand + 1"], "SKU-001"),
    ("units on hand and shipped", ["update products set shipped = shipped + 1"], "SKU-001"),
    ("units on hand and shipped", ["delete from stock_movements"], "SKU-001"),
    ("reserved units are those", ["update products set available = available - 1, reserved = reserved + 1"], "SKU-001"),
    ("shipped units are those", ["update products set shipped = shipped + 1"], "SKU-001"),
    ("a completed order was shipped", ["update warehouse_records set quantity = 1 where order_id = 'ord_1'"], "ord_1"),
    ("a completed order was shipped", ["update warehouse_records set product_id = 'SKU-002'"], "ord_1"),
    (
        "a completed order was shipped",
        [
            "update orders set product_id = null where order_id = 'ord_1'",
            "insert into order_lines values ('ord_1', 1, 'SKU-002', 2)",
        ],
        "ord_1",
    ),
    ("an order for several products", ["update orders set product_id = null where order_id = 'ord_1'"], "ord_1"),
    (
        "an order that ended otherwise, or was",
        ["update reservations set state = 'open' where saga_id = 'ord_2'"],
        "ord_2",
    ),
    (
        "an order that ended otherwise, or was",
        ["update reservations set state = 'shipped' where saga_id = 'ord_2'"],
        "ord_2",
    ),
    ("an order that ended otherwise, or was", ["update orders set status = 'returned'"], "ord_1"),
    (
        "no order has two parcels",
        [_PARCEL.format(n=number, order="ord_1", status="booked") for number in (0, 1)],
        "ord_1",
    ),
    ("an order that ended otherwise sends", [_PARCEL.format(n=0, order="ord_2", status="booked")], "ord_2"),
    (
        "an order that ended otherwise sends",
        [_PARCEL.format(n=0, order="ord_1", status="delivered"), "update orders set status = 'returned'"],
        "ord_1",
    ),
    ("no order is unwound whose", ["update orders set dispatched_at = 1 where order_id = 'ord_2'"], "ord_2"),
    ("no order is unwound whose", ["update orders set dispatched_at = 1, cancel_requested_at = 1"], "ord_3"),
    ("an order knows that its parcel", [_PARCEL.format(n=0, order="ord_1", status="dispatched")], "ord_1"),
    ("no order is open long", ["update orders set deadline_at = 0 where order_id = 'ord_3'"], "ord_3"),
    (
        "a return that was begun",
        [_LEDGER.format(order="ord_1", operation="warehouse.restock", state="applied")],
        "ord_1",
    ),
    (
        "orders that wait",
        ["update orders set deadline_at = 0, status = 'needs_attention' where order_id = 'ord_3'"],
        "ord_3",
    ),
    ("orders that are paused", ["update orders set status = 'paused' where order_id = 'ord_3'"], "ord_3"),
    (
        "nothing was applied after",
        ["update ledger set state = 'applied' where saga_id = 'ord_2' and operation = 'payments.charge'"],
        "ord_2",
    ),
    (
        "a charge stands exactly",
        ["update charges set charge_id = 'ch_x', phase = 'captured' where order_id = 'ord_2'"],
        "ch_x",
    ),
    (
        "a charge stands exactly",
        ["update charges set charge_id = 'ch_x', phase = 'voided' where order_id = 'ord_1'"],
        "ch_x",
    ),
    ("a charge stands exactly", ["delete from charges where order_id = 'ord_1'"], "ord_1"),
    (
        "money is captured only",
        [
            "update charges set charge_id = 'ch_x' where order_id = 'ord_1'",
            _LEDGER.format(order="ord_1", operation="payments.capture", state="undone"),
        ],
        "ch_x",
    ),
    (
        "money is captured only",
        [
            "update charges set charge_id = 'ch_x', captured_minor = 0 where order_id = 'ord_1'",
            _LEDGER.format(order="ord_1", operation="payments.capture", state="applied"),
        ],
        "ch_x",
    ),
    ("a reservation stands exactly", ["update reservations set state = 'open' where saga_id = 'ord_2'"], "ord_2"),
    ("a reservation stands exactly", ["delete from reservations where saga_id = 'ord_1'"], "ord_1"),
    (
        "a shipment stands exactly",
        ["update warehouse_records set status = 'applied' where order_id = 'ord_2'"],
        "ord_2",
    ),
    ("a shipment stands exactly", ["delete from warehouse_records where order_id = 'ord_1'"], "ord_1"),
    (
        "units were returned exactly",
        ["update warehouse_records set status = 'returned' where order_id = 'ord_1'"],
        "ord_1",
    ),
    (
        "units were returned exactly",
        [_LEDGER.format(order="ord_1", operation="warehouse.restock", state="applied")],
        "ord_1",
    ),
    ("a parcel stands exactly", [_PARCEL.format(n=0, order="ord_1", status="booked")], "sh_0"),
    (
        "a parcel stands exactly",
        [_LEDGER.format(order="ord_1", operation="shipping.create", state="applied")],
        "ord_1",
    ),
    ("a customer was told exactly", ["insert into notifications values ('ord_1', 0, 'ord_1', 'c', 'm', 1)"], "ord_1"),
    (
        "a customer was told exactly",
        [_LEDGER.format(order="ord_1", operation="notices.send", state="applied")],
        "ord_1",
    ),
    (
        "what is written off was given up",
        ["update charges set written_off_minor = 1, captured_minor = captured_minor + 1 where order_id = 'ord_2'"],
        "ord_2",
    ),
    (
        "what is written off was given up",
        ["update warehouse_records set status = 'written_off' where order_id = 'ord_1'"],
        "ord_1",
    ),
    (
        "what is written off was given up",
        ["update reservations set state = 'written_off' where saga_id = 'ord_1'"],
        "ord_1",
    ),
    (
        "undos that an operator gave up",
        ["insert into write_offs values ('ord_2', 'refund', 'ann', 'paid by hand', 0)"],
        "ord_2 refund",
    ),
    (
        "no effect belongs to an order",
        ["delete from order_events", "delete from orders where order_id = 'ord_1'"],
        "ord_1",
    ),
    (
        "no effect belongs to a run",
        ["insert into ledger values ('exec-0123456789abcdef0123456789abcdef.1/a', 'b', 0, 'applied', '{}', 0, null)"],
        "exec-0123456789abcdef0123456789abcdef",
    ),
)


async def _business(shop: Shop) -> None:
    """One order completed, one made whole, one on its way."""
    await (await shop.order(1).do_all()).close("completed")
    failed = await shop.order(2).do_all()
    await failed.fail("update_warehouse")
    await failed.undo_all()
    await failed.close("failed")
    await shop.order(3).do_all("process_payment")


async def _found(shop: Shop) -> dict[str, Finding]:
    return {finding.check.name: finding for finding in await shop.database.read(audit)}


async def test_honest_business_gives_no_finding_at_any_moment(shop: Shop) -> None:
    await _business(shop)
    assert [finding for finding in (await _found(shop)).values() if finding.count] == []


async def test_audit_after_every_single_transaction_finds_nothing(shop: Shop) -> None:
    placed = shop.order()
    for step in ("check_inventory", "reserve_inventory", "process_payment", "update_warehouse"):
        await placed.do(step)
        assert not any(finding.is_violation for finding in (await _found(shop)).values())
    await placed.fail("update_warehouse")
    for step in ("process_payment", "reserve_inventory", "update_warehouse"):
        await placed.undo(step)
        assert not any(finding.is_violation for finding in (await _found(shop)).values())


@pytest.mark.parametrize(("name", "statements", "offender"), PLANTED)
async def test_planted_violation_is_found(shop: Shop, name: str, statements: Sequence[str], offender: str) -> None:
    await _business(shop)

    def plant(connection: Connection) -> None:
        for statement in statements:
            connection.exec_driver_sql(statement)

    # What the tables' own constraints would refuse could still come from elsewhere.
    await shop.database.write(_without_constraints)
    await shop.database.write(plant)
    [finding] = [finding for check, finding in (await _found(shop)).items() if check.startswith(name)]
    assert offender in finding.examples
    assert finding.is_violation is finding.check.is_violation


def _without_constraints(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("COMMIT")  # a pragma means nothing within a transaction
        for pragma in ("PRAGMA ignore_check_constraints = ON", "PRAGMA foreign_keys = OFF"):
            connection.exec_driver_sql(pragma)
        return
    constraints = "select conrelid::regclass, conname from pg_constraint where contype in ('c', 'f') and conrelid > 0"
    for table, name in connection.exec_driver_sql(constraints).all():
        connection.exec_driver_sql(f'alter table {table} drop constraint "{name}"')


def test_every_check_is_shown_to_find_something() -> None:
    named = {name for name, _, _ in PLANTED}
    assert [check.name for check in CHECKS if not any(check.name.startswith(name) for name in named)] == []


def _late(connection: Connection, after: timedelta) -> int:
    findings = audit(connection, datetime.now(UTC) + after)
    return next(finding.count for finding in findings if finding.check.name.startswith("no order is open long"))


async def test_open_order_is_late_only_after_deadline_and_grace(shop: Shop) -> None:
    await shop.order().do("check_inventory")
    assert await shop.database.read(_late, timedelta(seconds=930)) == 0
    assert await shop.database.read(_late, timedelta(seconds=970)) == 1


@pytest.mark.parametrize("step", [step.name for step in STEPS if step.attempts is not None])
async def test_order_in_a_step_without_a_deadline_is_late_only_when_that_has_to_be_over(shop: Shop, step: str) -> None:
    await (await shop.order().do_all()).fail_attempt(step)

    def pass_the_deadline(connection: Connection) -> None:
        connection.exec_driver_sql("update orders set deadline_at = 0")

    await shop.database.write(pass_the_deadline)
    assert await shop.database.read(_late, timedelta(seconds=200)) == 0
    assert await shop.database.read(_late, timedelta(seconds=400)) == 1
