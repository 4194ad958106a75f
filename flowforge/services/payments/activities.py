"""The payment service's steps as Temporal activities, each next to its undo."""

from dataclasses import replace

from temporalio import activity

from flowforge.durable.fence import Undone, UndoStep, WriteOffStep, WrittenOff
from flowforge.services.delivery import Delivery
from flowforge.services.payments.contracts import (
    Capture,
    CapturePayment,
    Charge,
    ChargePayment,
    RefundRest,
    RestRefunded,
)
from flowforge.services.payments.port import Payments


class PaymentActivities:
    """Delivers the saga's calls to a payment service. Errors are those of the port, as Delivery makes them."""

    def __init__(self, payments: Payments, delivery: Delivery) -> None:
        self._payments = payments
        self._delivery = delivery

    @activity.defn(name="payments.charge")
    async def charge(self, request: ChargePayment) -> Charge:
        """Take money, or authorise it."""
        return await self._delivery.run(
            request.call, "payments.charge", lambda call: self._payments.charge(replace(request, call=call))
        )

    @activity.defn(name="payments.refund_by_key")
    async def refund_by_key(self, request: UndoStep) -> Undone:
        """Undo `charge`."""
        return await self._delivery.run(
            request.call, "payments.charge", lambda call: self._payments.refund_by_key(replace(request, call=call))
        )

    @activity.defn(name="payments.write_off_refund")
    async def write_off_refund(self, request: WriteOffStep) -> WrittenOff:
        """Give `refund_by_key` up."""
        return await self._delivery.run(
            request.call, "payments.charge", lambda call: self._payments.write_off_refund(replace(request, call=call))
        )

    @activity.defn(name="payments.capture")
    async def capture(self, request: CapturePayment) -> Capture:
        """Take what was authorised."""
        return await self._delivery.run(
            request.call, "payments.capture", lambda call: self._payments.capture(replace(request, call=call))
        )

    @activity.defn(name="payments.refund_capture")
    async def refund_capture(self, request: UndoStep) -> Undone:
        """Undo `capture`."""
        return await self._delivery.run(
            request.call, "payments.capture", lambda call: self._payments.refund_capture(replace(request, call=call))
        )

    @activity.defn(name="payments.write_off_capture")
    async def write_off_capture(self, request: WriteOffStep) -> WrittenOff:
        """Give `refund_capture` up."""
        return await self._delivery.run(
            request.call, "payments.capture", lambda call: self._payments.write_off_capture(replace(request, call=call))
        )

    @activity.defn(name="payments.refund_rest")
    async def refund_rest(self, request: RefundRest) -> RestRefunded:
        """Give back what is left of a charge; for good."""
        return await self._delivery.run(
            request.call, "payments.refund_rest", lambda call: self._payments.refund_rest(replace(request, call=call))
        )
