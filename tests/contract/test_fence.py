"""What the ledger promises of every operation: once, undone once, or never at all."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from flowforge.durable.fence import Undone
from flowforge.errors import DatabaseUnavailable, EffectFenced, OutOfStock
from tests.contract.worlds import World, authorise, book, capture, charging, reservation, shipping, undo
from tests.workflow.table import UNDOABLE


@dataclass(frozen=True)
class Operation:
    """One fenced operation: what comes before it, how it is delivered and undone, and a trace of its effect."""

    name: str
    before: Callable[[World], Awaitable[Any]]
    do: Callable[[World, int], Awaitable[Any]]
    undo: Callable[[World, int], Awaitable[Undone]]
    trace: Callable[[World], Awaitable[object]]


async def _nothing(_world: World) -> None:
    pass


async def _charge_states(world: World) -> object:
    return [(payment.phase, payment.refunded_minor) for payment in await world.payments.payments()]


async def _parcels(world: World) -> object:
    return [shipment.status for shipment in await world.shipping.shipments()]


OPERATIONS = [
    Operation(
        "inventory.reserve",
        _nothing,
        lambda world, attempt: world.inventory.reserve(reservation(attempt=attempt)),
        lambda world, attempt: world.inventory.release(undo("reserve", attempt=attempt)),
        lambda world: world.stock(),
    ),
    Operation(
        "payments.charge",
        _nothing,
        lambda world, attempt: world.payments.charge(charging(attempt=attempt)),
        lambda world, attempt: world.payments.refund_by_key(undo("charge", attempt=attempt)),
        _charge_states,
    ),
    Operation(
        "warehouse.apply",
        lambda world: world.inventory.reserve(reservation()),
        lambda world, attempt: world.warehouse.apply(shipping(attempt=attempt)),
        lambda world, attempt: world.warehouse.revert(undo("ship", attempt=attempt)),
        lambda world: world.stock(),
    ),
    Operation(
        "payments.capture",
        authorise,
        capture,
        lambda world, attempt: world.payments.refund_capture(undo("capture", attempt=attempt)),
        _charge_states,
    ),
    Operation(
        "shipping.create",
        _nothing,
        book,
        lambda world, attempt: world.shipping.cancel(undo("parcel", attempt=attempt)),
        _parcels,
    ),
]


def test_every_operation_of_the_saga_with_an_undo_is_held_to_this() -> None:
    assert set(UNDOABLE) <= {operation.name for operation in OPERATIONS}


@pytest.fixture(params=OPERATIONS, ids=lambda operation: operation.name)
async def operation(request: pytest.FixtureRequest, world: World) -> Operation:
    chosen: Operation = request.param
    await chosen.before(world)
    world.journal.entries.clear()
    return chosen


async def test_delivered_twice_answers_the_same_and_happens_once(world: World, operation: Operation) -> None:
    first = await operation.do(world, 1)
    after = await operation.trace(world)
    assert await operation.do(world, 2) == first
    assert await operation.trace(world) == after
    assert world.journal.story == [(operation.name, "applied")]


async def test_undone_before_it_happened_is_fenced_for_ever(world: World, operation: Operation) -> None:
    before = await operation.trace(world)
    assert await operation.undo(world, 1) == Undone(status="not_needed", attempts=1)
    for attempt in (1, 2):
        with pytest.raises(EffectFenced):
            await operation.do(world, attempt)
    assert await operation.undo(world, 2) == Undone(status="not_needed", attempts=2)
    assert await operation.trace(world) == before
    assert world.journal.story == [(operation.name, "not_needed")]


async def test_undone_twice_is_reversed_once(world: World, operation: Operation) -> None:
    await operation.do(world, 1)
    assert await operation.undo(world, 1) == Undone(status="undone", attempts=1)
    after = await operation.trace(world)
    assert await operation.undo(world, 3) == Undone(status="undone", attempts=3)
    assert await operation.trace(world) == after
    assert world.journal.story == [(operation.name, "applied"), (operation.name, "undone")]


async def test_delivered_again_after_its_undo_is_fenced(world: World, operation: Operation) -> None:
    await operation.do(world, 1)
    await operation.undo(world, 1)
    after = await operation.trace(world)
    with pytest.raises(EffectFenced):
        await operation.do(world, 2)
    assert await operation.trace(world) == after


async def test_journal_that_fails_takes_the_effect_back(world: World, operation: Operation) -> None:
    before = await operation.trace(world)
    world.journal.broken_by = DatabaseUnavailable("away")
    with pytest.raises(DatabaseUnavailable):
        await operation.do(world, 1)
    assert await operation.trace(world) == before
    world.journal.broken_by = None
    await operation.do(world, 2)
    assert await operation.trace(world) != before


async def test_journal_that_fails_takes_the_undo_back(world: World, operation: Operation) -> None:
    await operation.do(world, 1)
    applied = await operation.trace(world)
    world.journal.broken_by = DatabaseUnavailable("away")
    with pytest.raises(DatabaseUnavailable):
        await operation.undo(world, 1)
    assert await operation.trace(world) == applied
    world.journal.broken_by = None
    assert await operation.undo(world, 2) == Undone(status="undone", attempts=2)


async def test_journal_that_fails_leaves_no_tombstone(world: World, operation: Operation) -> None:
    world.journal.broken_by = RuntimeError("a defect")
    with pytest.raises(RuntimeError, match="a defect"):
        await operation.undo(world, 1)
    world.journal.broken_by = None
    await operation.do(world, 1)
    assert world.journal.story == [(operation.name, "applied")]


async def test_refused_stays_refused_though_the_reason_has_gone(world: World) -> None:
    with pytest.raises(OutOfStock) as first:
        await world.inventory.reserve(reservation(11))
    await world.stocked(100)
    with pytest.raises(OutOfStock) as second:
        await world.inventory.reserve(reservation(11, attempt=2))
    assert second.value.message == first.value.message
    assert await world.inventory.release(undo("reserve")) == Undone(status="not_needed", attempts=1)
    assert world.journal.story == [("inventory.reserve", "refused"), ("inventory.reserve", "not_needed")]
    assert world.journal.entries[0].outcome == {"code": "out_of_stock", "message": first.value.message}


async def test_entry_names_the_delivery_and_the_outcome(world: World) -> None:
    request = charging(attempt=4)
    charge = await world.payments.charge(request)
    [entry] = world.journal.entries
    assert entry.call == request.call
    assert entry.outcome == {"charge_id": charge.charge_id, "amount_minor": 3998, "currency": "USD"}
    assert entry.started_at <= entry.at
    assert entry.at.utcoffset() is not None


async def test_deliveries_that_find_their_outcome_are_noted(world: World, operation: Operation) -> None:
    await operation.do(world, 1)
    await operation.do(world, 2)
    await operation.undo(world, 1)
    await operation.undo(world, 2)
    with pytest.raises(EffectFenced):
        await operation.do(world, 3)
    noted = [(entry.call.undo is not None, entry.call.attempt, entry.state) for entry in world.journal.again]
    assert noted == [(False, 2, "applied"), (True, 2, "undone"), (False, 3, "undone")]
    assert world.journal.again[-1].outcome["code"] == "effect_fenced"


async def test_refusal_that_is_answered_again_is_noted(world: World) -> None:
    for attempt in (1, 2):
        with pytest.raises(OutOfStock):
            await world.inventory.reserve(reservation(quantity=11, attempt=attempt))
    [noted] = world.journal.again
    assert (noted.call.attempt, noted.state, noted.outcome["code"]) == (2, "refused", "out_of_stock")
