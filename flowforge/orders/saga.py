"""The fulfilment saga, one line a step. Unwinding runs every undo in this table, the last one first."""

from typing import Final

from flowforge.durable.fence import StepCall
from flowforge.durable.table import Step, Undo
from flowforge.orders.contracts import Order, OrderState
from flowforge.services.inventory.activities import InventoryActivities as Inventory
from flowforge.services.inventory.contracts import QuoteOrder, ReserveInventory
from flowforge.services.lines import Line
from flowforge.services.payments.activities import PaymentActivities as Payments
from flowforge.services.payments.contracts import ChargePayment
from flowforge.services.warehouse.activities import WarehouseActivities as Warehouse
from flowforge.services.warehouse.contracts import ApplyToWarehouse


def _lines(order: Order) -> tuple[Line, ...]:
    return (Line(product_id=order.product_id, quantity=order.quantity),)


def _quote(call: StepCall, order: Order, _state: OrderState) -> QuoteOrder:
    return QuoteOrder(call=call, lines=_lines(order))


def _reserve(call: StepCall, order: Order, _state: OrderState) -> ReserveInventory:
    return ReserveInventory(call=call, lines=_lines(order))


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
    )


def _ship(call: StepCall, order: Order, _state: OrderState) -> ApplyToWarehouse:
    return ApplyToWarehouse(call=call, order_id=order.order_id, lines=_lines(order))


REFUND: Final = "refund_payment_by_idempotency_key"

# Each undo beside what records that an operator gave it up.
_RELEASE: Final = Undo("release_inventory", Inventory.release, Inventory.write_off_release)
_REFUND: Final = Undo(REFUND, Payments.refund_by_key, Payments.write_off_refund)
_REVERT: Final = Undo("revert_warehouse", Warehouse.revert, Warehouse.write_off_revert)

# fmt: off
STEPS: Final = (
    Step("check_inventory",   Inventory.quote,   _quote),  # no effect: nothing to undo
    Step("reserve_inventory", Inventory.reserve, _reserve, _RELEASE),
    Step("process_payment",   Payments.charge,   _charge,  _REFUND),
    Step("update_warehouse",  Warehouse.apply,   _ship,    _REVERT),
)
# fmt: on
