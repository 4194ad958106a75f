"""What every shipping service does with parcels, and what a carrier may say of them."""

from typing import get_args

import pytest

from flowforge.errors import Conflict, DatabaseUnavailable, NotFound, ParcelHasLeft
from flowforge.services.shipping.contracts import CarrierStatus, MoveShipment, Shipment, TakeShipmentBack
from tests.contract.worlds import World, book, forward, undo

_WAY: tuple[CarrierStatus, ...] = get_args(CarrierStatus)


async def _parcel(world: World) -> Shipment:
    [shipment] = await world.shipping.shipments()
    return shipment


async def _move(world: World, to: CarrierStatus) -> Shipment:
    return await world.shipping.move(MoveShipment(shipment_id=(await _parcel(world)).shipment_id, status=to))


async def test_booked_parcel_is_there_and_may_be_called_back(world: World) -> None:
    booked = await book(world)
    parcel = await world.shipping.shipment(booked.shipment_id)
    assert parcel is not None
    assert (parcel.order_id, parcel.status, parcel.created_at) == ("ord_1", "booked", parcel.updated_at)
    assert booked.shipment_id.startswith("sh_")
    assert world.journal.beyond == []


async def test_carrier_follows_it_all_the_way(world: World) -> None:
    await book(world)
    for status in _WAY:
        assert (await _move(world, status)).status == status
    assert (await _parcel(world)).status == "returned"


@pytest.mark.parametrize("to", _WAY)
async def test_the_same_again_changes_nothing(world: World, to: CarrierStatus) -> None:
    await book(world)
    first = await _move(world, to)
    told = len(world.journal.beyond)
    assert await _move(world, to) == first
    assert len(world.journal.beyond) == told


@pytest.mark.parametrize("to", _WAY[1:])
async def test_saga_is_told_that_its_parcel_has_left_though_steps_were_skipped(world: World, to: CarrierStatus) -> None:
    await book(world)
    await _move(world, to)
    assert world.journal.beyond == ["ord_1"]


@pytest.mark.parametrize(("here", "back"), [(a, b) for a in _WAY for b in _WAY if _WAY.index(b) < _WAY.index(a)])
async def test_parcel_goes_no_way_back(world: World, here: CarrierStatus, back: CarrierStatus) -> None:
    await book(world)
    await _move(world, here)
    with pytest.raises(Conflict, match=f"is {here} already, and cannot be {back} any more"):
        await _move(world, back)
    assert (await _parcel(world)).status == here


async def test_cancelled_parcel_must_not_leave(world: World) -> None:
    await book(world)
    await world.shipping.cancel(undo("parcel"))
    with pytest.raises(Conflict, match="was cancelled; it must not leave"):
        await _move(world, "dispatched")
    assert (await _parcel(world)).status == "cancelled"
    assert world.journal.beyond == []


@pytest.mark.parametrize("away", _WAY[1:])
async def test_parcel_that_has_left_cannot_be_called_back(world: World, away: CarrierStatus) -> None:
    await book(world)
    await _move(world, away)
    with pytest.raises(ParcelHasLeft, match=f"is {away}"):
        await world.shipping.cancel(undo("parcel"))
    assert (await _parcel(world)).status == away


async def test_parcel_does_not_leave_when_its_saga_is_being_unwound(world: World) -> None:
    await book(world)
    for reason in (Conflict("being unwound"), DatabaseUnavailable("away")):
        world.journal.broken_by = reason
        with pytest.raises(type(reason)):
            await _move(world, "dispatched")
        assert (await _parcel(world)).status == "booked"


@pytest.mark.parametrize(
    ("here", "then"),
    [
        ("booked", "cancelled"),
        ("dispatched", "returned"),
        ("delivered", "returned"),
        ("returned", "returned"),
    ],
)
async def test_parcel_of_a_returned_order_is_here_again(world: World, here: CarrierStatus, then: str) -> None:
    booked = await book(world)
    await _move(world, here)
    for attempt in (1, 2):
        answer = await world.shipping.take_back(TakeShipmentBack(call=forward("back", attempt=attempt)))
        assert (answer.shipment_id, answer.status) == (booked.shipment_id, then)
    assert (await _parcel(world)).status == then


async def test_unknown_shipment_is_not_found(world: World) -> None:
    assert await world.shipping.shipment("sh_none") is None
    with pytest.raises(NotFound, match="there is no shipment sh_none"):
        await world.shipping.move(MoveShipment(shipment_id="sh_none", status="dispatched"))


async def test_shipments_are_listed_newest_first_by_page_and_by_order(world: World) -> None:
    ids = [(await book(world, saga_id=f"ord_{number}")).shipment_id for number in range(4)]
    assert [shipment.shipment_id for shipment in await world.shipping.shipments(limit=2)] == [ids[3], ids[2]]
    older = await world.shipping.shipments(limit=2, before=ids[2])
    assert [shipment.shipment_id for shipment in older] == [ids[1], ids[0]]
    assert [shipment.shipment_id for shipment in await world.shipping.shipments(order_id="ord_1")] == [ids[1]]
