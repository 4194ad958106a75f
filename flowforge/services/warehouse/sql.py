"""The warehouse in the database; it ships from the same stock that the inventory reserves."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from sqlalchemy import BigInteger, BindParameter, Connection, bindparam, func, insert, select, update

from flowforge.durable.fence import StepCall, Undone, UndoStep
from flowforge.errors import EffectFenced
from flowforge.persistence.database import Database
from flowforge.persistence.tables.inventory import PRODUCTS, RESERVATIONS
from flowforge.persistence.tables.warehouse import WAREHOUSE_RECORDS
from flowforge.services.ledger import SqlLedger
from flowforge.services.warehouse.contracts import ApplyToWarehouse, WarehouseApplied, WarehouseRecord

_UNITS: Final[BindParameter[int]] = bindparam("units", type_=BigInteger)
_PRODUCT: Final = PRODUCTS.c.product_id == bindparam("product")
_RESERVATION: Final = (
    (RESERVATIONS.c.saga_id == bindparam("saga"))
    & (RESERVATIONS.c.occurrence == bindparam("number"))
    & (RESERVATIONS.c.product_id == bindparam("product"))
)

_CONSUME: Final = (
    update(RESERVATIONS)
    .where(_RESERVATION, RESERVATIONS.c.state == "open", RESERVATIONS.c.quantity == _UNITS)
    .values(state="shipped")
)
_REOPEN: Final = update(RESERVATIONS).where(_RESERVATION, RESERVATIONS.c.state == "shipped").values(state="open")
_SHIP: Final = (
    update(PRODUCTS)
    .where(_PRODUCT)
    .values(
        on_hand=PRODUCTS.c.on_hand - _UNITS,
        reserved=PRODUCTS.c.reserved - _UNITS,
        shipped=PRODUCTS.c.shipped + _UNITS,
    )
)
_BACK_INTO_RESERVATION: Final = (
    update(PRODUCTS)
    .where(_PRODUCT)
    .values(
        on_hand=PRODUCTS.c.on_hand + _UNITS,
        reserved=PRODUCTS.c.reserved + _UNITS,
        shipped=PRODUCTS.c.shipped - _UNITS,
    )
)
_BACK_INTO_STOCK: Final = (
    update(PRODUCTS)
    .where(_PRODUCT)
    .values(
        on_hand=PRODUCTS.c.on_hand + _UNITS,
        available=PRODUCTS.c.available + _UNITS,
        shipped=PRODUCTS.c.shipped - _UNITS,
    )
)
_RECORD: Final = insert(WAREHOUSE_RECORDS).inline()
_REVERT: Final = (
    update(WAREHOUSE_RECORDS)
    .where(
        WAREHOUSE_RECORDS.c.saga_id == bindparam("saga"),
        WAREHOUSE_RECORDS.c.occurrence == bindparam("number"),
        WAREHOUSE_RECORDS.c.product_id == bindparam("product"),
    )
    .values(status="reverted", reverted_at=bindparam("at"))
)
_RECORDS: Final = select(*(WAREHOUSE_RECORDS.c[name] for name in WarehouseRecord.__slots__))


class SqlWarehouse:
    """Implements the Warehouse port on the tables products, reservations and warehouse_records."""

    def __init__(self, database: Database, ledger: SqlLedger) -> None:
        self._database = database
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
        return await self._database.read(partial(_list, order_id, limit, before))


def _apply(request: ApplyToWarehouse, connection: Connection) -> WarehouseApplied:
    key = _key(request.call, request.product_id)
    if connection.execute(_CONSUME, {**key, "units": request.quantity}).rowcount == 0:
        raise EffectFenced(
            f"nothing to ship: {request.quantity} x {request.product_id} are not reserved for {request.call.saga_id}"
        )
    connection.execute(_SHIP, {"product": request.product_id, "units": request.quantity})
    connection.execute(
        _RECORD,
        {
            "saga_id": request.call.saga_id,
            "occurrence": request.call.occurrence,
            "product_id": request.product_id,
            "order_id": request.order_id,
            "quantity": request.quantity,
            "status": "applied",
            "created_at": datetime.now(UTC),
            "reverted_at": None,
        },
    )
    return WarehouseApplied(product_id=request.product_id, quantity=request.quantity)


def _revert(request: UndoStep, connection: Connection, outcome: dict[str, Any]) -> None:
    key = _key(request.call, outcome["product_id"])
    connection.execute(_REVERT, {**key, "at": datetime.now(UTC)})
    # Where the reservation was released meanwhile, there is none to put the units back into.
    still_reserved = connection.execute(_REOPEN, key).rowcount > 0
    connection.execute(
        _BACK_INTO_RESERVATION if still_reserved else _BACK_INTO_STOCK,
        {"product": outcome["product_id"], "units": outcome["quantity"]},
    )


def _key(call: StepCall, product_id: str) -> dict[str, Any]:
    return {"saga": call.saga_id, "number": call.occurrence, "product": product_id}


def _list(order_id: str | None, limit: int, before: str | None, connection: Connection) -> list[WarehouseRecord]:
    query = _RECORDS.order_by(WAREHOUSE_RECORDS.c.sequence.desc()).limit(limit)
    if order_id is not None:
        query = query.where(WAREHOUSE_RECORDS.c.order_id == order_id)
    if before is not None:
        oldest = select(func.min(WAREHOUSE_RECORDS.c.sequence)).where(WAREHOUSE_RECORDS.c.order_id == before)
        query = query.where(WAREHOUSE_RECORDS.c.sequence < oldest.scalar_subquery())
    return [WarehouseRecord(**row) for row in connection.execute(query).mappings()]
