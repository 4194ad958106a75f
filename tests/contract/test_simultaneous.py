"""Deliveries that come at the same time: to any observer they came one after the other."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from flowforge.errors import EffectFenced, OutOfStock
from tests.contract.worlds import World, charging, reservation, shipping, undo

Deliver = Callable[[World], Awaitable[Any]]


async def _ready_to_ship(world: World) -> None:
    await world.inventory.reserve(reservation())


async def _nothing(world: World) -> None:
    """Need nothing."""


DELIVERIES: dict[str, tuple[Callable[[World], Awaitable[None]], Deliver]] = {
    "inventory.reserve": (_nothing, lambda world: world.inventory.reserve(reservation())),
    "payments.charge": (_nothing, lambda world: world.payments.charge(charging())),
    "warehouse.apply": (_ready_to_ship, lambda world: world.warehouse.apply(shipping())),
}
UNDOS: dict[str, Deliver] = {
    "inventory.reserve": lambda world: world.inventory.release(undo("reserve")),
    "payments.charge": lambda world: world.payments.refund_by_key(undo("charge")),
    "warehouse.apply": lambda world: world.warehouse.revert(undo("ship")),
}


@pytest.fixture(params=sorted(DELIVERIES))
async def operation(request: pytest.FixtureRequest, world: World) -> str:
    """One operation, with what has to happen before it."""
    name: str = request.param
    await DELIVERIES[name][0](world)
    return name


async def test_first_deliveries_at_once_have_one_effect_and_one_outcome(world: World, operation: str) -> None:
    deliver = DELIVERIES[operation][1]
    outcomes = await asyncio.gather(*(deliver(world) for _ in range(8)))
    assert all(outcome == outcomes[0] for outcome in outcomes)
    assert (
        await world.stock()
        == {
            "inventory.reserve": (10, 8, 2, 0),
            "payments.charge": (10, 10, 0, 0),
            "warehouse.apply": (8, 8, 0, 2),
        }[operation]
    )
    assert len(await world.payments.payments()) == (operation == "payments.charge")


async def test_undos_at_once_undo_once(world: World, operation: str) -> None:
    await DELIVERIES[operation][1](world)
    undone = await asyncio.gather(*(UNDOS[operation](world) for _ in range(8)))
    assert {each.status for each in undone} == {"undone"}
    expected = (10, 8, 2, 0) if operation == "warehouse.apply" else (10, 10, 0, 0)
    assert await world.stock() == expected


async def test_step_and_its_undo_at_once_leave_nothing(world: World, operation: str) -> None:
    before = await world.stock()
    forward, undos = await asyncio.gather(
        asyncio.gather(*(DELIVERIES[operation][1](world) for _ in range(4)), return_exceptions=True),
        asyncio.gather(*(UNDOS[operation](world) for _ in range(4))),
    )
    assert all(not isinstance(answer, BaseException) or isinstance(answer, EffectFenced) for answer in forward)
    assert {each.status for each in undos} <= {"undone", "not_needed"}
    # Whatever came first, it is undone in the end and stays so.
    assert await world.stock() == before
    with pytest.raises(EffectFenced):
        await DELIVERIES[operation][1](world)
    assert [charge.status for charge in await world.payments.payments()] in ([], ["refunded"])


async def test_thirty_orders_at_once_for_ten_units_get_what_there_is(world: World) -> None:
    answers = await asyncio.gather(
        *(world.inventory.reserve(reservation(1, f"ord_{number}")) for number in range(30)), return_exceptions=True
    )
    assert sum(isinstance(answer, OutOfStock) for answer in answers) == 20
    assert await world.stock() == (10, 0, 10, 0)
