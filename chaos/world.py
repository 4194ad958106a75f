"""A shop of its own for one scenario: a database, a task queue on some Temporal, worker processes, and a door."""

import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection, select
from temporalio.client import Client, WorkflowHandle

from chaos.nursery import Child, Nursery
from flowforge.durable.placement import Placement
from flowforge.orders.contracts import OrderOptions, OrderState, PaymentCapture
from flowforge.orders.control import OrderControl
from flowforge.orders.control_rows import ControlRows
from flowforge.orders.gateway import NewOrder, OrderGateway, PlacedOrder
from flowforge.orders.journal import OrderJournal
from flowforge.orders.read_model import ReadModel
from flowforge.orders.workflow import OrderWorkflow
from flowforge.persistence.database import Database
from flowforge.persistence.tables.ledger import LEDGER
from flowforge.services.inventory.contracts import SetStock
from flowforge.services.lines import Line
from flowforge.services.wiring import Services, build_services
from flowforge.temporal.target import TemporalTarget

PRODUCT = "SKU-001"
OTHER_PRODUCT = "SKU-002"
ENOUGH = 10_000_000

OPTIONS = OrderOptions(forward_max_interval_s=0.5, undo_max_interval_s=0.5, attempt_timeout_s=3)
"""Orders that try again soon, and give an attempt up soon of which nobody will hear again."""


@dataclass(kw_only=True)
class World:
    """Where orders are placed, and what works on them.

    Attributes:
        client: connected to Temporal.
        settings: environment variables of every process, beyond where things are.
        children: every process that was started here.
    """

    target: TemporalTarget
    client: Client
    nursery: Nursery
    database: Database
    reads: ReadModel
    services: Services
    options: OrderOptions
    task_queue: str
    settings: dict[str, str] = field(default_factory=dict)
    children: list[Child] = field(default_factory=list)

    @property
    def environment(self) -> Mapping[str, str]:
        """What every process of this world is told."""
        return {
            "TEMPORAL_HOST": self.target.address,
            "TASK_QUEUE": self.task_queue,
            "DATABASE_URL": self.database.url.render_as_string(hide_password=False),
            "FLOWFORGE_FAULT_INJECTION": "1",
            "FLOWFORGE_FAULT_POINT": "",
            "FAIL_AT": "",
            **self.settings,
        }

    async def worker(self, fault_point: str = "", *, largest_file: int | None = None, **settings: str) -> Child:
        """Start a worker, with settings (environment variables) beyond the usual."""
        environment = {**self.environment, "FLOWFORGE_FAULT_POINT": fault_point, **settings}
        self.children.append(await self.nursery.start("worker", environment, largest_file=largest_file))
        return self.children[-1]

    async def api(self, port: int) -> Child:
        """Start an API."""
        self.children.append(await self.nursery.start("api", self.environment, host="127.0.0.1", port=port))
        return self.children[-1]

    def gateway(self, placement: Placement, payment_capture: PaymentCapture = "immediate") -> OrderGateway:
        """Return a door through which orders get this placement, and this time for taking their money."""
        options = replace(self.options, placement=placement, payment_capture=payment_capture)
        return OrderGateway(self.client, self.reads, task_queue=self.task_queue, options=options)

    async def place(
        self, placement: Placement = "auto", *, payment_capture: PaymentCapture = "immediate", **wishes: Any
    ) -> PlacedOrder:
        """Place an order: 2 units, paid by tok_visa, unless the wishes say otherwise."""
        order: dict[str, Any] = {"request_id": "req_chaos", "customer_id": "cust_1", "payment_method": "tok_visa"}
        if "lines" not in wishes:
            order |= {"product_id": PRODUCT, "quantity": 2}
        return await self.gateway(placement, payment_capture).place(NewOrder(**order | wishes))

    async def place_longest(self, placement: Placement, **wishes: Any) -> PlacedOrder:
        """Place an order that takes every step there is, of two products."""
        lines = (Line(product_id=PRODUCT, quantity=2), Line(product_id=OTHER_PRODUCT, quantity=1))
        return await self.place(placement, payment_capture="after_warehouse", ship=True, lines=lines, **wishes)

    def handle(self, workflow_id: str) -> WorkflowHandle[OrderWorkflow, OrderState]:
        """Return the handle of an order's run."""
        return self.client.get_workflow_handle_for(OrderWorkflow.run, workflow_id)

    async def ledger(self, order_id: str) -> Mapping[str, str]:
        """Return an order's ledger: by operation `applied`, `refused`, `undone`, or `tombstone` (never applied)."""
        found: Mapping[str, str] = await self.database.read(_ledger, order_id)
        return found

    @property
    def control(self) -> OrderControl:
        """What an operator may do to orders."""
        rows = ControlRows(self.database)
        return OrderControl(self.client, rows, task_queue=self.task_queue, options=self.options)

    async def end_children(self) -> None:
        """Kill every process that is left, frozen ones too."""
        for child in self.children:
            await child.end()


def _ledger(connection: Connection, order_id: str) -> dict[str, str]:
    rows = connection.execute(select(LEDGER).where(LEDGER.c.saga_id == order_id))
    return {row.operation: "tombstone" if row.state == "undone" and not row.outcome else row.state for row in rows}


@asynccontextmanager
async def open_world(
    *,
    client: Client,
    target: TemporalTarget,
    nursery: Nursery,
    database_url: str,
    options: OrderOptions = OPTIONS,
    settings: Mapping[str, str] | None = None,
    task_queue: str = "",
) -> AsyncIterator[World]:
    """Open a world; leaving it kills its processes.

    Args:
        client: connected to the target.
        target: where its processes find Temporal.
        nursery: starts its processes.
        database_url: an empty database that is up to date.
        options: how its orders run.
        settings: environment variables of its processes.
        task_queue: a queue that was used before; a new one by default.
    """
    database = Database(database_url)
    world = World(
        target=target,
        client=client,
        nursery=nursery,
        database=database,
        reads=ReadModel(database),
        services=build_services(database, OrderJournal(database)),
        options=options,
        task_queue=task_queue or f"chaos-{uuid.uuid4()}",
        settings=dict(settings or {}),
    )
    try:
        if not task_queue:
            for product_id in (PRODUCT, OTHER_PRODUCT):
                await world.services.inventory.set_stock(SetStock(product_id=product_id, on_hand=ENOUGH))
        yield world
    finally:
        await world.end_children()
        await database.close()
