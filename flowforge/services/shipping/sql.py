"""The carrier's sandbox in the database."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection, bindparam, insert, select, update

from flowforge.durable.fence import Undone, UndoStep, WriteOffStep, WrittenOff
from flowforge.errors import NotFound
from flowforge.ids import new_shipment_id
from flowforge.persistence.database import Database
from flowforge.persistence.tables.shipping import SHIPMENTS
from flowforge.services.journal import Journal
from flowforge.services.ledger import SqlLedger
from flowforge.services.shipping.contracts import (
    CreateShipment,
    MoveShipment,
    Shipment,
    ShipmentBooked,
    ShipmentTakenBack,
    TakeShipmentBack,
)
from flowforge.services.shipping.route import called_back, moved, taken_back

_BOOK: Final = insert(SHIPMENTS)
_SHIPMENTS: Final = select(*(SHIPMENTS.c[name] for name in Shipment.__slots__))
_BY_ID: Final = _SHIPMENTS.where(SHIPMENTS.c.shipment_id == bindparam("id"))
_TO_CHANGE: Final = (
    select(SHIPMENTS.c.saga_id, *_SHIPMENTS.selected_columns)
    .where(SHIPMENTS.c.shipment_id == bindparam("id"))
    .with_for_update()
)
_OF_SAGA: Final = _SHIPMENTS.where(
    SHIPMENTS.c.saga_id == bindparam("saga"), SHIPMENTS.c.occurrence == bindparam("number")
).with_for_update()
_CHANGE: Final = (
    update(SHIPMENTS)
    .where(SHIPMENTS.c.shipment_id == bindparam("id"))
    .values(status=bindparam("to"), updated_at=bindparam("at"))
)


class SqlShipping:
    """Implements the Shipping port on the table shipments."""

    def __init__(self, database: Database, ledger: SqlLedger, journal: Journal[Connection]) -> None:
        self._database = database
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
        return await self._database.write(partial(self._move, change))

    async def shipment(self, shipment_id: str) -> Shipment | None:
        """See Shipping.shipment."""
        return await self._database.read(partial(_shipment, shipment_id))

    async def shipments(
        self, *, order_id: str | None = None, limit: int = 50, before: str | None = None
    ) -> Sequence[Shipment]:
        """See Shipping.shipments."""
        return await self._database.read(partial(_list, order_id, limit, before))

    def _move(self, change: MoveShipment, connection: Connection) -> Shipment:
        row = connection.execute(_TO_CHANGE, {"id": change.shipment_id}).mappings().first()
        if row is None:
            raise NotFound(f"there is no shipment {change.shipment_id}")
        columns = dict(row)
        saga_id = columns.pop("saga_id")
        before = Shipment(**columns)
        after = moved(before, change.status)
        if after != before:
            self._journal.beyond_recall(saga_id, after.updated_at, connection)
            _change(connection, after)
        return after


def _create(request: CreateShipment, connection: Connection) -> ShipmentBooked:
    booked = ShipmentBooked(shipment_id=new_shipment_id())
    now = datetime.now(UTC)
    connection.execute(
        _BOOK,
        {
            "shipment_id": booked.shipment_id,
            "saga_id": request.call.saga_id,
            "occurrence": request.call.occurrence,
            "order_id": request.order_id,
            "status": "booked",
            "created_at": now,
            "updated_at": now,
        },
    )
    return booked


def _cancel(connection: Connection, outcome: dict[str, Any]) -> None:
    columns = dict(connection.execute(_TO_CHANGE, {"id": outcome["shipment_id"]}).mappings().one())
    del columns["saga_id"]
    _change(connection, called_back(Shipment(**columns)))


def _leave(connection: Connection, outcome: dict[str, Any]) -> None:
    """Change nothing: a parcel that is given up is still where its carrier has it."""


def _take_back(request: TakeShipmentBack, connection: Connection) -> ShipmentTakenBack:
    key = {"saga": request.call.saga_id, "number": request.call.occurrence}
    before = Shipment(**connection.execute(_OF_SAGA, key).mappings().one())
    after = taken_back(before)
    if after != before:
        _change(connection, after)
    return ShipmentTakenBack(shipment_id=after.shipment_id, status=after.status)


def _change(connection: Connection, shipment: Shipment) -> None:
    connection.execute(_CHANGE, {"id": shipment.shipment_id, "to": shipment.status, "at": shipment.updated_at})


def _shipment(shipment_id: str, connection: Connection) -> Shipment | None:
    row = connection.execute(_BY_ID, {"id": shipment_id}).mappings().first()
    return None if row is None else Shipment(**row)


def _list(order_id: str | None, limit: int, before: str | None, connection: Connection) -> list[Shipment]:
    # Shipment ids sort by time.
    query = _SHIPMENTS.order_by(SHIPMENTS.c.shipment_id.desc()).limit(limit)
    if order_id is not None:
        query = query.where(SHIPMENTS.c.order_id == order_id)
    if before is not None:
        query = query.where(SHIPMENTS.c.shipment_id < before)
    return [Shipment(**row) for row in connection.execute(query).mappings()]
