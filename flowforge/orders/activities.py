"""The activities that belong to the order itself: moving its row on, and ending its run as the row says."""

from typing import Protocol

from temporalio import activity
from temporalio.exceptions import ApplicationError

from flowforge.durable.cancelling import cancel_own_run
from flowforge.errors import FlowForgeError
from flowforge.orders.contracts import CancelRun, CloseOrder, MarkReturned, OrderClosed
from flowforge.services.delivery import BindLogContext


class OrderRows(Protocol):
    """Moves the orders' rows."""

    async def close(self, request: CloseOrder) -> OrderClosed:
        """Move an order's status by compare-and-set, opening its row where no step got that far.

        Raises:
            DatabaseUnavailable: nothing was written; try again.
        """
        ...

    async def mark_returned(self, request: MarkReturned) -> None:
        """Move a completed order on to `returned`, once.

        Raises:
            Conflict: the order has not completed.
            DatabaseUnavailable: nothing was written; try again.
        """
        ...


class OrderActivities:
    """Delivers the workflow's calls to the orders' rows."""

    def __init__(self, rows: OrderRows, bind: BindLogContext | None = None) -> None:
        """Take the rows, and what binds the log context (None: nothing)."""
        self._rows = rows
        self._bind = bind

    @activity.defn(name="orders.close")
    async def close(self, request: CloseOrder) -> OrderClosed:
        """Move the order's row to `request.to`; the answer says where it is, which is elsewhere when it came too late.

        Idempotent: the same close again changes nothing and answers the same.
        """
        order = request.order
        if self._bind is not None:
            self._bind(order_id=order.order_id, workflow_id=order.workflow_id, request_id=order.request_id)
        try:
            return await self._rows.close(request)
        except FlowForgeError as error:
            raise ApplicationError(error.message, type=error.code, non_retryable=not error.retryable) from error

    @activity.defn(name="orders.mark_returned")
    async def mark_returned(self, request: MarkReturned) -> None:
        """Move a completed order's row on to `returned`; a second time changes nothing."""
        if self._bind is not None:
            self._bind(order_id=request.order_id)
        try:
            await self._rows.mark_returned(request)
        except FlowForgeError as error:
            raise ApplicationError(error.message, type=error.code, non_retryable=not error.retryable) from error

    @activity.defn(name="orders.cancel_run")
    async def cancel_run(self, request: CancelRun) -> None:
        """Ask Temporal to cancel the run that asks for this; a second time is nothing new."""
        await cancel_own_run(request.reason)
