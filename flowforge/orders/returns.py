"""The door to returns: a completed order is taken back by a run of its own, once."""

import asyncio
from datetime import timedelta
from typing import Final, Protocol

from temporalio.client import Client, WorkflowExecutionStatus, WorkflowFailureError
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError

from flowforge.durable.failures import message_of
from flowforge.errors import Conflict
from flowforge.ids import workflow_id_of_return
from flowforge.orders.contracts import OrderOptions, ReturnOrder
from flowforge.orders.intake import START_TIMEOUT, TASK_TIMEOUT
from flowforge.orders.records import OrderRecord
from flowforge.orders.returning import ReturnWorkflow
from flowforge.temporal.client import absence_as_fault

PATIENCE: Final = timedelta(seconds=5)
"""How long whoever asks for a return waits for its end; it goes on without him."""


class Orders(Protocol):
    """The orders as returns need them."""

    async def get(self, order_or_workflow_id: str) -> OrderRecord:
        """Return an order by either of its names, also one that was accepted and has no row yet.

        Raises:
            NotFound: there is no such order.
            TemporalUnavailable: there is no row, and Temporal cannot be asked.
            DatabaseUnavailable: the row cannot be read.
        """
        ...


class OrderReturns:
    """Takes completed orders back.

    Args:
        client: connected to Temporal; the worker's own client makes starts eager.
        orders: the orders as they are.
        task_queue: where workers listen.
        options: how returns run.
    """

    def __init__(self, client: Client, orders: Orders, *, task_queue: str, options: OrderOptions) -> None:
        self._client = client
        self._orders = orders
        self._task_queue = task_queue
        self._options = options

    async def take_back(self, name: str, request_id: str) -> OrderRecord:
        """Take a completed order back: its parcel where it has one, its units, and what is left of its money.

        A completed order stays completed until it is returned, and Temporal starts each return once: there is nothing
        to lock. Asked again, it answers how the order is; a return that failed goes on where it had stopped.

        Args:
            name: an order id or workflow id.
            request_id: the request that asks for it, for the logs.

        Returns:
            The order: returned, or still completed where that takes longer than `PATIENCE`.

        Raises:
            NotFound: there is no such order.
            Conflict: it has not completed, or a service refused for good to take it back.
            TemporalUnavailable: whether Temporal took it is unknown; ask again.
            DatabaseUnavailable: the row cannot be read.
        """
        record = await self._orders.get(name)
        if record.status == "returned":
            return record
        if record.status != "completed" or record.charge_id is None:
            raise Conflict(f"only a completed order is returned; this one is {record.status}")
        request = ReturnOrder(
            order_id=record.order_id,
            workflow_id=record.workflow_id,
            charge_id=record.charge_id,
            ship=record.ship,
            request_id=request_id,
            options=self._options,
        )
        workflow_id = workflow_id_of_return(record.workflow_id)
        is_new = await start_return(self._client, request, task_queue=self._task_queue, only_if_new=True)
        # Else it is under way, or has just ended; or the database was restored to a day before it, and the row counts.
        if not is_new and await self._has_ended(workflow_id) and not await self._is_returned(record.order_id):
            await start_return(self._client, request, task_queue=self._task_queue)
        await self._wait(workflow_id)
        return await self._orders.get(record.order_id)

    async def _has_ended(self, workflow_id: str) -> bool:
        with absence_as_fault():
            run = await self._client.get_workflow_handle(workflow_id).describe(rpc_timeout=START_TIMEOUT)
        return run.status is not WorkflowExecutionStatus.RUNNING

    async def _is_returned(self, order_id: str) -> bool:
        return (await self._orders.get(order_id)).status == "returned"

    async def _wait(self, workflow_id: str) -> None:
        try:
            async with asyncio.timeout(PATIENCE.total_seconds()):
                await self._client.get_workflow_handle(workflow_id).result()
        except WorkflowFailureError as error:
            raise Conflict(f"the order could not be taken back: {message_of(error.cause)}") from error
        except (TimeoutError, RPCError):
            pass  # the row tells how far it is


async def start_return(client: Client, request: ReturnOrder, *, task_queue: str, only_if_new: bool = False) -> bool:
    """Start the run that takes an order back; tell whether it was us who did.

    Args:
        client: connected to Temporal; the worker's own client makes the start eager.
        request: what is taken back.
        task_queue: where workers listen.
        only_if_new: whether one that completed bars another.

    Raises:
        TemporalUnavailable: whether Temporal took it is unknown.
    """
    policies = WorkflowIDReusePolicy
    try:
        with absence_as_fault():
            await client.start_workflow(
                ReturnWorkflow.run,
                request,
                id=workflow_id_of_return(request.workflow_id),
                task_queue=task_queue,
                id_reuse_policy=policies.ALLOW_DUPLICATE_FAILED_ONLY if only_if_new else policies.ALLOW_DUPLICATE,
                task_timeout=TASK_TIMEOUT,
                static_summary=f"return of {request.order_id}",
                request_eager_start=True,
                rpc_timeout=START_TIMEOUT,
            )
    except WorkflowAlreadyStartedError:
        return False
    return True
