"""Giving money back in part, and how that goes together with the saga that may take the rest back."""

import asyncio

import pytest

from flowforge.errors import Conflict, IdempotencyKeyReused, NotFound
from flowforge.services.payments.contracts import Payment, RefundGiven, RefundPart, RefundRest
from tests.contract.worlds import World, authorise, charge, forward, undo


async def _refund(world: World, amount_minor: int, key: str = "k1", reason: str = "scratched") -> RefundGiven:
    payment = await _the_charge(world)
    return await world.payments.refund(
        RefundPart(charge_id=payment.charge_id, idempotency_key=key, amount_minor=amount_minor, reason=reason)
    )


async def _the_charge(world: World) -> Payment:
    [payment] = await world.payments.payments()
    return payment


async def _amounts(world: World) -> list[int]:
    return [refund.amount_minor for refund in await world.payments.refunds((await _the_charge(world)).charge_id)]


async def test_part_is_given_back_and_the_charge_stays(world: World) -> None:
    await charge(world)
    given = await _refund(world, 998)
    payment = await _the_charge(world)
    assert (payment.status, payment.phase, payment.refunded_minor, payment.left_minor) == (
        "charged",
        "captured",
        998,
        3000,
    )
    assert not given.replayed
    assert (given.refund.amount_minor, given.refund.currency, given.refund.reason) == (998, "USD", "scratched")
    assert await world.payments.refunds(payment.charge_id) == [given.refund]


async def test_all_parts_together_make_the_charge_refunded(world: World) -> None:
    await charge(world)
    for number, amount in enumerate((1000, 2000, 998)):
        await _refund(world, amount, f"k{number}")
    payment = await _the_charge(world)
    assert (payment.status, payment.phase, payment.left_minor) == ("refunded", "refunded", 0)
    assert await _amounts(world) == [998, 2000, 1000]


async def test_more_than_is_left_is_refused_and_writes_nothing(world: World) -> None:
    await charge(world)
    await _refund(world, 3000)
    with pytest.raises(Conflict, match=r"999 is more than can be refunded.* 998 are left"):
        await _refund(world, 999, "k2")
    assert (await _the_charge(world)).refunded_minor == 3000


async def test_money_that_was_not_captured_cannot_be_refunded(world: World) -> None:
    await authorise(world)
    with pytest.raises(Conflict, match="0 are left"):
        await _refund(world, 1)


async def test_same_key_again_gives_the_first_answer_though_nothing_is_left(world: World) -> None:
    await charge(world)
    first = await _refund(world, 3998)
    again = await _refund(world, 3998)
    assert again == RefundGiven(refund=first.refund, replayed=True)
    assert await _amounts(world) == [3998]


@pytest.mark.parametrize(("amount", "reason"), [(2, "scratched"), (1, "late")])
async def test_same_key_for_something_else_is_refused(world: World, amount: int, reason: str) -> None:
    await charge(world)
    await _refund(world, 1)
    with pytest.raises(IdempotencyKeyReused):
        await _refund(world, amount, reason=reason)
    assert await _amounts(world) == [1]


async def test_key_of_one_charge_is_free_for_another(world: World) -> None:
    charges = [await charge(world, f"ord_{number}") for number in (1, 2)]
    for each in charges:
        answer = await world.payments.refund(
            RefundPart(charge_id=each.charge_id, idempotency_key="k", amount_minor=5, reason="r")
        )
        assert not answer.replayed


async def test_unknown_charge_is_not_found(world: World) -> None:
    with pytest.raises(NotFound, match="there is no charge ch_none"):
        await world.payments.refund(
            RefundPart(charge_id="ch_none", idempotency_key="k", amount_minor=1, reason="scratched")
        )
    assert await world.payments.refunds("ch_none") == []


async def test_racing_refunds_never_give_back_more_than_was_captured(world: World) -> None:
    await charge(world)
    answers = await asyncio.gather(
        *(_refund(world, 1000, f"k{number}") for number in range(20)), return_exceptions=True
    )
    assert sum(isinstance(answer, RefundGiven) for answer in answers) == 3
    assert sum(isinstance(answer, Conflict) for answer in answers) == 17
    assert await _amounts(world) == [1000, 1000, 1000]


async def test_thirty_racers_with_one_key_are_given_one_refund(world: World) -> None:
    await charge(world)
    answers = await asyncio.gather(*(_refund(world, 1000) for _ in range(30)))
    assert sum(not answer.replayed for answer in answers) == 1
    assert len({answer.refund.refund_id for answer in answers}) == 1
    assert await _amounts(world) == [1000]


async def test_undo_of_the_charge_refunds_what_refunds_had_left(world: World) -> None:
    await charge(world)
    await _refund(world, 998)
    await world.payments.refund_by_key(undo("charge"))
    payment = await _the_charge(world)
    assert (payment.status, payment.refunded_minor) == ("refunded", 3998)
    assert await _amounts(world) == [3000, 998]
    with pytest.raises(Conflict):
        await _refund(world, 1, "k2")


async def test_undo_of_a_charge_that_was_refunded_has_nothing_left_to_give(world: World) -> None:
    await charge(world)
    await _refund(world, 3998)
    assert (await world.payments.refund_by_key(undo("charge"))).status == "undone"
    assert await _amounts(world) == [3998]


async def test_client_may_use_the_key_that_the_saga_would(world: World) -> None:
    await charge(world)
    await _refund(world, 1, "ord_1:payments.charge:0")
    await world.payments.refund_by_key(undo("charge"))
    assert (await _the_charge(world)).left_minor == 0


async def test_rest_is_refunded_once_however_often_it_is_asked_for(world: World) -> None:
    taken = await charge(world)
    await _refund(world, 998)
    first = await world.payments.refund_rest(RefundRest(call=forward("refund"), charge_id=taken.charge_id))
    again = await world.payments.refund_rest(RefundRest(call=forward("refund", attempt=2), charge_id=taken.charge_id))
    assert first == again
    assert (first.refunded_minor, first.currency) == (3000, "USD")
    assert await _amounts(world) == [3000, 998]
    assert (await _the_charge(world)).phase == "refunded"
