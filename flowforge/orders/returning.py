"""The workflow that takes a completed order back: its parcel, its units, its money. It only goes forward.

It undoes what a completed order did, in the outside world and for good: it is no unwinding of the order's saga, whose
ledger rows stay applied. So it has operations of its own, each fenced by the ledger of its service, and is tried until
all of them are done. Nothing interrupts it: half returned is no state for an order to be in.
"""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any, Final

from temporalio import workflow

from flowforge.durable.fence import StepCall
from flowforge.durable.placement import ActivityRef, execute_fenced
from flowforge.durable.policies import Policy
from flowforge.durable.scope import outlive_cancellation
from flowforge.durable.table import Step
from flowforge.orders.activities import OrderActivities
from flowforge.orders.contracts import MarkReturned, OrderOptions, ReturnOrder
from flowforge.services.payments.activities import PaymentActivities as Payments
from flowforge.services.payments.contracts import RefundRest, RestRefunded
from flowforge.services.shipping.activities import ShippingActivities as Shipping
from flowforge.services.shipping.contracts import TakeShipmentBack
from flowforge.services.warehouse.activities import WarehouseActivities as Warehouse
from flowforge.services.warehouse.contracts import RestockReturn

RETURN_ORDER: Final = "ReturnOrder"
"""The workflow's type in Temporal."""


def _ships(request: ReturnOrder) -> bool:
    return request.ship


def _take_back(call: StepCall, _request: ReturnOrder) -> TakeShipmentBack:
    return TakeShipmentBack(call=call)


def _restock(call: StepCall, _request: ReturnOrder) -> RestockReturn:
    return RestockReturn(call=call)


def _refund(call: StepCall, request: ReturnOrder) -> RefundRest:
    return RefundRest(call=call, charge_id=request.charge_id)


# fmt: off
RETURN_STEPS: Final = (
    Step("take_shipment_back", Shipping.take_back,   _take_back, when=_ships),
    Step("restock_units",      Warehouse.restock,    _restock),
    Step("refund_rest",        Payments.refund_rest, _refund),
)
# fmt: on
"""Money last: what the customer gets back is given when the goods are here."""


@workflow.defn(name=RETURN_ORDER)
class ReturnWorkflow:
    """Takes one completed order back. Ends Completed; a cancellation changes nothing."""

    @workflow.run
    async def run(self, request: ReturnOrder) -> None:
        """Take the order back.

        Raises:
            ApplicationError: a service refused for good; the return can be asked for again, and goes on from there.
        """
        await outlive_cancellation(asyncio.create_task(self._take_back(request)))

    async def _take_back(self, request: ReturnOrder) -> None:
        refunded_minor = 0
        for step in RETURN_STEPS:
            if step.when is None or step.when(request):
                answer = await _run(step.do, partial(_input, step, request), request.options, step.name)
                if isinstance(answer, RestRefunded):
                    refunded_minor = answer.refunded_minor
        mark = MarkReturned(order_id=request.order_id, refunded_minor=refunded_minor)
        await _run(OrderActivities.mark_returned, lambda _attempt: mark, request.options, "mark order as returned")


def _input(step: Step, request: ReturnOrder, attempt: int) -> Any:
    labels = {"order_id": request.order_id, "request_id": request.request_id}
    return step.request(StepCall(saga_id=request.order_id, step=step.name, attempt=attempt, labels=labels), request)


async def _run(activity: ActivityRef, request: Callable[[int], Any], options: OrderOptions, summary: str) -> Any:
    policy = Policy(
        maximum_interval=timedelta(seconds=options.undo_max_interval_s),
        attempt_timeout=timedelta(seconds=options.attempt_timeout_s),
        local_timeout=timedelta(seconds=options.local_timeout_s),
        heartbeat_timeout=timedelta(seconds=options.heartbeat_timeout_s),
    )
    return await execute_fenced(activity, request, placement=options.placement, policy=policy, summary=summary)
