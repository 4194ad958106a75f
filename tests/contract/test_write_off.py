"""What every adapter promises of an undo that an operator gives up: it is counted, once, and never done after all."""

import pytest

from flowforge.durable.fence import Undone, WriteOffStep, WrittenOff
from flowforge.errors import DatabaseUnavailable, EffectFenced
from flowforge.services.payments.contracts import RefundPart
from tests.contract.worlds import World, authorise, capture, charge, reservation, shipping, undo


def given_up(step: str, attempt: int = 1) -> WriteOffStep:
    return WriteOffStep(call=undo(step, attempt=attempt).call, by="ann", reason="it broke")


WRITTEN_OFF = WrittenOff(status="written_off")


async def test_refund_is_given_up_the_money_is_counted_and_stays(world: World) -> None:
    await charge(world)
    assert await world.payments.write_off_refund(given_up("charge")) == WRITTEN_OFF
    [payment] = await world.payments.payments()
    assert (payment.status, payment.written_off_minor, payment.left_minor) == ("charged", 3998, 0)
    assert world.journal.story == [("payments.charge", "applied"), ("payments.charge", "written_off")]
    assert world.journal.entries[-1].outcome == {"by": "ann", "reason": "it broke"}


async def test_refund_of_what_was_not_captured_is_given_up_nothing_is_lost(world: World) -> None:
    await authorise(world)
    assert await world.payments.write_off_refund(given_up("charge")) == WRITTEN_OFF
    [payment] = await world.payments.payments()
    assert (payment.phase, payment.written_off_minor) == ("authorised", 0)


@pytest.mark.parametrize("given_up_first", ["charge", "capture"])
@pytest.mark.parametrize("then", ["give_up", "undo"])
@pytest.mark.parametrize("refunded_minor", [0, 500])
async def test_one_refund_of_a_capture_is_given_up_the_loss_looks_the_same_whatever_becomes_of_the_other(
    world: World, given_up_first: str, then: str, refunded_minor: int
) -> None:
    authorised = await authorise(world)
    await capture(world)
    if refunded_minor:
        await world.payments.refund(
            RefundPart(
                charge_id=authorised.charge_id, idempotency_key="k", amount_minor=refunded_minor, reason="scratched"
            )
        )
    give_up = {"charge": world.payments.write_off_refund, "capture": world.payments.write_off_capture}
    take_back = {"charge": world.payments.refund_by_key, "capture": world.payments.refund_capture}
    other = "charge" if given_up_first == "capture" else "capture"
    await give_up[given_up_first](given_up(given_up_first))
    if then == "give_up":
        await give_up[other](given_up(other))
    else:
        await take_back[other](undo(other))
    [payment] = await world.payments.payments()
    assert (payment.status, payment.phase) == ("charged", "captured")
    assert (payment.refunded_minor, payment.written_off_minor) == (refunded_minor, 3998 - refunded_minor)
    assert len(await world.payments.refunds(payment.charge_id)) == (refunded_minor > 0)


async def test_release_is_given_up_the_units_are_counted_out(world: World) -> None:
    await world.inventory.reserve(reservation())
    assert await world.inventory.write_off_release(given_up("reserve")) == WRITTEN_OFF
    assert await world.stock() == (8, 8, 0, 0)


async def test_revert_is_given_up_the_units_stay_shipped(world: World) -> None:
    await world.inventory.reserve(reservation())
    await world.warehouse.apply(shipping())
    assert await world.warehouse.write_off_revert(given_up("ship")) == WRITTEN_OFF
    await world.inventory.release(undo("reserve"))
    assert await world.stock() == (8, 8, 0, 2)
    [record] = await world.warehouse.records()
    assert record.status == "written_off"


async def test_revert_and_release_are_given_up_the_units_are_lost_once(world: World) -> None:
    await world.inventory.reserve(reservation())
    await world.warehouse.apply(shipping())
    await world.inventory.write_off_release(given_up("reserve"))
    await world.warehouse.write_off_revert(given_up("ship"))
    assert await world.stock() == (8, 8, 0, 2)


async def test_release_is_given_up_and_the_shipment_comes_back_all_the_same(world: World) -> None:
    await world.inventory.reserve(reservation())
    await world.warehouse.apply(shipping())
    await world.inventory.write_off_release(given_up("reserve"))
    await world.warehouse.revert(undo("ship"))
    assert await world.stock() == (10, 10, 0, 0)


async def test_given_up_twice_is_counted_once(world: World) -> None:
    await world.inventory.reserve(reservation())
    await world.inventory.write_off_release(given_up("reserve"))
    assert (await world.inventory.write_off_release(given_up("reserve", attempt=2))).status == "written_off"
    assert await world.stock() == (8, 8, 0, 0)
    assert [entry.state for entry in world.journal.again] == ["written_off"]


async def test_undo_comes_late_after_it_was_given_up_it_does_nothing_and_says_so(world: World) -> None:
    """A worker froze in the undo, and wakes when all is decided; or another run unwinds the order anew."""
    await charge(world)
    await world.payments.write_off_refund(given_up("charge"))
    answer = await world.payments.refund_by_key(undo("charge", attempt=2))
    assert answer == Undone(status="written_off", attempts=2, written_off="ann: it broke")
    [payment] = await world.payments.payments()
    assert (payment.refunded_minor, payment.written_off_minor) == (0, 3998)
    assert world.journal.story == [("payments.charge", "applied"), ("payments.charge", "written_off")]
    assert [entry.state for entry in world.journal.again] == ["written_off"]
    assert (await world.payments.write_off_refund(given_up("charge", attempt=3))).status == "written_off"


async def test_undone_before_it_was_given_up_nothing_is_lost(world: World) -> None:
    await charge(world)
    await world.payments.refund_by_key(undo("charge"))
    assert (await world.payments.write_off_refund(given_up("charge"))).status == "undone"
    [payment] = await world.payments.payments()
    assert (payment.refunded_minor, payment.written_off_minor) == (3998, 0)


async def test_given_up_where_nothing_was_done_a_late_effect_is_fenced(world: World) -> None:
    assert (await world.payments.write_off_refund(given_up("charge"))).status == "not_needed"
    with pytest.raises(EffectFenced):
        await charge(world)
    assert (await world.payments.write_off_refund(given_up("charge", attempt=2))).status == "not_needed"
    assert world.journal.story[0] == ("payments.charge", "not_needed")


async def test_journal_that_fails_takes_the_write_off_back(world: World) -> None:
    await world.inventory.reserve(reservation())
    world.journal.broken_by = DatabaseUnavailable("away")
    with pytest.raises(DatabaseUnavailable):
        await world.inventory.write_off_release(given_up("reserve"))
    world.journal.broken_by = None
    assert await world.stock() == (10, 8, 2, 0)
    await world.inventory.release(undo("reserve"))
    assert await world.stock() == (10, 10, 0, 0)
