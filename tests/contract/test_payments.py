"""What every payment service does."""

from datetime import UTC, datetime

import pytest

from flowforge.errors import CardDeclined, InsufficientFunds, PaymentNetworkError, Refusal, UnknownPaymentMethod
from tests.contract.worlds import World, charge, charging, undo


@pytest.mark.parametrize("method", ["tok_visa", "tok_mastercard"])
async def test_charge_takes_the_money_under_its_key(world: World, method: str) -> None:
    before = datetime.now(UTC)
    taken = await world.payments.charge(charging(method))
    payment = await world.payments.payment(taken.charge_id)
    assert payment is not None
    assert (payment.order_id, payment.amount_minor, payment.currency) == ("ord_1", 3998, "USD")
    assert (payment.payment_method, payment.status, payment.phase) == (method, "charged", "captured")
    assert (payment.captured_minor, payment.refunded_minor) == (3998, 0)
    assert payment.idempotency_key == "ord_1:payments.charge:0"
    assert before <= payment.created_at <= datetime.now(UTC)
    assert taken.charge_id.startswith("ch_")


@pytest.mark.parametrize(
    ("method", "refusal"),
    [
        ("tok_chargeDeclined", CardDeclined),
        ("tok_insufficientFunds", InsufficientFunds),
        ("tok_nonsense", UnknownPaymentMethod),
    ],
)
async def test_charge_the_provider_refuses_leaves_no_charge(world: World, method: str, refusal: type[Refusal]) -> None:
    for attempt in (1, 2):
        with pytest.raises(refusal):
            await world.payments.charge(charging(method, attempt=attempt))
    assert await world.payments.payments() == []
    assert world.journal.story == [("payments.charge", "refused")]


async def test_network_error_twice_then_charges_once(world: World) -> None:
    for attempt in (1, 2):
        with pytest.raises(PaymentNetworkError):
            await world.payments.charge(charging("tok_networkError", attempt=attempt))
        assert await world.payments.payments() == []
    await world.payments.charge(charging("tok_networkError", attempt=3))
    assert len(await world.payments.payments()) == 1
    assert world.journal.story == [("payments.charge", "applied")]


async def test_refund_marks_the_charge(world: World) -> None:
    taken = await charge(world)
    await world.payments.refund_by_key(undo("charge"))
    payment = await world.payments.payment(taken.charge_id)
    assert payment is not None
    assert (payment.status, payment.phase, payment.refunded_minor) == ("refunded", "refunded", 3998)


async def test_unknown_charge_is_none(world: World) -> None:
    assert await world.payments.payment("ch_none") is None


async def test_payments_are_listed_newest_first_by_page_and_by_order(world: World) -> None:
    ids = [(await charge(world, f"ord_{number}")).charge_id for number in range(5)]
    assert [payment.charge_id for payment in await world.payments.payments(limit=2)] == [ids[4], ids[3]]
    older = await world.payments.payments(limit=2, before=ids[3])
    assert [payment.charge_id for payment in older] == [ids[2], ids[1]]
    assert [payment.charge_id for payment in await world.payments.payments(order_id="ord_2")] == [ids[2]]
