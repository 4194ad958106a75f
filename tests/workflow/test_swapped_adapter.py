"""A service may live elsewhere than in the orders' database: its orders end whole all the same."""

import pytest
from temporalio.client import Client

from flowforge.orders.activities import OrderActivities
from flowforge.orders.contracts import OrderOptions
from flowforge.orders.journal import OrderJournal
from flowforge.services.delivery import Delivery
from flowforge.services.faults import Faults
from flowforge.services.inventory.sql import SqlInventory
from flowforge.services.ledger import SqlLedger
from flowforge.services.memory_ledger import MemoryLedger
from flowforge.services.notices.sql import SqlNotices
from flowforge.services.payments.memory import MemoryPayments
from flowforge.services.shipping.sql import SqlShipping
from flowforge.services.warehouse.sql import SqlWarehouse
from flowforge.services.wiring import assemble
from flowforge.worker.app import build_worker
from flowforge.worker.registration import activities_of
from tests.workflow.shop import open_counter


@pytest.mark.parametrize(
    ("fail_at", "ended", "payment_status"), [(None, "completed", "charged"), ("warehouse", "failed", "refunded")]
)
async def test_payments_in_memory_order_ends_as_with_payments_in_sql(
    client: Client, sqlite_url: str, options: OrderOptions, fail_at: str | None, ended: str, payment_status: str
) -> None:
    async with open_counter(client, sqlite_url, options) as counter:
        journal = OrderJournal(counter.database)
        ledger = SqlLedger(counter.database, journal)
        services = assemble(
            inventory=SqlInventory(counter.database, ledger),
            payments=MemoryPayments(MemoryLedger(journal)),
            warehouse=SqlWarehouse(counter.database, ledger),
            shipping=SqlShipping(counter.database, ledger, journal),
            notices=SqlNotices(counter.database, ledger),
            delivery=Delivery(journal, Faults()),
        )
        worker = build_worker(
            client,
            task_queue=counter.task_queue,
            activities=activities_of(services, OrderActivities(journal)),
            max_concurrent_activities=10,
            max_concurrent_workflow_tasks=10,
        )
        async with worker:
            # The audit reads the charges' table, where a completed order's money is not.
            record = await counter.end(
                await counter.place(fail_at=fail_at), violations=[] if ended == "failed" else ["money"]
            )
        assert record.status == ended
        [payment] = await services.payments.payments(order_id=record.order_id)
        assert (payment.charge_id, payment.status) == (record.charge_id, payment_status)
        assert record.compensation_triggered is (ended == "failed")
