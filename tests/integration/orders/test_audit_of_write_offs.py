"""What an operator gave up is no finding, and excuses no other loss; here are orders that took every step there is."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from sqlalchemy import Connection

from flowforge.durable.fence import UndoStep, WriteOffStep
from flowforge.orders.audit import audit
from flowforge.orders.saga import STEPS
from flowforge.services.payments.contracts import CapturePayment, Charge, ChargePayment
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


async def _charged(shop: Shop) -> tuple[PlacedOrder, Charge]:
    """An order whose payment was authorised, and not taken yet."""
    placed = await shop.order(ship=True).do_all("reserve_inventory")
    charge = await shop.services.payments.charge(
        ChargePayment(
            call=placed.call("process_payment"),
            order_id=placed.order.order_id,
            amount_minor=3998,
            currency="USD",
            payment_method="tok_visa",
            capture=False,
        )
    )
    return placed, charge


async def _shipped(shop: Shop) -> PlacedOrder:
    """An order that took every step whose effect is undone."""
    placed, charge = await _charged(shop)
    await placed.do("update_warehouse")
    await shop.services.payments.capture(
        CapturePayment(call=placed.call("capture_payment"), charge_id=charge.charge_id)
    )
    await shop.services.shipping.create(
        CreateShipment(call=placed.call("create_shipment"), order_id=placed.order.order_id)
    )
    return placed


async def _unwind(shop: Shop, placed: PlacedOrder, *, given_up: Sequence[str], retried: Sequence[str] = ()) -> None:
    """Unwind an order: all other undos are done, then these given up, then those that were stuck, too, tried again."""
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


async def _violations(shop: Shop) -> list[str]:
    return [finding.check.name for finding in await shop.database.read(audit) if finding.is_violation]


@pytest.mark.parametrize("given_up", [*([name] for name in STEP_OF), list(STEP_OF)], ids=" ".join)
async def test_undo_was_given_up_by_an_operator_audit_is_content(shop: Shop, given_up: list[str]) -> None:
    await _unwind(shop, await _shipped(shop), given_up=given_up)
    assert await _violations(shop) == []


async def test_void_was_given_up_by_an_operator_audit_is_content(shop: Shop) -> None:
    placed, _ = await _charged(shop)
    await _unwind(shop, placed, given_up=[REFUND])
    [payment] = await shop.services.payments.payments()
    assert (payment.status, payment.phase) == ("charged", "authorised")
    assert await _violations(shop) == []


@pytest.mark.parametrize("first", [REFUND, REFUND_CAPTURE])
async def test_one_refund_was_given_up_and_the_other_tried_again_audit_is_content(shop: Shop, first: str) -> None:
    await _unwind(
        shop, await _shipped(shop), given_up=[first], retried=[REFUND if first == REFUND_CAPTURE else REFUND_CAPTURE]
    )
    [payment] = await shop.services.payments.payments()
    assert (payment.status, payment.phase, payment.written_off_minor) == ("charged", "captured", 3998)
    assert await _violations(shop) == []


LOSSES: Sequence[tuple[str, Sequence[str], set[str]]] = (
    (
        "what is written off was given up",
        ["update charges set refunded_minor = 0, written_off_minor = 3998", "delete from refunds"],
        {REFUND, REFUND_CAPTURE},
    ),
    ("what is written off was given up", ["update reservations set state = 'written_off'"], {"release_inventory"}),
    ("what is written off was given up", ["update warehouse_records set status = 'written_off'"], {"revert_warehouse"}),
    (
        "an order that ended otherwise has got back",
        [
            "update charges set phase = 'authorised', captured_minor = 0, refunded_minor = 0, written_off_minor = 0",
            "delete from refunds",
        ],
        {REFUND},
    ),
    ("an order that ended otherwise sends", ["update shipments set status = 'booked'"], {"cancel_shipment"}),
)
"""Where the loss is found, what brings it about, and the undos that would excuse it: all others were given up."""


@pytest.mark.parametrize(("name", "statements", "excused_by"), LOSSES)
async def test_undo_that_nobody_gave_up_is_not_excused_by_all_others_that_were(
    shop: Shop, name: str, statements: Sequence[str], excused_by: set[str]
) -> None:
    await _unwind(shop, await _shipped(shop), given_up=[undo for undo in STEP_OF if undo not in excused_by])

    def plant(connection: Connection) -> None:
        for statement in statements:
            connection.exec_driver_sql(statement)

    await shop.database.write(plant)
    [finding] = [each for each in await shop.database.read(audit) if each.check.name.startswith(name)]
    assert (finding.examples, finding.is_violation) == (("ord_1",), True)
