"""What may be done to an order that was placed: cancel it, hold it, let it go on, try it again, decide on its undos.

A cancellation is a mark on the order's row, which decides and holds whatever becomes of the processes, and then
Temporal's own cancellation, which wakes the run. Everything else reaches the run as an update with an id: a repeat of
the same request is the same update.
"""

import asyncio
import logging
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from temporalio.client import (
    Client,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.exceptions import FailureError, WorkflowAlreadyStartedError

from flowforge.errors import Conflict, NotFound, TemporalUnavailable
from flowforge.ids import order_id_of, workflow_id_of_retry
from flowforge.orders.contracts import OrderOptions, OrderState, OrderStatus, WriteOff
from flowforge.orders.control_rows import ControlledOrder, ControlRows
from flowforge.orders.gateway import PlacedOrder
from flowforge.orders.intake import order_in, running_order, start
from flowforge.orders.reconciling import open_run
from flowforge.orders.records import GOING_FORWARD
from flowforge.orders.workflow import OrderWorkflow
from flowforge.temporal.asking import ANSWER_TIMEOUT, cancel_without_row, unless_gone

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelAccepted:
    """An order that is being cancelled, or was; `reason` is the first one given."""

    order_id: str
    workflow_id: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlAccepted:
    """An order that has taken note; `status` is the one it had then."""

    order_id: str
    workflow_id: str
    status: OrderStatus


class OrderControl:
    """Controls orders by order id or workflow id.

    Args:
        client: connected to Temporal.
        rows: the orders' rows.
        task_queue: where workers listen.
        options: how orders that are tried again run.
    """

    def __init__(self, client: Client, rows: ControlRows, *, task_queue: str, options: OrderOptions) -> None:
        self._client = client
        self._rows = rows
        self._task_queue = task_queue
        self._options = options

    async def cancel(self, name: str, reason: str) -> CancelAccepted:
        """Cancel an order: nothing takes effect any more, what did is undone. A repeat answers the same.

        Raises:
            NotFound: there is no such order.
            Conflict: it is too late; the message says why.
            TemporalUnavailable: the order has no row yet, and it is not known whether it will be cancelled: repeat it.
            DatabaseUnavailable: nothing was marked.
        """
        known = await self._rows.mark_cancelled(name, reason)
        marked = known or await self._cancel_without_row(name, reason)
        if isinstance(marked, CancelAccepted):
            return marked
        counts = marked.cancel_reason or marked.failure_reason or reason
        if marked.status in GOING_FORWARD:
            try:
                await self._request_cancel(marked.workflow_id, counts)
            except TemporalUnavailable as error:
                # The mark holds: the order's next step refuses, and whoever looks after open orders sends it again.
                _LOG.warning("cancelled %s, but could not wake its run: %s", marked.order_id, error.message)
        return CancelAccepted(order_id=marked.order_id, workflow_id=marked.workflow_id, reason=counts)

    async def pause(self, name: str, *, request_id: str | None = None) -> ControlAccepted:
        """Hold an order before its next step; a step that is in flight ends first, and after the last one it completes.

        Args:
            name: an order id or workflow id.
            request_id: whoever repeats a request with the same id has asked once.

        Raises:
            NotFound: there is no such order.
            Conflict: it is not going forward any more.
            TemporalUnavailable: no answer in time; whether it takes note is unknown.
            DatabaseUnavailable: the row cannot be read.
        """
        return await self._hold_or_release(name, OrderWorkflow.pause, _update_id("pause", request_id))

    async def resume(self, name: str, *, request_id: str | None = None) -> ControlAccepted:
        """Let an order that was paused go on; its deadline moves on by the time it was held.

        Args and errors are those of `pause`.
        """
        return await self._hold_or_release(name, OrderWorkflow.resume, _update_id("resume", request_id))

    async def retry(self, name: str, request_id: str) -> PlacedOrder:
        """Place a failed or cancelled order again, as a new order; a fault that was asked for is not.

        Args:
            name: an order id or workflow id.
            request_id: the request that asks for it, for the logs.

        Raises:
            NotFound: there is no such order.
            Conflict: it has not failed, or was tried again before: the message names the order that did.
            TemporalUnavailable: Temporal did not say whether it took the new order; repeat it to know.
            DatabaseUnavailable: nothing was started.
        """
        row = await self._find(name)
        if row.status not in {"failed", "cancelled"}:
            raise Conflict(f"only a failed or cancelled order is tried again; {row.plight}")
        if row.retried_by is not None:
            raise Conflict(f"the order was tried again as {row.retried_by!r}")
        workflow_id = workflow_id_of_retry(row.workflow_id)
        again = replace(
            order_in(self._client, row.input),
            order_id=order_id_of(workflow_id),
            workflow_id=workflow_id,
            request_id=request_id,
            accepted_at=datetime.now(UTC).isoformat(),
            fail_at=None,
            retry_of=row.order_id,
            options=self._options,
        )
        try:
            await start(self._client, again, task_queue=self._task_queue, find_row=self._rows.find)
        except WorkflowAlreadyStartedError:
            raise Conflict(f"the order was tried again as {again.order_id!r}") from None
        return PlacedOrder(order_id=again.order_id, workflow_id=again.workflow_id)

    async def retry_compensation(self, name: str, undo: str) -> ControlAccepted:
        """Try an undo again that failed for good.

        Raises:
            NotFound: there is no such order, or it has no such undo.
            Conflict: the order does not wait for an operator, or not for this undo.
            TemporalUnavailable: no answer in time; whether it is tried is unknown.
            DatabaseUnavailable: the row cannot be read.
        """
        row = await self._find_in_need(name, undo)
        update_id = f"retry-{undo}-{row.attempts_of(undo)}"
        return await self._decide(row, OrderWorkflow.retry_compensation, undo, update_id)

    async def write_off(self, name: str, undo: str, by: str, reason: str) -> ControlAccepted:
        """Give up an undo that failed for good: what it did not bring back is counted as lost, and the order can end.

        Args:
            name: an order id or workflow id.
            undo: the undo's name.
            by: who decides so.
            reason: why.

        Raises:
            As `retry_compensation`.
        """
        row = await self._find_in_need(name, undo)
        decision = WriteOff(name=undo, by=by, reason=reason)
        update_id = f"write-off-{undo}-{row.attempts_of(undo)}"
        return await self._decide(row, OrderWorkflow.write_off_compensation, decision, update_id)

    async def _cancel_without_row(self, name: str, reason: str) -> ControlledOrder | CancelAccepted:
        """Cancel a run whose order has no row to be marked; mark the row should it come all the same."""
        mark = partial(self._rows.mark_cancelled, name)
        run = await running_order(self._client, name)
        if run is None:
            if (marked := await mark(reason)) is None:  # it may have come to its row, and its end, in between
                raise NotFound(f"there is no order {name!r}")
            return marked
        handle = self._client.get_workflow_handle(run.id)
        marked, counts = await cancel_without_row(handle, reason, mark)
        return marked or CancelAccepted(order_id=order_id_of(run.id), workflow_id=run.id, reason=counts)

    async def _hold_or_release(self, name: str, update: Any, update_id: str | None) -> ControlAccepted:
        row = await self._rows.find(name)
        if row is not None and row.status not in GOING_FORWARD:
            raise Conflict(row.plight)
        run_id = await self._id_without_row(name) if row is None else row.workflow_id
        state = await self._update(run_id, update, (), update_id)
        if state is None:
            raise Conflict((await self._find(name)).plight)
        return ControlAccepted(order_id=state.order_id, workflow_id=state.workflow_id, status=state.status)

    async def _id_without_row(self, name: str) -> str:
        run = await running_order(self._client, name)
        if run is None:
            raise NotFound(f"there is no order {name!r}")
        return run.id

    async def _find_in_need(self, name: str, undo: str) -> ControlledOrder:
        row = await self._find(name)
        if row.status != "needs_attention":
            raise Conflict(f"the order waits for no operator: {row.plight}")
        if all(each["name"] != undo for each in row.compensations):
            raise NotFound(f"the order has no undo {undo!r}")
        return row

    async def _decide(self, row: ControlledOrder, update: Any, decision: Any, update_id: str) -> ControlAccepted:
        # Only a run that is open: one that is gone still answers, from its history, what it had answered before.
        run = await open_run(self._client, row.workflow_id)
        state = None if run is None else await self._update(run.id, update, (decision,), update_id)
        if state is not None:
            return ControlAccepted(order_id=row.order_id, workflow_id=row.workflow_id, status=state.status)
        now = await self._find(row.order_id)
        raise Conflict(now.plight if now.is_closed else "the order's run is gone; a new one is going to unwind it")

    async def _find(self, name: str) -> ControlledOrder:
        row = await self._rows.find(name)
        if row is not None:
            return row
        if await running_order(self._client, name) is not None:
            raise Conflict("the order is running")
        raise NotFound(f"there is no order {name!r}")

    async def _request_cancel(self, workflow_id: str, reason: str) -> None:
        handle = self._client.get_workflow_handle(workflow_id)
        await unless_gone(lambda: handle.cancel(reason=reason, rpc_timeout=ANSWER_TIMEOUT))

    async def _update(
        self, workflow_id: str, update: Any, arguments: tuple[Any, ...], update_id: str | None
    ) -> OrderState | None:
        """Bring an update to a run and return its answer; None where no such run is open."""
        handle = self._client.get_workflow_handle(workflow_id)
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT.total_seconds()):
                answer: OrderState | None = await unless_gone(
                    lambda: handle.execute_update(update, args=arguments, id=update_id)
                )
        except (TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError):
            raise TemporalUnavailable(
                f"{workflow_id!r} did not answer within {ANSWER_TIMEOUT.total_seconds():g} s: "
                "perhaps no worker runs; whether it takes note later is unknown"
            ) from None
        except WorkflowUpdateFailedError as error:
            cause = error.cause
            raise Conflict(cause.message if isinstance(cause, FailureError) else str(cause)) from error
        return answer


def _update_id(kind: str, request_id: str | None) -> str | None:
    return None if request_id is None else f"{kind}-{request_id}"
