"""Which adapter stands behind each service. To swap one is to change its one line in `build_services`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from flowforge.persistence.database import Database
from flowforge.services.delivery import BindLogContext, Delivery
from flowforge.services.fault_points import Reach, nowhere
from flowforge.services.faults import Faults
from flowforge.services.inventory.activities import InventoryActivities
from flowforge.services.inventory.port import Inventory
from flowforge.services.inventory.sql import SqlInventory
from flowforge.services.journal import Journal
from flowforge.services.ledger import SqlLedger
from flowforge.services.notices.activities import NoticeActivities
from flowforge.services.notices.port import Notices
from flowforge.services.notices.sql import SqlNotices
from flowforge.services.payments.activities import PaymentActivities
from flowforge.services.payments.port import Payments
from flowforge.services.payments.sql import SqlPayments
from flowforge.services.shipping.activities import ShippingActivities
from flowforge.services.shipping.port import Shipping
from flowforge.services.shipping.sql import SqlShipping
from flowforge.services.warehouse.activities import WarehouseActivities
from flowforge.services.warehouse.port import Warehouse
from flowforge.services.warehouse.sql import SqlWarehouse


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The services of one process, and the activities through which sagas call them."""

    inventory: Inventory
    payments: Payments
    warehouse: Warehouse
    shipping: Shipping
    notices: Notices
    activities: tuple[Callable[..., Any], ...]


def build_services(
    database: Database,
    journal: Journal[Connection],
    fail_at: str | None = None,
    bind_log_context: BindLogContext | None = None,
    reach: Reach = nowhere,
    worker: str = "",
) -> Services:
    """Put the services together.

    Args:
        database: where their effects live.
        journal: writes the owner's rows with every effect.
        fail_at: the worker's FAIL_AT, or empty.
        bind_log_context: adds order_id, workflow_id and request_id to an activity's log lines.
        reach: called at the fault points of every transaction.
        worker: this process, as Temporal names it, for the orders' history.
    """
    ledger = SqlLedger(database, journal, reach)
    return assemble(
        inventory=SqlInventory(database, ledger),
        payments=SqlPayments(database, ledger),
        warehouse=SqlWarehouse(database, ledger),
        shipping=SqlShipping(database, ledger, journal),
        notices=SqlNotices(database, ledger),
        delivery=Delivery(journal, Faults(fail_at), bind_log_context, worker=worker),
    )


def assemble(
    *,
    inventory: Inventory,
    payments: Payments,
    warehouse: Warehouse,
    shipping: Shipping,
    notices: Notices,
    delivery: Delivery,
) -> Services:
    """Put the services together from an adapter each, of whatever kind.

    Args:
        inventory: shares its stock with the warehouse, so both are of one kind.
        payments: any adapter.
        warehouse: see inventory.
        shipping: any adapter.
        notices: any adapter.
        delivery: runs the attempts of their steps.
    """
    for_inventory = InventoryActivities(inventory, delivery)
    for_payments = PaymentActivities(payments, delivery)
    for_warehouse = WarehouseActivities(warehouse, delivery)
    for_shipping = ShippingActivities(shipping, delivery)
    for_notices = NoticeActivities(notices, delivery)
    return Services(
        inventory=inventory,
        payments=payments,
        warehouse=warehouse,
        shipping=shipping,
        notices=notices,
        activities=(
            for_inventory.quote,
            for_inventory.reserve,
            for_inventory.release,
            for_inventory.write_off_release,
            for_payments.charge,
            for_payments.refund_by_key,
            for_payments.write_off_refund,
            for_payments.capture,
            for_payments.refund_capture,
            for_payments.write_off_capture,
            for_payments.refund_rest,
            for_warehouse.apply,
            for_warehouse.revert,
            for_warehouse.write_off_revert,
            for_warehouse.restock,
            for_shipping.create,
            for_shipping.cancel,
            for_shipping.write_off_cancel,
            for_shipping.take_back,
            for_notices.send,
        ),
    )
