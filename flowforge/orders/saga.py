"""The fulfilment saga, one line a step. Unwinding runs every undo in this table, the last one first."""

from typing import Final

from flowforge.durable.fence import StepCall
from flowforge.durable.table import Step, Undo
from flowforge.orders.contracts import Order, OrderState
from flowforge.services.inventory.activities import InventoryActivities as Inventory
from flowforge.services.inventory.contracts import QuoteOrder, ReserveInventory
from flowforge.services.lines import described
from flowforge.services.notices.activities import NoticeActivities as Notices
from flowforge.services.notices.contracts import SendNotice
from flowforge.services.payments.activities import PaymentActivities as Payments
from flowforge.services.payments.contracts import CapturePayment, ChargePayment
from flowforge.services.shipping.activities import ShippingActivities as Shipping
from flowforge.services.shipping.contracts import CreateShipment
from flowforge.services.warehouse.activities import WarehouseActivities as Warehouse
from flowforge.services.warehouse.contracts import ApplyToWarehouse


def _captures_later(order: Order) -> bool:
    return order.options.payment_capture == "after_warehouse"


def _ships(order: Order) -> bool:
    return order.ship


def _quote(call: StepCall, order: Order, _state: OrderState) -> QuoteOrder:
    return QuoteOrder(call=call, lines=order.items)


def _reserve(call: StepCall, order: Order, _state: OrderState) -> ReserveInventory:
    return ReserveInventory(call=call, lines=order.items)


def _charge(call: StepCall, order: Order, state: OrderState) -> ChargePayment:
    """Charge what was quoted, not what the price may be by now."""
    if state.amount_minor is None or state.currency is None:
        raise ValueError("an order is quoted before it is charged")
    return ChargePayment(
        call=call,
        order_id=order.order_id,
        amount_minor=state.amount_minor,
        currency=state.currency,
        payment_method=order.payment_method,
        capture=not _captures_later(order),
    )


def _apply(call: StepCall, order: Order, _state: OrderState) -> ApplyToWarehouse:
    return ApplyToWarehouse(call=call, order_id=order.order_id, lines=order.items)


def _capture(call: StepCall, _order: Order, state: OrderState) -> CapturePayment:
    if state.charge_id is None:
        raise ValueError("an order is charged before its money is taken")
    return CapturePayment(call=call, charge_id=state.charge_id)


def _book(call: StepCall, order: Order, _state: OrderState) -> CreateShipment:
    return CreateShipment(call=call, order_id=order.order_id)


def _tell(call: StepCall, order: Order, state: OrderState) -> SendNotice:
    message = f"Your order of {described(order.items)} is booked with the carrier as {state.shipment_id}."
    return SendNotice(call=call, order_id=order.order_id, customer_id=order.customer_id, message=message)


REFUND: Final = "refund_payment_by_idempotency_key"

# Each undo beside what records that an operator gave it up.
_RELEASE: Final = Undo("release_inventory", Inventory.release, Inventory.write_off_release)
_REFUND: Final = Undo(REFUND, Payments.refund_by_key, Payments.write_off_refund)
_REVERT: Final = Undo("revert_warehouse", Warehouse.revert, Warehouse.write_off_revert)
_REFUND_CAPTURE: Final = Undo("refund_capture", Payments.refund_capture, Payments.write_off_capture)
_CANCEL: Final = Undo("cancel_shipment", Shipping.cancel, Shipping.write_off_cancel)

# fmt: off
STEPS: Final = (
    Step("check_inventory",   Inventory.quote,   _quote),  # no effect: nothing to undo
    Step("reserve_inventory", Inventory.reserve, _reserve, _RELEASE),
    Step("process_payment",   Payments.charge,   _charge,  _REFUND),
    Step("update_warehouse",  Warehouse.apply,   _apply,   _REVERT),
    Step("capture_payment",   Payments.capture,  _capture, _REFUND_CAPTURE, when=_captures_later),
    Step("create_shipment",   Shipping.create,   _book,    _CANCEL, when=_ships),
    Step("notify_customer",   Notices.send,      _tell,    when=_ships, attempts=8),  # whatever becomes of it
)
# fmt: on
"""Every step that an order may take, in their order; `steps_for` tells which of them it takes."""

PLAIN: Final = tuple(step for step in STEPS if step.when is None)
"""The steps that every order takes."""


def steps_for(order: Order) -> tuple[Step, ...]:
    """Return the table of one order."""
    return tuple(step for step in STEPS if step.when is None or step.when(order))
