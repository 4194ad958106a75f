"""The warehouse in memory, for tests and for trying things out; it ships from the memory inventory's stock."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from flowforge.durable.fence import Undone, UndoStep
from flowforge.errors import EffectFenced
from flowforge.services.memory_ledger import MemoryLedger
from flowforge.services.memory_stock import Reserved, move
from flowforge.services.memory_store import MemoryTransaction
from flowforge.services.warehouse.contracts import ApplyToWarehouse, WarehouseApplied, WarehouseRecord


class MemoryWarehouse:
    """Implements the Warehouse port on the store of the MemoryLedger that its inventory uses."""

    def __init__(self, ledger: MemoryLedger) -> None:
        self._store = ledger.store
        self._ledger = ledger

    async def apply(self, request: ApplyToWarehouse) -> WarehouseApplied:
        """See Warehouse.apply."""
        return await self._ledger.apply(request.call, "warehouse.apply", partial(_apply, request), WarehouseApplied)

    async def revert(self, request: UndoStep) -> Undone:
        """See Warehouse.revert."""
        return await self._ledger.undo(request.call, "warehouse.apply", partial(_revert, request))

    async def records(
        self, *, order_id: str | None = None, limit: int = 50, before: str | None = None
    ) -> Sequence[WarehouseRecord]:
        """See Warehouse.records."""
        with self._store.transaction() as transaction:
            newest_first = list(reversed(list(transaction.rows(WarehouseRecord).values())))
        if before is not None:
            older = [index for index, record in enumerate(newest_first) if record.order_id == before]
            newest_first = newest_first[older[-1] + 1 :] if older else []
        return [record for record in newest_first if order_id is None or record.order_id == order_id][:limit]


def _apply(request: ApplyToWarehouse, transaction: MemoryTransaction) -> WarehouseApplied:
    key = (request.call.saga_id, request.call.occurrence, request.product_id)
    reservations = transaction.rows(Reserved)
    reservation = reservations.get(key)
    if reservation is None or reservation.state != "open" or reservation.quantity != request.quantity:
        raise EffectFenced(
            f"nothing to ship: {request.quantity} x {request.product_id} are not reserved for {request.call.saga_id}"
        )
    reservations[key] = replace(reservation, state="shipped")
    move(transaction, request.product_id, reserved=-request.quantity, shipped=request.quantity)
    transaction.rows(WarehouseRecord)[key] = WarehouseRecord(
        order_id=request.order_id,
        product_id=request.product_id,
        quantity=request.quantity,
        status="applied",
        created_at=datetime.now(UTC),
    )
    return WarehouseApplied(product_id=request.product_id, quantity=request.quantity)


def _revert(request: UndoStep, transaction: MemoryTransaction, outcome: Mapping[str, Any]) -> None:
    key = (request.call.saga_id, request.call.occurrence, outcome["product_id"])
    records, reservations = transaction.rows(WarehouseRecord), transaction.rows(Reserved)
    records[key] = replace(records[key], status="reverted")
    quantity, still_reserved = outcome["quantity"], reservations[key].state == "shipped"
    if still_reserved:
        reservations[key] = replace(reservations[key], state="open")
    # Where the reservation was released meanwhile, there is none to put the units back into.
    where = "reserved" if still_reserved else "available"
    move(transaction, outcome["product_id"], shipped=-quantity, **{where: quantity})
