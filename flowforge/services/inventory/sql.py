"""The inventory in the database."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from sqlalchemy import BigInteger, BindParameter, Connection, bindparam, insert, select, update

from flowforge.durable.fence import Undone, UndoStep, WriteOffStep, WrittenOff
from flowforge.persistence.database import Database
from flowforge.persistence.tables.inventory import PRODUCTS, RESERVATIONS, STOCK_MOVEMENTS
from flowforge.services.inventory.contracts import (
    Quote,
    QuoteOrder,
    Reservation,
    ReserveInventory,
    SetStock,
    StockLevel,
)
from flowforge.services.inventory.stock import quoted, refuse_unless_available, with_stock_set
from flowforge.services.ledger import SqlLedger
from flowforge.services.lines import Line, only_product, units

_PRODUCT: Final = PRODUCTS.c.product_id == bindparam("id")
_UNITS: Final[BindParameter[int]] = bindparam("units", type_=BigInteger)

_FIND: Final = select(PRODUCTS).where(_PRODUCT)
_FIND_TO_CHANGE: Final = _FIND.with_for_update()
_FIND_MANY: Final = (
    select(PRODUCTS).where(PRODUCTS.c.product_id.in_(bindparam("ids", expanding=True))).order_by(PRODUCTS.c.product_id)
)
_LOCK_MANY: Final = _FIND_MANY.with_for_update()
"""In one order for all who change several products, so that no two of them wait for each other."""

_LEVELS: Final = (
    select(PRODUCTS)
    .where(PRODUCTS.c.product_id > bindparam("after"))
    .order_by(PRODUCTS.c.product_id)
    .limit(bindparam("count"))
)
_TAKE: Final = (
    update(PRODUCTS)
    .where(_PRODUCT, PRODUCTS.c.available >= _UNITS)
    .values(available=PRODUCTS.c.available - _UNITS, reserved=PRODUCTS.c.reserved + _UNITS)
)
_GIVE_BACK: Final = (
    update(PRODUCTS)
    .where(_PRODUCT)
    .values(available=PRODUCTS.c.available + _UNITS, reserved=PRODUCTS.c.reserved - _UNITS)
)
_RESERVE: Final = insert(RESERVATIONS)
_OF_THIS_SAGA: Final = (RESERVATIONS.c.saga_id == bindparam("saga")) & (
    RESERVATIONS.c.occurrence == bindparam("number")
)
_FIND_RESERVED: Final = (
    select(RESERVATIONS.c.product_id, RESERVATIONS.c.state, RESERVATIONS.c.quantity)
    .where(_OF_THIS_SAGA)
    .with_for_update()
)
_RELEASE: Final = update(RESERVATIONS).where(_OF_THIS_SAGA).values(state="released")
_GIVE_UP: Final = update(RESERVATIONS).where(_OF_THIS_SAGA).values(state="written_off")
_COUNT_OUT: Final = (
    update(PRODUCTS).where(_PRODUCT).values(on_hand=PRODUCTS.c.on_hand - _UNITS, reserved=PRODUCTS.c.reserved - _UNITS)
)
_ADD: Final = insert(PRODUCTS)
_CHANGE: Final = (
    update(PRODUCTS)
    .where(_PRODUCT)
    .values({column: bindparam(column.name) for column in PRODUCTS.c if column.name != "product_id"})
)
_MOVE: Final = insert(STOCK_MOVEMENTS).inline()


class SqlInventory:
    """Implements the Inventory port on the tables products, reservations and stock_movements."""

    def __init__(self, database: Database, ledger: SqlLedger) -> None:
        self._database = database
        self._ledger = ledger

    async def quote(self, request: QuoteOrder) -> Quote:
        """See Inventory.quote."""
        return await self._ledger.apply(request.call, "inventory.quote", partial(_quote, request), Quote)

    async def reserve(self, request: ReserveInventory) -> Reservation:
        """See Inventory.reserve."""
        return await self._ledger.apply(request.call, "inventory.reserve", partial(_reserve, request), Reservation)

    async def release(self, request: UndoStep) -> Undone:
        """See Inventory.release."""
        return await self._ledger.undo(request.call, "inventory.reserve", partial(_release, request))

    async def write_off_release(self, request: WriteOffStep) -> WrittenOff:
        """See Inventory.write_off_release."""
        return await self._ledger.write_off(request, "inventory.reserve", partial(_write_off, request))

    async def set_stock(self, change: SetStock) -> StockLevel:
        """See Inventory.set_stock."""
        return await self._database.write(partial(_set_stock, change))

    async def levels(self, *, limit: int = 200, after: str | None = None) -> Sequence[StockLevel]:
        """See Inventory.levels."""
        return await self._database.read(partial(_levels, limit, after))


def _quote(request: QuoteOrder, connection: Connection) -> Quote:
    return quoted(request.lines, _products(connection, request.lines))


def _reserve(request: ReserveInventory, connection: Connection) -> Reservation:
    _take(connection, request.lines)
    now = datetime.now(UTC)
    connection.execute(
        _RESERVE,
        [
            {
                "saga_id": request.call.saga_id,
                "occurrence": request.call.occurrence,
                "product_id": line.product_id,
                "quantity": line.quantity,
                "state": "open",
                "created_at": now,
            }
            for line in request.lines
        ],
    )
    return Reservation(product_id=only_product(request.lines), quantity=units(request.lines))


def _take(connection: Connection, lines: Sequence[Line]) -> None:
    """Take all units from the available ones, or refuse before anything was written."""
    movements = [{"id": line.product_id, "units": line.quantity} for line in lines]
    if len(lines) == 1 and connection.execute(_TAKE, movements[0]).rowcount == 1:
        return
    refuse_unless_available(lines, _lock(connection, lines))
    connection.execute(_TAKE, movements)


def _release(request: UndoStep, connection: Connection, _outcome: dict[str, Any]) -> None:
    key = {"saga": request.call.saga_id, "number": request.call.occurrence}
    reserved = connection.execute(_FIND_RESERVED, key).all()
    connection.execute(_RELEASE, key)
    # Units that are shipped are not here to be given back: the revert of the shipment, still to come, finds the
    # reservation released and returns them to the available ones. So the two undos may come in either order.
    back = [Line(product_id=row.product_id, quantity=row.quantity) for row in reserved if row.state == "open"]
    if len(back) > 1:
        _lock(connection, back)
    if back:
        connection.execute(_GIVE_BACK, [{"id": line.product_id, "units": line.quantity} for line in back])


def _write_off(request: WriteOffStep, connection: Connection, _outcome: dict[str, Any]) -> None:
    key = {"saga": request.call.saga_id, "number": request.call.occurrence}
    reserved = connection.execute(_FIND_RESERVED, key).all()
    connection.execute(_GIVE_UP, key)
    # Units that are shipped are on nobody's shelf: what becomes of them is for the shipment to say.
    lost = [Line(product_id=row.product_id, quantity=row.quantity) for row in reserved if row.state == "open"]
    if len(lost) > 1:
        _lock(connection, lost)
    if lost:
        connection.execute(_COUNT_OUT, [{"id": line.product_id, "units": line.quantity} for line in lost])
        why, now = f"written off: {request.reason}", datetime.now(UTC)
        connection.execute(
            _MOVE,
            [{"product_id": line.product_id, "delta": -line.quantity, "reason": why, "at": now} for line in lost],
        )


def _products(connection: Connection, lines: Sequence[Line]) -> dict[str, Any]:
    if len(lines) == 1:
        found = connection.execute(_FIND, {"id": lines[0].product_id})
    else:
        found = connection.execute(_FIND_MANY, {"ids": [line.product_id for line in lines]})
    return {row.product_id: row for row in found}


def _lock(connection: Connection, lines: Sequence[Line]) -> dict[str, Any]:
    found = connection.execute(_LOCK_MANY, {"ids": [line.product_id for line in lines]})
    return {row.product_id: row for row in found}


def _set_stock(change: SetStock, connection: Connection) -> StockLevel:
    row = connection.execute(_FIND_TO_CHANGE, {"id": change.product_id}).mappings().first()
    present = None if row is None else StockLevel(**row)
    level = with_stock_set(change, present)
    columns = asdict(level)
    if present is None:
        connection.execute(_ADD, columns)
    else:
        connection.execute(_CHANGE, {"id": columns.pop("product_id"), **columns})
    delta = level.on_hand - (0 if present is None else present.on_hand)
    if delta:
        reason = "opening stock" if present is None else "stock set"
        movement = {"product_id": change.product_id, "delta": delta, "reason": reason, "at": datetime.now(UTC)}
        connection.execute(_MOVE, movement)
    return level


def _levels(limit: int, after: str | None, connection: Connection) -> list[StockLevel]:
    rows = connection.execute(_LEVELS, {"count": limit, "after": after or ""})  # every id sorts after the empty one
    return [StockLevel(**row) for row in rows.mappings()]
