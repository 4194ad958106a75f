"""Control over orders without Temporal: what an operator asks for is played against a real shop at once."""

from dataclasses import replace
from datetime import UTC, datetime

from flowforge.durable.compensation import Compensation
from flowforge.errors import Conflict, NotFound
from flowforge.ids import order_id_of, workflow_id_of_retry
from flowforge.orders.control import CancelAccepted, ControlAccepted
from flowforge.orders.control_rows import ControlledOrder, ControlRows
from flowforge.orders.gateway import NewOrder, PlacedOrder
from flowforge.orders.records import GOING_FORWARD
from tests.integration.http.played import PlayedOrders
from tests.integration.orders.shop import PENDING, STEPS, UNDOS
from tests.integration.orders.shop import PlacedOrder as Played

REFUND = UNDOS["process_payment"]


class PlayedControl:
    """Implements `api.dependencies.OrderControls` over orders that are held (see PlayedOrders).

    Attributes:
        broken_by: what every call raises, while it is set.
    """

    def __init__(self, orders: PlayedOrders) -> None:
        self.broken_by: Exception | None = None
        self._orders = orders
        self._rows = ControlRows(orders.shop.database)

    async def stick(self, order_id: str) -> None:
        """Have an order fail at the warehouse, and its refund be refused for good: it waits for an operator."""
        played = self._orders.playing(order_id)
        await played.do("process_payment")
        await played.fail("update_warehouse")
        for step in ("update_warehouse", "reserve_inventory"):
            await played.undo(step)
        await self._attend(played, error="the provider says no")

    async def cancel(self, name: str, reason: str) -> CancelAccepted:
        """See OrderControls."""
        self._check()
        row = await self._rows.mark_cancelled(name, reason)
        if row is None:
            raise NotFound(f"there is no order {name!r}")
        counts = row.cancel_reason or reason
        if row.status in GOING_FORWARD:
            played = self._orders.playing(row.order_id)
            await played.close("compensating", failure_code="cancelled", compensations=PENDING)
            await played.undo_all()
            await played.close("cancelled", compensations=(await played.row()).compensations)
        return CancelAccepted(order_id=row.order_id, workflow_id=row.workflow_id, reason=counts)

    async def pause(self, name: str, *, request_id: str) -> ControlAccepted:
        """See OrderControls."""
        row = await self._find(name)
        if row.status not in GOING_FORWARD:
            raise Conflict(row.plight)
        await self._orders.playing(row.order_id).close("paused")
        return await self._accepted(row)

    async def resume(self, name: str, *, request_id: str) -> ControlAccepted:
        """See OrderControls."""
        row = await self._find(name)
        if row.status not in GOING_FORWARD:
            raise Conflict(row.plight)
        await self._orders.playing(row.order_id).close("running", deadline_at=datetime.now(UTC).isoformat())
        return await self._accepted(row)

    async def retry(self, name: str, request_id: str) -> PlacedOrder:
        """See OrderControls."""
        row = await self._find(name)
        if row.status not in {"failed", "cancelled"} or row.retried_by is not None:
            raise Conflict(row.plight)
        workflow_id = workflow_id_of_retry(row.workflow_id)
        again = NewOrder(
            product_id=row.input["product_id"],
            quantity=row.input["quantity"],
            customer_id=row.input["customer_id"],
            payment_method=row.input["payment_method"],
            workflow_id=workflow_id,
            request_id=request_id,
        )
        await self._orders.play(again, order_id=order_id_of(workflow_id), retry_of=row.order_id)
        return PlacedOrder(order_id=order_id_of(workflow_id), workflow_id=workflow_id)

    async def retry_compensation(self, name: str, undo: str) -> ControlAccepted:
        """See OrderControls; the undo succeeds this time."""
        row, played = await self._in_need(name, undo)
        await played.undo(STEPS[2], attempt=2)
        await played.close("failed", compensations=(await played.row()).compensations)
        return await self._accepted(row)

    async def write_off(self, name: str, undo: str, by: str, reason: str) -> ControlAccepted:
        """See OrderControls."""
        row, played = await self._in_need(name, undo)
        settled = [
            replace(each, written_off=f"{by}: {reason}") if each.name == undo else each
            for each in (await played.row()).compensations
        ]
        await played.close("failed", compensations=tuple(settled))
        return await self._accepted(row)

    async def _attend(self, played: Played, *, error: str) -> None:
        told = (
            Compensation(name=each.name, status="failed", attempts=1, error=error) if each.name == REFUND else each
            for each in (await played.row()).compensations
        )
        await played.close("needs_attention", compensations=tuple(told))

    async def _in_need(self, name: str, undo: str) -> tuple[ControlledOrder, Played]:
        row = await self._find(name)
        if row.status != "needs_attention":
            raise Conflict(row.plight)
        if undo not in UNDOS.values():
            raise NotFound(f"the order has no undo {undo!r}")
        return row, self._orders.playing(row.order_id)

    async def _find(self, name: str) -> ControlledOrder:
        self._check()
        row = await self._rows.find(name)
        if row is None:
            raise NotFound(f"there is no order {name!r}")
        return row

    async def _accepted(self, row: ControlledOrder) -> ControlAccepted:
        now = await self._find(row.order_id)
        return ControlAccepted(order_id=row.order_id, workflow_id=row.workflow_id, status=now.status)

    def _check(self) -> None:
        if self.broken_by is not None:
            raise self.broken_by
