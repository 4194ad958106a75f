"""Open orders as the reconciler looks after them: one whose workflow is gone is unwound by a workflow of its own.

The ledger makes that safe even where it is wrong: what a healthy run had still to do is then refused, and both runs end
as the row says.
"""

import logging
from collections.abc import Sequence
from typing import Any, Final

from temporalio.client import Client, WorkflowExecutionDescription
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from flowforge.ids import workflow_id_of_unwinding
from flowforge.orders.intake import START_TIMEOUT, TASK_TIMEOUT
from flowforge.orders.standstill import StillOrder, ended_with_units, is_still, still_orders
from flowforge.orders.workflow import FULFIL_ORDER
from flowforge.persistence.database import Database
from flowforge.reconciling.sweeps import Sweep
from flowforge.reconciling.watched import Mended
from flowforge.reconciling.workflows import cancel_again, open_workflow
from flowforge.services.inventory.leftovers import Leftovers
from flowforge.temporal.client import absence_as_fault

_MOST_LEFTOVERS: Final = 100

_LOG: Final = logging.getLogger(__name__)


async def open_run(client: Client, workflow_id: str) -> WorkflowExecutionDescription | None:
    """Return the run that works on an order, its own or one that unwinds it; None where there is none, for certain.

    Raises:
        TemporalUnavailable: Temporal is away, or does not know the namespace.
        RPCError: it answered something else; whether the order has a run is unknown.
    """
    return await open_workflow(client, workflow_id, workflow_id_of_unwinding(workflow_id))


class WatchedOrders:
    """Open orders.

    Args:
        database: where they are.
        task_queue: where the unwinding runs.
    """

    noun = "order"

    def __init__(self, database: Database, *, task_queue: str) -> None:
        self._database = database
        self._task_queue = task_queue
        self._leftovers = Leftovers(database)

    async def still(self, sweep: Sweep, *, after: int, limit: int) -> Sequence[StillOrder]:
        """See Watched.still."""
        return await self._database.read(still_orders, sweep, after=after, limit=limit)

    async def mend(self, client: Client, still: StillOrder) -> Mended | None:
        """See Watched.mend."""
        run = await open_run(client, still.workflow_id)
        if run is None:
            # It may have ended, with its row, between the two looks.
            if await self._database.read(is_still, still) and await self._unwind(client, still):
                return "unwound"
        elif still.cancel_reason is not None and await cancel_again(client, run, still.cancel_reason):
            return "cancelled"
        return None

    async def tidy(self) -> Sequence[str]:
        """Have ended orders give back units that they still hold: there should never be one."""
        released: list[str] = []
        for order_id in await self._database.read(ended_with_units, _MOST_LEFTOVERS):
            for left in await self._leftovers.release(order_id):
                _LOG.error(
                    "a defect: the order had ended and still held %d x %s; they were given back",
                    *(left.quantity, left.product_id),
                    extra={"order_id": order_id},
                )
                released.append(order_id)
        return released

    async def _unwind(self, client: Client, order: StillOrder) -> bool:
        """Start the run that unwinds an order; tell whether it was us who did."""
        name = workflow_id_of_unwinding(order.workflow_id)
        what: dict[str, Any] = {**order.input, "abandoned": True}
        try:
            with absence_as_fault():
                await client.start_workflow(
                    FULFIL_ORDER,
                    what,
                    id=name,
                    task_queue=self._task_queue,
                    # One that was terminated, too, is no end.
                    id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                    task_timeout=TASK_TIMEOUT,
                    static_summary=f"unwinds {order.order_id}, whose own run is gone",
                    rpc_timeout=START_TIMEOUT,
                )
        except WorkflowAlreadyStartedError:
            return False
        labels = {"order_id": order.order_id, "workflow_id": name}
        _LOG.info("the order (%s) has no run any more: it is unwound", order.status, extra=labels)
        return True
