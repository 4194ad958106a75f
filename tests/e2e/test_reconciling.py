"""Workers as processes look after open orders: one of them, then another; and when Temporal has lost everything."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import pytest
from sqlalchemy import Connection, text

from flowforge.orders.contracts import OrderOptions, OrderStatus
from flowforge.orders.gateway import PlacedOrder
from flowforge.orders.records import OrderEvent, OrderRecord
from flowforge.persistence.leases import last_holder
from flowforge.persistence.migrations.migrate import migrate
from flowforge.reconciling.reconciler import RECONCILER
from flowforge.settings import Settings
from flowforge.temporal.client import connect
from flowforge.temporal.devserver import DevServer
from flowforge.temporal.namespace import provide_namespace
from flowforge.temporal.ports import free
from flowforge.temporal.provision import provide
from tests.e2e.processes import House, Process
from tests.workflow.gone import assert_clean
from tests.workflow.shop import Counter, open_counter

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A counter, and what its worker processes are told."""

    house: House
    counter: Counter
    told: dict[str, str]

    async def worker(self) -> Process:
        """Start a worker and wait until it works."""
        process = await self.house.start("worker", **self.told)
        await process.line("The worker takes orders")
        return process

    async def held_order(self) -> PlacedOrder:
        """Place an order and hold it while its payment is tried again: it then stays where it is."""
        placed = await self.counter.place(payment_method="tok_networkError")
        await _seen(lambda: self._failed_attempt(placed))
        await self.counter.control.pause(placed.order_id)
        await self.reaches(placed, "paused")
        return placed

    async def reaches(self, placed: PlacedOrder, status: OrderStatus) -> OrderRecord:
        """Wait until an order has a status."""

        async def row() -> OrderRecord | None:
            record = await self.counter.reads.get(placed.order_id)
            return record if record is not None and record.status == status else None

        return await _seen(row)

    async def holder(self) -> int:
        """Wait until a process reconciles; return its id."""
        name = await _seen(lambda: self.counter.database.read(last_holder, RECONCILER))
        return int(name.partition("@")[0])

    async def _failed_attempt(self, placed: PlacedOrder) -> OrderEvent | None:
        events = await self.counter.reads.events(placed.order_id)
        return next((event for event in events if event.status == "failed"), None)

    async def let_time_pass(self) -> None:
        """Let no order have moved for a minute."""
        await self.counter.database.write(_say, "update orders set updated_at = updated_at - 60000000")


@asynccontextmanager
async def temporal(folder: Path, port: int) -> AsyncIterator[DevServer]:
    """Run a Temporal that has lost everything when it is run again."""
    binary = await provide(Settings.load(env_file=None).data_dir, report=print)
    async with DevServer(binary, data_dir=folder, port=port, persisted=False) as server:
        yield server


@asynccontextmanager
async def scene(house: House, server: DevServer, namespace: str = "default") -> AsyncIterator[Scene]:
    """Open a counter with a database of its own, at a Temporal of its own."""
    client = await connect(replace(server.target, namespace=namespace))
    await provide_namespace(client)
    url = f"sqlite:///{house.folder / 'shop.sqlite3'}"
    migrate(url)
    async with open_counter(client, url, OrderOptions()) as counter:
        told = {
            "TEMPORAL_HOST": server.address,
            "TEMPORAL_NAMESPACE": namespace,
            "TASK_QUEUE": counter.task_queue,
            "DATABASE_URL": url,
            "RECONCILE_INTERVAL_S": "1",
        }
        yield Scene(house=house, counter=counter, told=told)


async def test_process_that_reconciles_is_killed_another_takes_over(house: House) -> None:
    async with temporal(house.folder, 0) as server, scene(house, server) as stage:
        workers = {(worker := await stage.worker()).pid: worker for _ in range(2)}
        placed = await stage.held_order()
        holder = workers.pop(await stage.holder())
        await holder.stop(signal.SIGKILL)
        await stage.counter.handle(placed).terminate()
        await stage.let_time_pass()
        assert (await stage.reaches(placed, "failed")).failure_code == "abandoned"
        assert await stage.holder() in workers
        await assert_clean(stage.counter)


@pytest.mark.parametrize("namespace", ["default", "shop"])
async def test_temporal_has_lost_its_state_its_open_orders_are_unwound(house: House, namespace: str) -> None:
    port = free("127.0.0.1")
    async with temporal(house.folder, port) as server, scene(house, server, namespace) as stage:
        worker = await stage.worker()
        placed = await stage.held_order()
        await stage.holder()
        await server.stop()
        async with temporal(house.folder, port):
            await stage.let_time_pass()
            assert (await stage.reaches(placed, "failed")).failure_code == "abandoned"
            await assert_clean(stage.counter)
            end = await worker.stop()
    assert end.code == 0
    assert "Temporal has lost its state, or is another one than before" in end.err


async def test_worker_starts_when_temporal_has_lost_its_namespace_too_it_is_made_anew(house: House) -> None:
    port = free("127.0.0.1")
    async with temporal(house.folder, port) as server, scene(house, server, "shop") as stage:
        worker = await stage.worker()
        placed = await stage.held_order()
        await stage.holder()
        await worker.stop()
        await server.stop()
        async with temporal(house.folder, port):
            await stage.let_time_pass()
            await stage.worker()
            assert (await stage.reaches(placed, "failed")).failure_code == "abandoned"


async def _seen(look: Callable[[], Awaitable[T | None]]) -> T:
    """Look until there is something."""
    async with asyncio.timeout(60):
        while True:
            found = await look()
            if found is not None:
                return found
            await asyncio.sleep(0.02)


def _say(connection: Connection, statement: str) -> None:
    connection.execute(text(statement))
