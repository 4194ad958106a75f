"""Samples for orders, in the several spellings of their steps' names."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from flowforge.engine.actions.declaration import ActionContext, NotNeeded, Refused, Workflow, action
from flowforge.engine.actions.samples.amounts import amount, minor, number, total
from flowforge.engine.actions.samples.records import SampleRecords, play_along
from flowforge.errors import CardDeclined, OutOfStock

LIMIT: Final = Decimal(500)
"""Up to which amount the samples' card pays, where the input has a `_testAmount`."""

_CATEGORY: Final = "samples"


class OrderSamples(Workflow):
    """Orders are validated, paid, reserved and shipped; a sku needs no catalogue entry."""

    def __init__(self, records: SampleRecords) -> None:
        self._records = records

    @action("ValidateOrder", category=_CATEGORY, effect=False)
    async def validate(self, params: Any, context: ActionContext) -> dict[str, Any]:
        """See that an order has items, or a total, that can be paid."""
        return _validated(params, context)

    @action("validate-order", category=_CATEGORY, effect=False)
    async def validate_order(self, params: Any, context: ActionContext) -> dict[str, Any]:
        """See that an order has items, or a total, that can be paid."""
        return _validated(params, context)

    @action("validatePayment", category=_CATEGORY, effect=False)
    async def validate_payment(self, params: Any, context: ActionContext) -> dict[str, Any]:
        """See that there is an amount to pay."""
        return _validated(params, context)

    @action("ChargePayment", category=_CATEGORY, fenced=True)
    async def charge(self, params: Any, context: ActionContext) -> dict[str, Any]:
        """Charge what an order comes to; a `_testAmount` above 500 is refused. Undone by RefundPayment."""
        return await self._charge(params, context)

    @action("chargeCard", category=_CATEGORY, fenced=True)
    async def charge_card(self, params: Any, context: ActionContext) -> dict[str, Any]:
        """Charge what an order comes to; a `_testAmount` above 500 is refused. Undone by RefundPayment."""
        return await self._charge(params, context)

    @action("RefundPayment", category=_CATEGORY, fenced=True, only_undoes=True)
    async def refund(self, _params: Any, context: ActionContext) -> dict[str, Any] | NotNeeded:
        """Undo ChargePayment."""
        return await self._records.back(context, refunded=True)

    @action("ReserveInventory", category=_CATEGORY, fenced=True)
    async def reserve(self, params: Any, context: ActionContext) -> dict[str, Any]:
        """Set an order's items aside; the sku OUT-OF-STOCK is. Undone by ReleaseInventory."""
        return await self._reserve(params, context)

    @action("reserveInventory", category=_CATEGORY, fenced=True)
    async def reserve_inventory(self, params: Any, context: ActionContext) -> dict[str, Any]:
        """Set an order's items aside; the sku OUT-OF-STOCK is. Undone by ReleaseInventory."""
        return await self._reserve(params, context)

    @action("ReleaseInventory", category=_CATEGORY, fenced=True, only_undoes=True)
    async def release(self, _params: Any, context: ActionContext) -> dict[str, Any] | NotNeeded:
        """Undo ReserveInventory."""
        return await self._records.back(context, released=True)

    @action("CreateShipment", category=_CATEGORY, fenced=True)
    async def ship(self, params: Any, context: ActionContext) -> dict[str, Any]:
        """Book a parcel. Undone by CancelShipment."""
        return await self._ship(params, context)

    @action("fulfillOrder", category=_CATEGORY, fenced=True)
    async def fulfill(self, params: Any, context: ActionContext) -> dict[str, Any]:
        """Book a parcel. Undone by CancelShipment."""
        return await self._ship(params, context)

    @action("CancelShipment", category=_CATEGORY, fenced=True, only_undoes=True)
    async def cancel_shipment(self, _params: Any, context: ActionContext) -> dict[str, Any] | NotNeeded:
        """Undo CreateShipment."""
        return await self._records.back(context, cancelled=True)

    @action("NotifyUser", category=_CATEGORY, fenced=True)
    async def notify(self, params: Any, context: ActionContext) -> dict[str, Any]:
        """Tell a customer about an order; nothing to undo."""
        return await self._records.once(context, {"notified": _of(params, "userId", "customerId", "email")})

    @action("sendConfirmation", category=_CATEGORY, fenced=True)
    async def confirm(self, params: Any, context: ActionContext) -> dict[str, Any]:
        """Tell a customer about an order; nothing to undo."""
        return await self._records.once(context, {"notified": _of(params, "userId", "customerId", "email")})

    @action("Complete", category=_CATEGORY, effect=False)
    async def complete(self, params: Any, context: ActionContext) -> dict[str, Any]:
        """Say that an order is done."""
        play_along(context)
        return {"orderId": _of(params, "orderId", "id"), "status": "completed"}

    async def _charge(self, params: Any, context: ActionContext) -> dict[str, Any]:
        order = _object(params)
        asked = total(order)
        test = order.get("_testAmount", context.data.get("_testAmount"))
        declined = None
        if test is not None:
            asked = amount(test, "_testAmount")
            declined = CardDeclined(f"the card does not pay more than {LIMIT}") if asked > LIMIT else None
        told = {
            "paymentId": f"pay-{context.key}",
            "amount": number(asked),
            "amountMinor": minor(asked),
            "currency": _of(order, "currency") or "USD",
        }
        return await self._records.once(context, told, refusal=declined)

    async def _reserve(self, params: Any, context: ActionContext) -> dict[str, Any]:
        items = _object(params).get("items") or []
        told = [
            {"sku": item.get("sku"), "quantity": item.get("quantity", 1)} for item in items if isinstance(item, Mapping)
        ]
        missing = any(item["sku"] == "OUT-OF-STOCK" for item in told)
        refusal = OutOfStock("there is nothing left of OUT-OF-STOCK") if missing else None
        return await self._records.once(
            context, {"reservationId": f"res-{context.key}", "items": told}, refusal=refusal
        )

    async def _ship(self, params: Any, context: ActionContext) -> dict[str, Any]:
        told = {"shipmentId": f"ship-{context.key}", "orderId": _of(params, "orderId", "id")}
        return await self._records.once(context, told)


def _validated(params: Any, context: ActionContext) -> dict[str, Any]:
    play_along(context)
    order = _object(params)
    sum_of_it = total(order)
    return {
        "valid": True,
        "orderId": _of(order, "orderId", "id"),
        "total": number(sum_of_it),
        "totalMinor": minor(sum_of_it),
        "currency": _of(order, "currency") or "USD",
    }


def _object(params: Any) -> Mapping[str, Any]:
    if not isinstance(params, Mapping):
        raise Refused("invalid_order", "an order is an object")
    order = params.get("order")
    return order if isinstance(order, Mapping) and "items" not in params else params


def _of(params: Any, *names: str) -> Any:
    return next((params[name] for name in names if isinstance(params, Mapping) and params.get(name) is not None), None)
