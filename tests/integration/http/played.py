"""A door to orders without Temporal: it plays the workflow's part against a real shop, at once or when told to."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from flowforge.errors import Conflict, Fault, IdempotencyKeyReused, NotFound, Refusal
from flowforge.ids import new_order_id, order_id_of, workflow_id_for
from flowforge.orders.gateway import NewOrder
from flowforge.orders.gateway import PlacedOrder as Placed
from flowforge.orders.records import OrderRecord
from flowforge.services.lines import only_product, units
from tests.integration.orders.shop import PENDING, STEPS, PlacedOrder, Shop


class PlayedOrders:
    """Implements `api.dependencies.Orders`.

    Attributes:
        held: whether orders stay open after their second step, until `release` is called.
        broken_by: what every call raises, while it is set.
        wait_broken_by: what waiting raises, while it is set.
        placed: the orders, oldest first, as they were asked for.
        present: what `ready` answers.
        not_begun: orders that are accepted and have no row, by the name they are asked for.
    """

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.held = False
        self.broken_by: Exception | None = None
        self.wait_broken_by: Exception | None = None
        self.placed: list[NewOrder] = []
        self.present = {"temporal": True, "database": True}
        self.not_begun: dict[str, OrderRecord] = {}
        self._open: dict[str, PlacedOrder] = {}
        self._ends: dict[str, asyncio.Event] = {}

    async def place(self, order: NewOrder) -> Placed:
        """Place an order and fulfil it, or make it whole."""
        self._check()
        order_id = new_order_id() if order.name is None else order_id_of(order.name)
        workflow_id = workflow_id_for(order_id)
        before = await self.shop.reads.get(workflow_id)
        if before is not None and order.idempotency_key is not None:
            if before.body != order.body:
                raise IdempotencyKeyReused("the Idempotency-Key belongs to an order of other content; use a new key")
            return Placed(order_id=order_id, workflow_id=workflow_id, replayed=True)
        if before is not None:
            raise Conflict(f"workflow_id {workflow_id!r} is taken")
        self.placed.append(order)
        await self.play(order, order_id=order_id)
        return Placed(order_id=order_id, workflow_id=workflow_id)

    def playing(self, order_id: str) -> PlacedOrder:
        """Return an order that is open."""
        return self._open[order_id]

    async def play(self, order: NewOrder, *, order_id: str, retry_of: str | None = None) -> None:
        """Play an order's workflow, as far as it gets at once."""
        played = self.shop.order(
            order_id=order_id,
            workflow_id=workflow_id_for(order_id),
            retry_of=retry_of,
            product_id=only_product(order.items),
            quantity=units(order.items),
            lines=order.items if len(order.items) > 1 else (),
            ship=order.ship,
            customer_id=order.customer_id,
            payment_method=order.payment_method,
            request_id=order.request_id,
            fail_at=order.fail_at,
        )
        self._open[order_id] = played
        self._ends[order_id] = asyncio.Event()
        if self.held:
            await played.do_all("reserve_inventory")
        else:
            await self.release(order_id)

    async def release(self, order_id: str) -> None:
        """Bring an order to its end."""
        played = self._open.pop(order_id)
        try:
            for step in STEPS[len(played.completed) :]:
                await self._deliver(played, step)
        except Refusal as refusal:
            reason = {"failure_code": refusal.code, "failure_reason": refusal.message}
            failed_step = STEPS[len(played.completed)]
            await played.close("compensating", failed_step=failed_step, compensations=PENDING, **reason)
            await played.undo_all()
            row = await played.row()
            await played.close("failed", compensations=row.compensations, **reason)
        else:
            await played.close("completed")
        self._ends[order_id].set()

    async def get(self, name: str) -> OrderRecord:
        """Return an order's row."""
        self._check()
        record = await self.shop.reads.get(name) or self.not_begun.get(name)
        if record is None:
            raise NotFound(f"there is no order {name!r}")
        return replace(record)

    async def wait(self, name: str, seconds: float) -> OrderRecord:
        """Wait for an order's end."""
        if self.wait_broken_by is not None:
            raise self.wait_broken_by
        try:
            async with asyncio.timeout(seconds):
                await self._ends[name].wait()
        except TimeoutError:
            pass
        return await self.get(name)

    def close(self) -> None:
        """Let go of nobody: no test of a server that drains has somebody wait."""

    async def ready(self) -> Mapping[str, bool]:
        """Return what was set."""
        return self.present

    async def _deliver(self, played: PlacedOrder, step: str) -> None:
        for attempt in (1, 2):
            try:
                await played.do(step, attempt=attempt)
            except Fault:
                continue
            return
        await played.do(step, attempt=3)

    def _check(self) -> None:
        if self.broken_by is not None:
            raise self.broken_by
