"""Payment in two phases: authorised first, taken later, and undone in whichever of them it is."""

import pytest

from flowforge.errors import CardDeclined, EffectFenced, UnknownCharge
from flowforge.services.payments.contracts import CapturePayment, Payment
from tests.contract.worlds import World, authorise, capture, charging, forward, undo


async def _the_charge(world: World) -> Payment:
    [payment] = await world.payments.payments()
    return payment


async def test_authorised_money_is_not_taken_yet(world: World) -> None:
    await authorise(world)
    payment = await _the_charge(world)
    assert (payment.status, payment.phase) == ("charged", "authorised")
    assert (payment.amount_minor, payment.captured_minor, payment.left_minor) == (3998, 0, 0)


async def test_capture_takes_all_that_was_authorised(world: World) -> None:
    await authorise(world)
    answer = await capture(world)
    payment = await _the_charge(world)
    assert (answer.charge_id, answer.captured_minor) == (payment.charge_id, 3998)
    assert (payment.status, payment.phase, payment.captured_minor) == ("charged", "captured", 3998)


async def test_card_is_declined_when_it_is_authorised(world: World) -> None:
    with pytest.raises(CardDeclined):
        await world.payments.charge(charging("tok_chargeDeclined", capture=False))


async def test_undo_before_the_capture_voids_and_no_capture_comes_after(world: World) -> None:
    await authorise(world)
    await world.payments.refund_by_key(undo("charge"))
    payment = await _the_charge(world)
    assert (payment.status, payment.phase, payment.captured_minor) == ("refunded", "voided", 0)
    assert await world.payments.refunds(payment.charge_id) == []
    assert world.journal.entries[-1].reversed == {"refunded_minor": 0, "voided_minor": 3998, "currency": "USD"}
    with pytest.raises(EffectFenced, match="voided: there is nothing to capture"):
        await capture(world)
    assert (await _the_charge(world)) == payment


async def test_capture_is_for_authorised_money_only(world: World) -> None:
    charge = await world.payments.charge(charging())
    request = CapturePayment(call=forward("capture"), charge_id=charge.charge_id)
    with pytest.raises(EffectFenced, match="captured: there is nothing to capture"):
        await world.payments.capture(request)


async def test_capture_of_a_charge_that_nobody_knows_is_refused_for_good(world: World) -> None:
    for _delivery in (1, 2):
        with pytest.raises(UnknownCharge, match="ch_nobody"):
            await world.payments.capture(CapturePayment(call=forward("capture"), charge_id="ch_nobody"))
    assert (await world.payments.refund_capture(undo("capture"))).status == "not_needed"


@pytest.mark.parametrize("order", [("capture", "charge"), ("charge", "capture")], ids=["in order", "the other way"])
async def test_both_undos_in_any_order_refund_once(world: World, order: tuple[str, str]) -> None:
    await authorise(world)
    await capture(world)
    for step in order:
        take_back = world.payments.refund_capture if step == "capture" else world.payments.refund_by_key
        await take_back(undo(step))
    payment = await _the_charge(world)
    assert (payment.status, payment.phase, payment.refunded_minor) == ("refunded", "refunded", 3998)
    assert [refund.amount_minor for refund in await world.payments.refunds(payment.charge_id)] == [3998]
    told = [entry.reversed for entry in world.journal.entries[2:]]
    assert told == [{"refunded_minor": minor, "voided_minor": 0, "currency": "USD"} for minor in (3998, 0)]
