"""The warehouse in the database; it ships from the same stock that the inventory reserves."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from sqlalchemy import BigInteger, BindParameter, Connection, Row, Update, bindparam, insert, select, update

from flowforge.durable.fence import StepCall, Undone, UndoStep, WriteOffStep, WrittenOff
from flowforge.errors import EffectFenced
from flowforge.persistence.database import Database
from flowforge.persistence.tables.inventory import PRODUCTS, RESERVATIONS
from flowforge.persistence.tables.warehouse import WAREHOUSE_RECORDS
from flowforge.services.ledger import SqlLedger
from flowforge.services.lines import Line, described, only_product, units
from flowforge.services.warehouse.contracts import (
    ApplyToWarehouse,
    Restocked,
    RestockReturn,
    WarehouseApplied,
    WarehouseRecord,
)

_UNITS: Final[BindParameter[int]] = bindparam("units", type_=BigInteger)
_PRODUCT: Final = PRODUCTS.c.product_id == bindparam("product")
_RESERVED: Final = (RESERVATIONS.c.saga_id == bindparam("saga")) & (RESERVATIONS.c.occurrence == bindparam("number"))
_SHIPPED: Final = (
    (WAREHOUSE_RECORDS.c.saga_id == bindparam("saga"))
    & (WAREHOUSE_RECORDS.c.occurrence == bindparam("number"))
    & (WAREHOUSE_RECORDS.c.status == "applied")
)

_CONSUME: Final = (
    update(RESERVATIONS)
    .where(_RESERVED, RESERVATIONS.c.state == "open")
    .values(state="shipped")
    .returning(RESERVATIONS.c.product_id, RESERVATIONS.c.quantity)
)
_REOPEN: Final = update(RESERVATIONS).where(_RESERVED, RESERVATIONS.c.state == "shipped").values(state="open")
_LOCK_MANY: Final = (
    select(PRODUCTS.c.product_id)
    .where(PRODUCTS.c.product_id.in_(bindparam("ids", expanding=True)))
    .order_by(PRODUCTS.c.product_id)
    .with_for_update()
)
"""In one order for all who change several products, so that no two of them wait for each other."""

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
_TAKE_BACK: Final = (
    update(WAREHOUSE_RECORDS)
    .where(_SHIPPED)
    .values(status=bindparam("as"), reverted_at=bindparam("at"))
    .returning(WAREHOUSE_RECORDS.c.product_id, WAREHOUSE_RECORDS.c.quantity)
)
_GIVE_UP: Final = update(WAREHOUSE_RECORDS).where(_SHIPPED).values(status="written_off")
_RECORDS: Final = select(
    WAREHOUSE_RECORDS.c.sequence.label("number"),
    *(WAREHOUSE_RECORDS.c[name] for name in WarehouseRecord.__slots__ if name != "number"),
)


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
        return await self._database.read(partial(_list, order_id, limit, before))


def _apply(request: ApplyToWarehouse, connection: Connection) -> WarehouseApplied:
    call = request.call
    if set(_lines(connection.execute(_CONSUME, _key(call)))) != set(request.lines):
        raise EffectFenced(f"nothing to ship: {described(request.lines)} are not reserved for {call.saga_id}")
    _move(connection, _SHIP, request.lines)
    now = datetime.now(UTC)
    connection.execute(
        _RECORD,
        [
            {
                "saga_id": call.saga_id,
                "occurrence": call.occurrence,
                "product_id": line.product_id,
                "order_id": request.order_id,
                "quantity": line.quantity,
                "status": "applied",
                "created_at": now,
                "reverted_at": None,
            }
            for line in request.lines
        ],
    )
    return WarehouseApplied(product_id=only_product(request.lines), quantity=units(request.lines))


def _revert(request: UndoStep, connection: Connection, _outcome: dict[str, Any]) -> None:
    lines = _take_back(connection, request.call, "reverted")
    # Where the reservation was released meanwhile, there is none to put the units back into.
    still_reserved = connection.execute(_REOPEN, _key(request.call)).rowcount > 0
    _move(connection, _BACK_INTO_RESERVATION if still_reserved else _BACK_INTO_STOCK, lines)


def _write_off(request: WriteOffStep, connection: Connection, _outcome: dict[str, Any]) -> None:
    connection.execute(_GIVE_UP, _key(request.call))


def _restock(request: RestockReturn, connection: Connection) -> Restocked:
    lines = _take_back(connection, request.call, "returned")
    _move(connection, _BACK_INTO_STOCK, lines)
    return Restocked(quantity=units(lines))


def _take_back(connection: Connection, call: StepCall, status: str) -> list[Line]:
    return _lines(connection.execute(_TAKE_BACK, {**_key(call), "as": status, "at": datetime.now(UTC)}))


def _move(connection: Connection, movement: Update, lines: Sequence[Line]) -> None:
    if len(lines) > 1:
        connection.execute(_LOCK_MANY, {"ids": [line.product_id for line in lines]}).all()
    if lines:
        connection.execute(movement, [{"product": line.product_id, "units": line.quantity} for line in lines])


def _lines(rows: Iterable[Row[str, int]]) -> list[Line]:
    return [Line(product_id=row.product_id, quantity=row.quantity) for row in rows]


def _key(call: StepCall) -> dict[str, Any]:
    return {"saga": call.saga_id, "number": call.occurrence}


def _list(order_id: str | None, limit: int, before: int | None, connection: Connection) -> list[WarehouseRecord]:
    query = _RECORDS.order_by(WAREHOUSE_RECORDS.c.sequence.desc()).limit(limit)
    if order_id is not None:
        query = query.where(WAREHOUSE_RECORDS.c.order_id == order_id)
    if before is not None:
        query = query.where(WAREHOUSE_RECORDS.c.sequence < before)
    return [WarehouseRecord(**row) for row in connection.execute(query).mappings()]
