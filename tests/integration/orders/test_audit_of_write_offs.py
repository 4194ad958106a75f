"""What an operator gave up is no finding, and excuses no other loss; here are orders that took every step there is."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from flowforge.durable.fence import UndoStep, WriteOffStep
from flowforge.orders.audit import audit
from flowforge.orders.saga import STEPS
from flowforge.services.payments.contracts import CapturePayment, ChargePayment
from flowforge.services.shipping.contracts import CreateShipment
from flowforge.services.wiring import Services
from tests.integration.orders.shop import PlacedOrder, Shop

REFUND, REFUND_CAPTURE = "refund_payment_by_idempotency_key", "refund_capture"
STEP_OF = {step.undo.name: step.name for step in reversed(STEPS) if step.undo is not None}
"""Every undo, in the order in which they run, and the step that it undoes."""


def _undo(services: Services, name: str) -> Callable[[UndoStep], Awaitable[Any]]:
    return {
        "cancel_shipment": services.shipping.cancel,
        REFUND_CAPTURE: services.payments.refund_capture,
        "revert_warehouse": services.warehouse.revert,
        REFUND: services.payments.refund_by_key,
        "release_inventory": services.inventory.release,
    }[name]


def _write_off(services: Services, name: str) -> Callable[[WriteOffStep], Awaitable[Any]]:
    return {
        "cancel_shipment": services.shipping.write_off_cancel,
        REFUND_CAPTURE: services.payments.write_off_capture,
        "revert_warehouse": services.warehouse.write_off_revert,
        REFUND: services.payments.write_off_refund,
        "release_inventory": services.inventory.write_off_release,
    }[name]


async def _shipped(shop: Shop) -> PlacedOrder:
    """An order that took every step, and was charged before its money was taken."""
    placed, services = shop.order(ship=True), shop.services
    await placed.do_all("reserve_inventory")
    charge = await services.payments.charge(
        ChargePayment(
            call=placed.call("process_payment"),
            order_id=placed.order.order_id,
            amount_minor=3998,
            currency="USD",
            payment_method="tok_visa",
            capture=False,
        )
    )
    await placed.do("update_warehouse")
    await services.payments.capture(CapturePayment(call=placed.call("capture_payment"), charge_id=charge.charge_id))
    await services.shipping.create(CreateShipment(call=placed.call("create_shipment"), order_id=placed.order.order_id))
    return placed


async def _unwound(shop: Shop, *, given_up: Sequence[str], retried: Sequence[str] = ()) -> PlacedOrder:
    """Unwind an order: all other undos are done, then these given up, then those that were stuck, too, tried again."""
    placed = await _shipped(shop)
    await placed.fail("create_shipment")
    others = [name for name in STEP_OF if name not in {*given_up, *retried}]
    for name in others:
        await _undo(shop.services, name)(UndoStep(call=placed.call(STEP_OF[name], undo=name)))
    for name in given_up:
        call = placed.call(STEP_OF[name], undo=name)
        await _write_off(shop.services, name)(WriteOffStep(call=call, by="ann", reason="it broke"))
    for name in retried:
        await _undo(shop.services, name)(UndoStep(call=placed.call(STEP_OF[name], attempt=2, undo=name)))
    assert (await placed.close("failed")).status == "failed"
    return placed


async def _violations(shop: Shop) -> list[str]:
    return [finding.check.name for finding in await shop.database.read(audit) if finding.is_violation]


@pytest.mark.parametrize("given_up", [*([name] for name in STEP_OF), list(STEP_OF)], ids=" ".join)
async def test_undo_was_given_up_by_an_operator_audit_is_content(shop: Shop, given_up: list[str]) -> None:
    await _unwound(shop, given_up=given_up)
    assert await _violations(shop) == []


@pytest.mark.parametrize("first", [REFUND, REFUND_CAPTURE])
async def test_one_refund_was_given_up_and_the_other_tried_again_audit_is_content(shop: Shop, first: str) -> None:
    await _unwound(shop, given_up=[first], retried=[REFUND if first == REFUND_CAPTURE else REFUND_CAPTURE])
    [payment] = await shop.services.payments.payments()
    assert (payment.status, payment.phase, payment.written_off_minor) == ("charged", "captured", 3998)
    assert await _violations(shop) == []
