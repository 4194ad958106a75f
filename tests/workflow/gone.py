"""Orders whose runs are gone, and the reconciler that has them unwound; a test takes its turns itself."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from flowforge.ids import workflow_id_of_unwinding
from flowforge.orders.activities import OrderActivities
from flowforge.orders.audit import audit
from flowforge.orders.gateway import PlacedOrder
from flowforge.orders.journal import OrderJournal
from flowforge.orders.lost_returns import WatchedReturns
from flowforge.orders.reconciling import WatchedOrders
from flowforge.orders.records import OrderRecord
from flowforge.reconciling.reconciler import Reconciler, Turn
from flowforge.reconciling.watched import Watched
from flowforge.worker.app import build_worker
from flowforge.worker.registration import activities_of
from tests.workflow.shop import REPLAYER, Counter

LONG = timedelta(minutes=5)
"""An interval that no test waits for: a lease then lasts as long as the test."""


def reconciler(counter: Counter, *, client: Client | None = None, **how: Any) -> Reconciler:
    """Return a reconciler of its own process, which takes an order for still at once."""
    known = {"interval": LONG, "still_after": timedelta(0), "holder": str(uuid.uuid4())}
    watched: list[Watched[Any]] = [
        kind(counter.database, task_queue=counter.task_queue) for kind in (WatchedOrders, WatchedReturns)
    ]
    return Reconciler(client or counter.client, counter.database, watched, **{**known, **how})


async def turn(reconciler: Reconciler) -> Turn:
    """Take a turn, which must not be another's."""
    taken = await reconciler.turn()
    assert taken is not None
    return taken


def unwinding(counter: Counter, placed: PlacedOrder, *, client: Client | None = None) -> WorkflowHandle[Any, Any]:
    """Return the run that unwinds an order."""
    return (client or counter.client).get_workflow_handle(workflow_id_of_unwinding(placed.workflow_id))


async def unwound(
    counter: Counter, placed: PlacedOrder, *, code: str = "abandoned", client: Client | None = None
) -> OrderRecord:
    """Wait for the end of an order's unwinding; see that it replays and says what the row says; that all is whole."""
    handle = unwinding(counter, placed, client=client)
    with pytest.raises(WorkflowFailureError) as caught:
        await handle.result()
    cause = caught.value.cause
    assert (cause.type if isinstance(cause, ApplicationError) else "cancelled") == code, cause
    await REPLAYER.replay_workflow(await handle.fetch_history())
    record = await counter.reads.get(placed.order_id)
    assert record is not None
    assert record.failure_code == code
    assert all(payment.status == "refunded" for payment in await counter.services.payments.payments())
    await assert_clean(counter)
    return record


async def assert_clean(counter: Counter) -> None:
    """See that the audit finds nothing."""
    findings = await counter.database.read(audit)
    assert [finding.check.name for finding in findings if finding.is_violation] == []


def worker_at(counter: Counter, client: Client) -> Worker:
    """Return a worker for a counter's orders at another Temporal; it is not yet running."""
    return build_worker(
        client,
        task_queue=counter.task_queue,
        activities=activities_of(counter.services, OrderActivities(OrderJournal(counter.database))),
        max_concurrent_activities=10,
        max_concurrent_workflow_tasks=10,
    )
