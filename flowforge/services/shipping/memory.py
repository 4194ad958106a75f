"""The carrier's sandbox in memory, for tests and for trying things out."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from flowforge.durable.fence import StepCall, Undone, UndoStep, WriteOffStep, WrittenOff
from flowforge.errors import NotFound
from flowforge.ids import new_shipment_id
from flowforge.services.journal import Journal
from flowforge.services.memory_ledger import MemoryLedger
from flowforge.services.memory_store import MemoryTransaction
from flowforge.services.shipping.contracts import (
    CreateShipment,
    MoveShipment,
    Shipment,
    ShipmentBooked,
    ShipmentTakenBack,
    TakeShipmentBack,
)
from flowforge.services.shipping.route import called_back, moved, taken_back


class MemoryShipping:
    """Implements the Shipping port on the store of a MemoryLedger, whose journal is `journal`."""

    def __init__(self, ledger: MemoryLedger, journal: Journal[Any]) -> None:
        self._store = ledger.store
        self._ledger = ledger
        self._journal = journal

    async def create(self, request: CreateShipment) -> ShipmentBooked:
        """See Shipping.create."""
        return await self._ledger.apply(request.call, "shipping.create", partial(_create, request), ShipmentBooked)

    async def cancel(self, request: UndoStep) -> Undone:
        """See Shipping.cancel."""
        return await self._ledger.undo(request.call, "shipping.create", _cancel)

    async def write_off_cancel(self, request: WriteOffStep) -> WrittenOff:
        """See Shipping.write_off_cancel."""
        return await self._ledger.write_off(request, "shipping.create", _leave)

    async def take_back(self, request: TakeShipmentBack) -> ShipmentTakenBack:
        """See Shipping.take_back."""
        return await self._ledger.apply(
            request.call, "shipping.take_back", partial(_take_back, request), ShipmentTakenBack
        )

    async def move(self, change: MoveShipment) -> Shipment:
        """See Shipping.move."""
        # In a thread, because the journal may wait for a database.
        return await asyncio.to_thread(self._move, change)

    async def shipment(self, shipment_id: str) -> Shipment | None:
        """See Shipping.shipment."""
        with self._store.transaction() as transaction:
            return transaction.rows(Shipment).get(shipment_id)

    async def shipments(
        self, *, order_id: str | None = None, limit: int = 50, before: str | None = None
    ) -> Sequence[Shipment]:
        """See Shipping.shipments."""
        with self._store.transaction() as transaction:
            chosen = [
                shipment
                for shipment in transaction.rows(Shipment).values()
                if (order_id is None or shipment.order_id == order_id)
                and (before is None or shipment.shipment_id < before)
            ]
        return sorted(chosen, key=lambda shipment: shipment.shipment_id, reverse=True)[:limit]

    def _move(self, change: MoveShipment) -> Shipment:
        with self._store.transaction() as transaction:
            shipments = transaction.rows(Shipment)
            before = shipments.get(change.shipment_id)
            if before is None:
                raise NotFound(f"there is no shipment {change.shipment_id}")
            after = shipments[before.shipment_id] = moved(before, change.status)
            if after != before:
                saga_id = transaction.rows(StepCall)[before.shipment_id].saga_id
                self._journal.beyond_recall(saga_id, after.updated_at, None)
            return after


def _create(request: CreateShipment, transaction: MemoryTransaction) -> ShipmentBooked:
    shipment_id, now = new_shipment_id(), datetime.now(UTC)
    transaction.rows(Shipment)[shipment_id] = Shipment(
        shipment_id=shipment_id, order_id=request.order_id, status="booked", created_at=now, updated_at=now
    )
    transaction.rows(StepCall)[shipment_id] = request.call
    return ShipmentBooked(shipment_id=shipment_id)


def _cancel(transaction: MemoryTransaction, outcome: Mapping[str, Any]) -> None:
    shipments = transaction.rows(Shipment)
    shipments[outcome["shipment_id"]] = called_back(shipments[outcome["shipment_id"]])


def _leave(transaction: MemoryTransaction, outcome: Mapping[str, Any]) -> None:
    """Change nothing: a parcel that is given up is still where its carrier has it."""


def _take_back(request: TakeShipmentBack, transaction: MemoryTransaction) -> ShipmentTakenBack:
    shipments = transaction.rows(Shipment)
    [shipment_id] = [
        shipment_id
        for shipment_id, call in transaction.rows(StepCall).items()
        if (call.saga_id, call.occurrence) == (request.call.saga_id, request.call.occurrence)
    ]
    after = shipments[shipment_id] = taken_back(shipments[shipment_id])
    return ShipmentTakenBack(shipment_id=after.shipment_id, status=after.status)
