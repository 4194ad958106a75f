"""Who reconciles, against which Temporal, how much at a time, and what becomes of trouble."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

import pytest
from sqlalchemy import Connection, text
from temporalio.client import Client, WorkflowFailureError

from flowforge.errors import DatabaseUnavailable, TemporalUnavailable
from flowforge.orders.gateway import PlacedOrder
from flowforge.orders.reconciling import open_run
from flowforge.persistence.leases import hold
from flowforge.reconciling.one_temporal import TEMPORAL, OtherTemporal, restore_namespace
from flowforge.reconciling.reconciler import RECONCILER, Reconciler
from flowforge.temporal.namespace import namespace_id, provide_namespace
from tests.workflow.gone import LONG, assert_clean, reconciler, turn, unwinding, unwound, worker_at
from tests.workflow.shop import Gate, Shop

SOON = timedelta(milliseconds=50)


@pytest.fixture
async def elsewhere(client: Client) -> Client:
    """A connection to a namespace in which nothing ever ran: to another Temporal, as far as anybody can tell."""
    name = f"elsewhere-{uuid.uuid4()}"
    other = await Client.connect(
        client.service_client.config.target_host, namespace=name, data_converter=client.data_converter
    )
    assert await namespace_id(other) is None
    made = await provide_namespace(other)
    assert made == await provide_namespace(other) == await namespace_id(other)
    while True:
        try:
            assert await open_run(other, "anything") is None
        except TemporalUnavailable:  # it is made, and not yet known everywhere
            await asyncio.sleep(0.05)
        else:
            return other


@contextlib.asynccontextmanager
async def terminated(shop: Shop, count: int = 1) -> AsyncIterator[Sequence[PlacedOrder]]:
    """Place orders, terminate each when it is charged, and let what its steps still do come at the end of the block."""
    charged, over = asyncio.Semaphore(0), asyncio.Event()

    async def halt(_count: int) -> None:
        charged.release()
        await over.wait()

    shop.hooks.after["payments.charge"] = halt
    orders = []
    for _ in range(count):
        orders.append(await shop.place())
        await charged.acquire()
        await shop.handle(orders[-1]).terminate()
    yield orders
    over.set()


async def _turn_when_possible(reconciler: Reconciler) -> object:
    async with asyncio.timeout(30):
        while True:
            try:
                if (taken := await reconciler.turn()) is not None:
                    return taken
            except OtherTemporal:
                pass
            await asyncio.sleep(0.01)


async def test_two_processes_one_reconciles(shop: Shop) -> None:
    first, second = reconciler(shop), reconciler(shop)
    assert await first.turn() is not None
    assert await second.turn() is None
    assert await first.turn() is not None


async def test_holder_is_gone_another_process_takes_over_when_its_lease_expires(shop: Shop) -> None:
    assert await reconciler(shop, interval=SOON).turn() is not None
    await _turn_when_possible(reconciler(shop))


async def test_temporal_is_another_while_workers_of_the_first_live_nothing_is_unwound(
    shop: Shop, elsewhere: Client
) -> None:
    """A worker that was pointed at the wrong Temporal, or at the wrong database."""
    gate = Gate()
    shop.hooks.before["payments.charge"] = gate
    placed = await shop.place()
    await gate.reached.wait()
    assert await reconciler(shop).turn() is not None
    stranger = reconciler(shop, client=elsewhere)
    with pytest.raises(OtherTemporal, match="correct TEMPORAL_HOST or DATABASE_URL if that is a mistake"):
        await stranger.turn()
    gate.open()
    assert (await shop.end(placed)).status == "completed"


async def test_process_that_reconciles_died_another_worker_keeps_the_stranger_out(
    shop: Shop, elsewhere: Client
) -> None:
    await shop.database.write(hold, RECONCILER, "the dead one", LONG)
    assert await reconciler(shop).turn() is None
    await shop.database.write(hold, RECONCILER, "the dead one", timedelta(0))
    with pytest.raises(OtherTemporal):
        await reconciler(shop, client=elsewhere).turn()


async def test_temporal_lost_its_state_open_orders_are_unwound_in_the_new_one(
    shop: Shop, elsewhere: Client, caplog: pytest.LogCaptureFixture
) -> None:
    """And where it was not lost but only away, the runs that come back end as the orders did."""
    before = await shop.stock()
    gate = Gate(at=2)
    shop.hooks.before["warehouse.apply"] = gate
    placed = await shop.place()
    await gate.reached.wait()
    await reconciler(shop, interval=SOON).turn()
    new = reconciler(shop, client=elsewhere)
    async with worker_at(shop, elsewhere):
        await _turn_when_possible(new)
        record = await unwound(shop, placed, client=elsewhere)
    assert record.status == "failed"
    assert "Temporal has lost its state, or is another one than before" in caplog.text
    gate.open()
    assert (await shop.end(placed)).failure_code == "abandoned"
    assert await shop.stock() == before


async def test_namespace_is_missing_only_one_that_was_used_is_made(client: Client, shop: Shop) -> None:
    """A name that was never used may be misspelt; at an empty namespace every order would be taken for lost."""
    address, name = client.service_client.config.target_host, f"missing-{uuid.uuid4()}"
    other = await Client.connect(address, namespace=name)
    await restore_namespace(other, shop.database)
    assert await namespace_id(other) is None
    with pytest.raises(TemporalUnavailable):  # and nothing that is not found there counts as lost
        await open_run(other, "anything")
    await shop.database.write(hold, TEMPORAL, "default 1", timedelta(0))
    await restore_namespace(other, shop.database)
    assert await namespace_id(other) is None
    await shop.database.write(hold, TEMPORAL, f"{name} 2", timedelta(0))
    await restore_namespace(other, shop.database)
    assert await namespace_id(other) is not None


async def test_one_order_cannot_be_reconciled_the_others_are(shop: Shop, caplog: pytest.LogCaptureFixture) -> None:
    async with terminated(shop, 2) as (poisoned, placed):
        name = "x" * 2000
        statement = f"update orders set workflow_id = '{name}' where order_id = '{poisoned.order_id}'"  # noqa: S608
        await shop.database.write(_say, statement)
        ours = reconciler(shop)
        for _ in range(2):
            assert (await turn(ours)).failed == [poisoned.order_id]
        assert caplog.text.count("the order is not reconciled for now") == 1
        with pytest.raises(WorkflowFailureError):
            await unwinding(shop, placed).result()


async def test_more_orders_than_a_turn_looks_at_each_gets_its_turn(shop: Shop) -> None:
    async with terminated(shop, 3) as orders:
        ours = reconciler(shop, most=1)
        turns = [await turn(ours) for _ in orders]
        assert [taken.unwound for taken in turns] == [[placed.order_id] for placed in orders]
        assert [taken.is_last for taken in turns] == [False] * 3
        assert (await turn(ours)).is_last


async def test_order_that_stands_still_for_days_is_looked_at_once_in_many_turns(shop: Shop) -> None:
    gate = Gate()
    shop.hooks.before["payments.charge"] = gate
    placed = await shop.place()
    await gate.reached.wait()
    ours = reconciler(shop)
    assert (await turn(ours)).looked_at == 1
    assert [(await turn(ours)).looked_at for _ in range(3)] == [1] * 3
    await shop.database.write(_say, "update orders set updated_at = 1")
    assert sum([(await turn(ours)).looked_at for _ in range(32)]) == 1
    # Somebody who takes over knows nothing of it, nor of what became of Temporal meanwhile.
    await shop.database.write(hold, RECONCILER, "nobody", timedelta(0))
    await shop.database.write(_say, "delete from leases")
    assert (await turn(reconciler(shop))).looked_at == 1
    gate.open()
    await shop.end(placed)


async def test_temporal_changes_what_stands_still_for_days_is_looked_at_at_once(shop: Shop, elsewhere: Client) -> None:
    gate = Gate()
    shop.hooks.before["payments.charge"] = gate
    placed = await shop.place()
    await gate.reached.wait()
    await shop.database.write(_say, "update orders set updated_at = 1")
    ours = reconciler(shop)
    await turn(ours)
    assert sum([(await turn(ours)).looked_at for _ in range(31)]) <= 1
    await shop.database.write(_say, "delete from leases")
    ours._client = elsewhere  # as a Temporal that has lost its state and answers at the same address
    taken = await turn(ours)
    assert (taken.looked_at, taken.unwound) == (1, [placed.order_id])
    gate.open()
    await shop.end(placed)


async def test_order_that_could_not_be_compared_is_taken_by_the_next_turn_again(shop: Shop) -> None:
    async with terminated(shop) as [poisoned]:
        name = "x" * 2000
        statement = f"update orders set workflow_id = '{name}', updated_at = 1"  # noqa: S608
        await shop.database.write(_say, statement)
        ours = reconciler(shop)
        assert [(await turn(ours)).failed for _ in range(4)] == [[poisoned.order_id]] * 4


async def test_ended_order_holds_units_they_are_given_back_and_that_is_an_error(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    before = await shop.stock()
    placed = await shop.place(payment_method="tok_chargeDeclined")
    await shop.end(placed)
    for statement in (
        "update reservations set state = 'open'",
        "update ledger set state = 'applied', undone_at = null where operation = 'inventory.reserve'",
        "update products set available = available - 2, reserved = reserved + 2 where product_id = 'SKU-001'",
    ):
        await shop.database.write(_say, statement)
    ours = reconciler(shop)
    assert (await turn(ours)).released == [placed.order_id]
    assert [(line.levelname, line.message) for line in caplog.records if "defect" in line.message] == [
        ("ERROR", "a defect: the order had ended and still held 2 x SKU-001; they were given back")
    ]
    assert await shop.stock() == before
    assert (await turn(ours)).released == []
    await assert_clean(shop)


async def test_database_is_away_the_turn_says_so(shop: Shop) -> None:
    ours = reconciler(shop)
    await shop.database.close()
    with pytest.raises(DatabaseUnavailable):
        await ours.turn()


async def test_trouble_is_told_once_and_orders_are_reconciled_when_it_is_over(
    shop: Shop, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "flowforge.reconciling.reconciler")
    async with terminated(shop) as [placed]:
        await shop.database.write(hold, TEMPORAL, "default another", timedelta(seconds=1))
        running = asyncio.create_task(reconciler(shop, interval=SOON).run())
        await shop.hooks.closes["failed"].wait()
        await unwound(shop, placed)
        running.cancel()
    assert caplog.text.count("orders and returns are not reconciled for now") == 1
    assert caplog.text.count("orders and returns are reconciled again") == 1


def _say(connection: Connection, statement: str) -> None:
    connection.execute(text(statement))
