"""A whole shop for the workflow tests: database, worker and the only door to orders, on a real Temporal."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from temporalio import activity
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError, CancelledError
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor

from flowforge.orders.activities import OrderActivities
from flowforge.orders.contracts import OrderOptions, OrderState
from flowforge.orders.gateway import NewOrder, OrderGateway, PlacedOrder
from flowforge.orders.journal import OrderJournal
from flowforge.orders.read_model import ReadModel
from flowforge.orders.records import OrderRecord
from flowforge.orders.workflow import OrderWorkflow
from flowforge.persistence.database import Database
from flowforge.persistence.migrations.migrate import migrate
from flowforge.services.wiring import Services, build_services
from flowforge.worker.app import build_worker
from flowforge.worker.registration import activities_of

Hook = Callable[[int], Awaitable[None]]
"""Runs around an activity; gets the number of its runs so far, from 1. What it raises, the activity raises."""


@dataclass
class Hooks(Interceptor):
    """Runs code of the test's before and after activities, in the worker, by activity name."""

    before: dict[str, Hook] = field(default_factory=dict)
    after: dict[str, Hook] = field(default_factory=dict)
    runs: list[str] = field(default_factory=list)

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002
        return _Inbound(next, self)


class _Inbound(ActivityInboundInterceptor):
    def __init__(self, inner: ActivityInboundInterceptor, hooks: Hooks) -> None:
        super().__init__(inner)
        self._hooks = hooks

    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002
        name = activity.info().activity_type
        self._hooks.runs.append(name)
        count = self._hooks.runs.count(name)
        if name in self._hooks.before:
            await self._hooks.before[name](count)
        answer = await super().execute_activity(input)
        if name in self._hooks.after:
            await self._hooks.after[name](count)
        return answer


class Gate:
    """A hook that stops the activity until it is opened, the first time it is passed."""

    def __init__(self) -> None:
        self.reached = asyncio.Event()
        self._open = asyncio.Event()

    async def __call__(self, count: int) -> None:
        if count == 1:
            self.reached.set()
            await self._open.wait()

    def open(self) -> None:
        self._open.set()


@dataclass(kw_only=True)
class Shop:
    """A running shop."""

    client: Client
    database: Database
    reads: ReadModel
    services: Services
    gateway: OrderGateway
    hooks: Hooks

    async def place(self, **wishes: Any) -> PlacedOrder:
        """Place an order: 2 SKU-001, paid by tok_visa, unless the wishes say otherwise."""
        return await self.gateway.place(NewOrder(**(SAMPLE | wishes)))

    def handle(self, placed: PlacedOrder) -> WorkflowHandle[OrderWorkflow, OrderState]:
        return self.client.get_workflow_handle_for(OrderWorkflow.run, placed.workflow_id)

    async def end(self, placed: PlacedOrder) -> OrderRecord:
        """Wait for the order's end, and see that its row and Temporal tell the same of it."""
        try:
            state = await self.handle(placed).result()
            ended = "completed"
        except WorkflowFailureError as failure:
            if isinstance(failure.cause, CancelledError):
                state, ended = None, "cancelled"
            else:
                state, ended = _state_in(failure.cause), "failed"
        record = await self.reads.get(placed.order_id)
        assert record is not None
        assert record.status == ended
        if state is not None:
            assert (state.status, state.failure_code) == (ended, record.failure_code)
            assert list(state.steps_completed) == list(record.steps_completed)
        return record

    async def stock(self, product_id: str = "SKU-001") -> tuple[int, int, int]:
        """Return on hand, reserved and shipped."""
        levels = {level.product_id: level for level in await self.services.inventory.levels()}
        return levels[product_id].on_hand, levels[product_id].reserved, levels[product_id].shipped


SAMPLE: dict[str, Any] = {
    "request_id": "req_test",
    "product_id": "SKU-001",
    "quantity": 2,
    "customer_id": "cust_1",
    "payment_method": "tok_visa",
}


def _state_in(cause: BaseException) -> OrderState:
    assert isinstance(cause, ApplicationError)
    return OrderState(**cause.details[0])


@asynccontextmanager
async def open_shop(
    client: Client, folder: Path, options: OrderOptions, *, fail_at: str | None = None
) -> AsyncIterator[Shop]:
    """Open a shop with an empty database and a task queue of its own."""
    url = f"sqlite:///{folder / f'shop-{uuid.uuid4()}.sqlite3'}"
    await asyncio.to_thread(migrate, url)
    database, hooks = Database(url), Hooks()
    journal = OrderJournal(database)
    services = build_services(database, journal, fail_at=fail_at)
    reads, task_queue = ReadModel(database), f"shop-{uuid.uuid4()}"
    worker = build_worker(
        client,
        task_queue=task_queue,
        activities=activities_of(services, OrderActivities(journal)),
        max_concurrent_activities=100,
        max_concurrent_workflow_tasks=100,
        interceptors=[hooks],
    )
    gateway = OrderGateway(client, reads, task_queue=task_queue, options=options)
    async with worker:
        yield Shop(client=client, database=database, reads=reads, services=services, gateway=gateway, hooks=hooks)
    await database.close()
