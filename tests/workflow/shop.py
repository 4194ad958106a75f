"""A whole shop for the workflow tests: database, worker and the only door to orders, on a real Temporal."""

import asyncio
import uuid
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from temporalio import activity
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError, CancelledError
from temporalio.worker import (
    ActivityInboundInterceptor,
    ExecuteActivityInput,
    Interceptor,
    Replayer,
    UnsandboxedWorkflowRunner,
    Worker,
)

from flowforge.orders.activities import OrderActivities
from flowforge.orders.audit import audit
from flowforge.orders.contracts import CloseOrder, OrderOptions, OrderState
from flowforge.orders.control import OrderControl
from flowforge.orders.control_rows import ControlRows
from flowforge.orders.gateway import NewOrder, OrderGateway, PlacedOrder
from flowforge.orders.journal import OrderJournal
from flowforge.orders.read_model import ReadModel
from flowforge.orders.records import OrderRecord
from flowforge.orders.returning import ReturnWorkflow
from flowforge.orders.returns import OrderReturns
from flowforge.orders.workflow import OrderWorkflow
from flowforge.persistence.database import Database
from flowforge.services.wiring import Services, build_services
from flowforge.temporal.converter import DATA_CONVERTER
from flowforge.worker.app import build_worker
from flowforge.worker.registration import activities_of

Hook = Callable[[int], Awaitable[None]]
"""Runs around an activity; gets the number of its runs so far, from 1. What it raises, the activity raises."""


@dataclass
class Hooks(Interceptor):
    """Runs code of the test's before and after activities, in the worker, by activity name.

    Attributes:
        answers: changes what an activity answers.
        runs: the activities in the order in which they began.
        closes: set when an order's row was moved to that status.
    """

    before: dict[str, Hook] = field(default_factory=dict)
    after: dict[str, Hook] = field(default_factory=dict)
    answers: dict[str, Callable[[Any], Any]] = field(default_factory=dict)
    runs: list[str] = field(default_factory=list)
    closes: defaultdict[str, asyncio.Event] = field(default_factory=lambda: defaultdict(asyncio.Event))

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
        if isinstance(input.args[0], CloseOrder):
            self._hooks.closes[input.args[0].to].set()
        if name in self._hooks.after:
            await self._hooks.after[name](count)
        return self._hooks.answers[name](answer) if name in self._hooks.answers else answer


class Gate:
    """A hook that stops the activity until it is opened.

    Args:
        at: the run in which it stops; in those before it the network is down. At 2, a step whose first run was local
            stops in one through the queue, where a cancellation reaches the workflow at once.
    """

    def __init__(self, *, at: int = 1) -> None:
        self.reached = asyncio.Event()
        self._at = at
        self._open = asyncio.Event()

    async def __call__(self, count: int) -> None:
        if count < self._at:
            raise ConnectionError("the network is down")
        if count == self._at:
            self.reached.set()
            await self._open.wait()

    def open(self) -> None:
        self._open.set()


@dataclass(kw_only=True)
class Counter:
    """Where orders are placed and awaited; whoever works on them is somewhere else."""

    client: Client
    task_queue: str
    database: Database
    reads: ReadModel
    services: Services
    gateway: OrderGateway
    control: OrderControl
    returns: OrderReturns

    async def place(self, **wishes: Any) -> PlacedOrder:
        """Place an order: 2 SKU-001, paid by tok_visa, unless the wishes say otherwise."""
        return await self.gateway.place(NewOrder(**(SAMPLE | wishes)))

    def handle(self, placed: PlacedOrder) -> WorkflowHandle[OrderWorkflow, OrderState]:
        return self.client.get_workflow_handle_for(OrderWorkflow.run, placed.workflow_id)

    async def end(self, placed: PlacedOrder, *, violations: Sequence[str] = ()) -> OrderRecord:
        """Wait for the order's end; see that row and Temporal agree, that it replays, that nothing is amiss."""
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
        await REPLAYER.replay_workflow(await self.handle(placed).fetch_history())
        findings = await self.database.read(audit)
        assert [finding.check.area for finding in findings if finding.is_violation] == list(violations)
        return record

    async def stock(self, product_id: str = "SKU-001") -> tuple[int, int, int]:
        """Return on hand, reserved and shipped."""
        levels = {level.product_id: level for level in await self.services.inventory.levels()}
        return levels[product_id].on_hand, levels[product_id].reserved, levels[product_id].shipped


@dataclass(kw_only=True)
class Shop(Counter):
    """A running shop, with its worker in the test's own process."""

    hooks: Hooks
    worker: Worker


REPLAYER = Replayer(
    workflows=[OrderWorkflow, ReturnWorkflow],
    data_converter=DATA_CONVERTER,
    workflow_runner=UnsandboxedWorkflowRunner(),
    debug_mode=True,  # without the search for deadlocks: a machine that is busy for two seconds is none
)

SAMPLE: dict[str, Any] = {
    "request_id": "req_test",
    "product_id": "SKU-001",
    "quantity": 2,
    "customer_id": "cust_1",
    "payment_method": "tok_visa",
}


async def another_connection(client: Client) -> Client:
    """Connect anew to where a client is connected."""
    return await Client.connect(
        client.service_client.config.target_host, namespace=client.namespace, data_converter=client.data_converter
    )


def _state_in(cause: BaseException) -> OrderState:
    assert isinstance(cause, ApplicationError)
    return OrderState(**cause.details[0])


@asynccontextmanager
async def open_counter(client: Client, url: str, options: OrderOptions) -> AsyncIterator[Counter]:
    """Open a counter with a task queue of its own; the database at `url` is up to date and empty."""
    database = Database(url)
    reads, task_queue = ReadModel(database), f"shop-{uuid.uuid4()}"
    gateway = OrderGateway(client, reads, task_queue=task_queue, options=options)
    yield Counter(
        client=client,
        task_queue=task_queue,
        database=database,
        reads=reads,
        services=build_services(database, OrderJournal(database)),
        gateway=gateway,
        returns=OrderReturns(client, gateway, task_queue=task_queue, options=options),
        control=OrderControl(client, ControlRows(database), task_queue=task_queue, options=options),
    )
    await database.close()


@asynccontextmanager
async def open_shop(client: Client, url: str, options: OrderOptions, *, at_work: bool = True) -> AsyncIterator[Shop]:
    """Open a shop over a counter's database and task queue; `at_work=False` leaves its worker to be run."""
    async with open_counter(client, url, options) as counter:
        hooks = Hooks()
        # Eager starts hand the first task to a worker of the same connection, even to one that does not run yet.
        working = client if at_work else await another_connection(client)
        worker = build_worker(
            working,
            task_queue=counter.task_queue,
            activities=activities_of(counter.services, OrderActivities(OrderJournal(counter.database))),
            max_concurrent_activities=100,
            max_concurrent_workflow_tasks=100,
            interceptors=[hooks],
        )
        async with worker if at_work else nullcontext():
            yield Shop(**vars(counter), hooks=hooks, worker=worker)
