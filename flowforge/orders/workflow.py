"""The order workflow: walks the table of `saga.py`, and keeps the order's row in step with what Temporal knows."""

import asyncio
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any, Final

from temporalio import workflow
from temporalio.exceptions import ApplicationError, FailureError

from flowforge.durable.failures import Failure
from flowforge.durable.policies import Policies, Policy
from flowforge.durable.table import FencedSaga
from flowforge.orders.activities import OrderActivities
from flowforge.orders.contracts import (
    CancelRun,
    CloseOrder,
    Order,
    OrderClosed,
    OrderOptions,
    OrderState,
    OrderStatus,
    WriteOff,
)
from flowforge.orders.saga import steps_for
from flowforge.orders.story import details
from flowforge.services.inventory.contracts import Quote
from flowforge.services.payments.contracts import Charge
from flowforge.services.shipping.contracts import ShipmentBooked

FULFIL_ORDER: Final = "FulfilOrder"
"""The workflow's type in Temporal."""

FAILURE_CODES: Final = frozenset(
    {
        "out_of_stock",
        "unknown_product",
        "mixed_currencies",
        "card_declined",
        "insufficient_funds",
        "unknown_payment_method",
        "unknown_charge",
        "parcel_has_left",
        "step_timeout",
        "injected_fault",
        "cancelled",
        "abandoned",
        "internal",
    }
)
"""Every `failure_code` an order can have; a step that fails with any other type is `internal`."""

_FULFILLED: Final = frozenset({"completed", "returned"})
"""Ends of an order that hold: it may be taken back before its run, whose worker died, hears that it had completed."""


@workflow.defn(name=FULFIL_ORDER)
class OrderWorkflow:
    """Fulfils one order, or makes it whole. Ends Completed, Failed (the state is in its details) or Canceled."""

    @workflow.init
    def __init__(self, order: Order) -> None:
        options = order.options
        self._order = order
        self._state = OrderState(order_id=order.order_id, workflow_id=order.workflow_id)
        self._steps = steps_for(order)
        self._saga = FencedSaga(
            table=self._steps,
            saga_id=order.order_id,
            opening=asdict(order),
            placement=options.placement,
            fail_at=order.fail_at,
            labels=_labels(order),
            deadline=_time_left(order),
            policies=_policies(options),
            owner=self,
        )

    @workflow.run
    async def run(self, order: Order) -> OrderState:
        """Fulfil the order.

        Returns:
            Its state, completed.

        Raises:
            ApplicationError: the order failed and was made whole; its type is the failure code, its detail the state.
            asyncio.CancelledError: the order was cancelled and made whole.
        """
        try:
            async with self._saga as saga:
                if order.abandoned:
                    reason = "its workflow was terminated, or its Temporal lost it"
                    raise ApplicationError(reason, type="abandoned", non_retryable=True)
                for step in self._steps:
                    self._learn(await saga.step(step, order, self._state))
                await self._complete()
        except (FailureError, asyncio.CancelledError) as error:
            self._end_as_the_row_says(error)
            raise
        return self._state

    @workflow.query
    def state(self) -> OrderState:
        """Return the whole state of the order."""
        return self._state

    @workflow.update
    def pause(self) -> OrderState:
        """Hold the order before its next step; one that is held stays so."""
        self._saga.hold()
        return self._state

    @pause.validator
    def _validate_pause(self) -> None:
        self._must_go_forward()

    @workflow.update
    def resume(self) -> OrderState:
        """Let the order go on; one that is not held goes on anyway."""
        self._saga.release()
        return self._state

    @resume.validator
    def _validate_resume(self) -> None:
        self._must_go_forward()

    @workflow.update
    def retry_compensation(self, name: str) -> OrderState:
        """Try an undo again that failed for good."""
        self._saga.retry(name)
        return self._state

    @retry_compensation.validator
    def _validate_retry(self, name: str) -> None:
        self._must_wait_for_decision(name)

    @workflow.update
    def write_off_compensation(self, decision: WriteOff) -> OrderState:
        """Give up an undo that failed for good, so that the order can end."""
        self._saga.write_off(decision.name, by=decision.by, reason=decision.reason)
        return self._state

    @write_off_compensation.validator
    def _validate_write_off(self, decision: WriteOff) -> None:
        self._must_wait_for_decision(decision.name)

    async def unwinding(self, failure: Failure) -> bool:
        """Take the order from running, unless it was closed as completed before: then it stays so, or returned since.

        An earlier run of this very task may have done so for another reason, and may have been discarded since: then
        the reason that the row holds stands.
        """
        code = failure.code if failure.code in FAILURE_CODES else "internal"
        self._state = replace(self._state, failure_code=code, failure_reason=_reason(failure, self._order))
        closed = await self._close("compensating", failed_step=failure.step if code != "cancelled" else None)
        return closed.status not in _FULFILLED

    async def held(self) -> bool:
        """Mark the order as paused, unless an earlier run of this very task brought it to another end."""
        return (await self._close("paused")).status == "paused"

    async def released(self) -> None:
        """Mark the order as running again; its time was not running out meanwhile."""
        if self._state.status == "paused":
            await self._close("running")

    async def needs_attention(self) -> None:
        """Mark the order as waiting for an operator."""
        await self._close("needs_attention")

    async def unwound(self, failure: Failure) -> None:  # noqa: ARG002  the row knows
        """Write the order's end.

        A run only ends Canceled when Temporal was asked to cancel it. A mark on the row is enough to get here without:
        whoever set it may have died before it asked.
        """
        if self._state.failure_code != "cancelled":
            await self._close("failed")
            return
        if workflow.cancellation_reason() is None:
            request = CancelRun(reason=self._state.failure_reason or "")
            await self._saga.note(OrderActivities.cancel_run, request, name="cancel the run as its order")
            await workflow.wait_condition(lambda: workflow.cancellation_reason() is not None)
        await self._close("cancelled")

    def changed(self) -> None:
        """Keep the state in step with the saga, for queries and for Temporal's UI."""
        saga, unwinding = self._saga, self._saga.failure is not None
        self._state = replace(
            self._state,
            current_step=None if unwinding else saga.current_step,
            steps_completed=self._state.steps_completed if unwinding else tuple(saga.completed),
            compensations=saga.compensations if unwinding else (),
            compensation_triggered=saga.compensation_triggered,
            given_up=saga.given_up,
        )
        workflow.set_current_details(details(self._order, self._state))

    def _end_as_the_row_says(self, error: BaseException) -> None:
        """Raise what ends the run as its order ended: a cancellation may have come while a failure was being undone."""
        state = self._state
        if state.status == "failed":
            reason = state.failure_reason or str(error)
            raise ApplicationError(reason, state, type=state.failure_code, non_retryable=True) from None
        if state.status == "cancelled":
            raise asyncio.CancelledError from error

    def _must_wait_for_decision(self, name: str) -> None:
        """Refuse a decision before it is in history; an update that no validator has seen could block the run."""
        if name not in self._saga.undecided:
            raise ApplicationError(f"no undo {name!r} waits for an operator", type="conflict", non_retryable=True)

    def _must_go_forward(self) -> None:
        """Refuse to hold or release what is being unwound."""
        if self._saga.failure is not None:
            raise ApplicationError("the order is being unwound", type="conflict", non_retryable=True)

    def _learn(self, answer: Any) -> None:
        match answer:
            case Quote():
                self._state = replace(self._state, amount_minor=answer.amount_minor, currency=answer.currency)
            case Charge():
                self._state = replace(self._state, charge_id=answer.charge_id)
            case ShipmentBooked():
                self._state = replace(self._state, shipment_id=answer.shipment_id)

    async def _complete(self) -> None:
        """Close the order as completed, or unwind it where an earlier run of this very task had begun to."""
        closed = await self._close("completed")
        if closed.status not in _FULFILLED:
            reason = closed.failure_reason or "the order was being unwound"
            raise ApplicationError(reason, type=closed.failure_code or "internal", non_retryable=True)

    async def _close(self, to: OrderStatus, *, failed_step: str | None = None) -> OrderClosed:
        if to in {"completed", "failed", "cancelled"} and not workflow.all_handlers_finished():
            await workflow.wait_condition(workflow.all_handlers_finished)
        self.changed()
        deadline = _deadline(self._order) + self._saga.time_held if to == "running" else None
        request = CloseOrder(
            order=self._order,
            to=to,
            state=self._state,
            failed_step=failed_step,
            deadline_at=None if deadline is None else deadline.isoformat(),
        )
        closed: OrderClosed = await self._saga.note(OrderActivities.close, request, name=f"mark order as {to}")
        self._state = replace(
            self._state,
            status=closed.status,
            steps_completed=closed.steps_completed,
            failure_code=closed.failure_code,
            failure_reason=closed.failure_reason,
            amount_minor=closed.amount_minor,
            currency=closed.currency,
            charge_id=closed.charge_id,
        )
        self.changed()
        if to in {"compensating", "needs_attention", "failed", "cancelled"}:
            reason = self._state.failure_reason
            workflow.logger.info("order %s: %s", closed.status, reason, extra=_labels(self._order))
        return closed


def _deadline(order: Order) -> datetime:
    return datetime.fromisoformat(order.accepted_at) + timedelta(seconds=order.options.deadline_s)


def _time_left(order: Order) -> timedelta:
    """Return what is left of the order's time: it counts from when the order was accepted, as its row tells."""
    return max(_deadline(order) - workflow.now(), timedelta(milliseconds=1))


def _policies(options: OrderOptions) -> Policies:
    def policy(max_interval_s: float) -> Policy:
        return Policy(
            maximum_interval=timedelta(seconds=max_interval_s),
            attempt_timeout=timedelta(seconds=options.attempt_timeout_s),
            local_timeout=timedelta(seconds=options.local_timeout_s),
            heartbeat_timeout=timedelta(seconds=options.heartbeat_timeout_s),
        )

    return Policies(forward=policy(options.forward_max_interval_s), undo=policy(options.undo_max_interval_s))


def _labels(order: Order) -> dict[str, str]:
    return {"order_id": order.order_id, "request_id": order.request_id}


def _reason(failure: Failure, order: Order) -> str:
    if failure.kind == "cancelled":
        return workflow.cancellation_reason() or "cancelled"
    if failure.code == "cancelled":
        return failure.reason
    if failure.attempts > 1:
        return f"{failure.step} failed {failure.attempts} times: {failure.reason}"
    if failure.kind == "deadline":
        return f"{failure.step} did not finish before the order's deadline of {order.options.deadline_s:g} s"
    return failure.reason if failure.step is None else f"{failure.step} failed: {failure.reason}"
