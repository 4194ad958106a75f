"""The warehouse in memory, for tests and for trying things out; it ships from the memory inventory's stock."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from flowforge.durable.fence import Undone, UndoStep, WriteOffStep, WrittenOff
from flowforge.errors import EffectFenced
from flowforge.services.lines import Line, described, only_product, units
from flowforge.services.memory_ledger import MemoryLedger
from flowforge.services.memory_stock import Reserved, move, reserved_for
from flowforge.services.memory_store import MemoryTransaction
from flowforge.services.warehouse.contracts import (
    ApplyToWarehouse,
    Restocked,
    RestockReturn,
    WarehouseApplied,
    WarehouseRecord,
)


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

    async def write_off_revert(self, request: WriteOffStep) -> WrittenOff:
        """See Warehouse.write_off_revert."""
        return await self._ledger.write_off(request, "warehouse.apply", partial(_write_off, request))

    async def restock(self, request: RestockReturn) -> Restocked:
        """See Warehouse.restock."""
        return await self._ledger.apply(request.call, "warehouse.restock", partial(_restock, request), Restocked)

    async def records(
        self, *, order_id: str | None = None, limit: int = 50, before: int | None = None
    ) -> Sequence[WarehouseRecord]:
        """See Warehouse.records."""
        with self._store.transaction() as transaction:
            chosen = [
                record
                for record in transaction.rows(WarehouseRecord).values()
                if (order_id is None or record.order_id == order_id) and (before is None or record.number < before)
            ]
        return sorted(chosen, key=lambda record: record.number, reverse=True)[:limit]


def _apply(request: ApplyToWarehouse, transaction: MemoryTransaction) -> WarehouseApplied:
    reserved = reserved_for(transaction, request.call)
    ready = {
        Line(product_id=reservation.product_id, quantity=reservation.quantity)
        for reservation in reserved.values()
        if reservation.state == "open"
    }
    if ready != set(request.lines):
        raise EffectFenced(f"nothing to ship: {described(request.lines)} are not reserved for {request.call.saga_id}")
    for key, reservation in reserved.items():
        transaction.rows(Reserved)[key] = replace(reservation, state="shipped")
        move(transaction, reservation.product_id, reserved=-reservation.quantity, shipped=reservation.quantity)
        records = transaction.rows(WarehouseRecord)
        records[key] = WarehouseRecord(
            number=len(records) + 1,
            order_id=request.order_id,
            product_id=reservation.product_id,
            quantity=reservation.quantity,
            status="applied",
            created_at=datetime.now(UTC),
        )
    return WarehouseApplied(product_id=only_product(request.lines), quantity=units(request.lines))


def _revert(request: UndoStep, transaction: MemoryTransaction, _outcome: Mapping[str, Any]) -> None:
    records = transaction.rows(WarehouseRecord)
    for key, reservation in reserved_for(transaction, request.call).items():
        records[key] = replace(records[key], status="reverted")
        still_reserved = reservation.state == "shipped"
        if still_reserved:
            transaction.rows(Reserved)[key] = replace(reservation, state="open")
        # Where the reservation was released meanwhile, there is none to put the units back into.
        where = "reserved" if still_reserved else "available"
        move(transaction, reservation.product_id, shipped=-reservation.quantity, **{where: reservation.quantity})


def _write_off(request: WriteOffStep, transaction: MemoryTransaction, _outcome: Mapping[str, Any]) -> None:
    records = transaction.rows(WarehouseRecord)
    for key in reserved_for(transaction, request.call):
        records[key] = replace(records[key], status="written_off")


def _restock(request: RestockReturn, transaction: MemoryTransaction) -> Restocked:
    records = transaction.rows(WarehouseRecord)
    shipped = {key: records[key] for key in reserved_for(transaction, request.call) if records[key].status == "applied"}
    for key, record in shipped.items():
        records[key] = replace(record, status="returned")
        move(transaction, record.product_id, shipped=-record.quantity, available=record.quantity)
    return Restocked(quantity=sum(record.quantity for record in shipped.values()))
