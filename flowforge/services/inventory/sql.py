"""The inventory in the database."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from sqlalchemy import BigInteger, BindParameter, Connection, bindparam, insert, select, update

from flowforge.durable.fence import Undone, UndoStep
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
from flowforge.services.inventory.stock import out_of_stock, unknown_product, with_stock_set
from flowforge.services.ledger import SqlLedger

_PRODUCT: Final = PRODUCTS.c.product_id == bindparam("id")
_UNITS: Final[BindParameter[int]] = bindparam("units", type_=BigInteger)

_FIND: Final = select(PRODUCTS).where(_PRODUCT)
_FIND_TO_CHANGE: Final = _FIND.with_for_update()
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
_FIND_RESERVATION: Final = (
    select(RESERVATIONS.c.state, RESERVATIONS.c.quantity)
    .where(
        RESERVATIONS.c.saga_id == bindparam("saga"),
        RESERVATIONS.c.occurrence == bindparam("number"),
        RESERVATIONS.c.product_id == bindparam("product"),
    )
    .with_for_update()
)
_RELEASE: Final = (
    update(RESERVATIONS)
    .where(
        RESERVATIONS.c.saga_id == bindparam("saga"),
        RESERVATIONS.c.occurrence == bindparam("number"),
        RESERVATIONS.c.product_id == bindparam("product"),
    )
    .values(state="released")
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

    async def set_stock(self, change: SetStock) -> StockLevel:
        """See Inventory.set_stock."""
        return await self._database.write(partial(_set_stock, change))

    async def levels(self, *, limit: int = 200, after: str | None = None) -> Sequence[StockLevel]:
        """See Inventory.levels."""
        return await self._database.read(partial(_levels, limit, after))


def _quote(request: QuoteOrder, connection: Connection) -> Quote:
    product = connection.execute(_FIND, {"id": request.product_id}).first()
    if product is None:
        raise unknown_product(request.product_id)
    if product.available < request.quantity:
        raise out_of_stock(request.product_id, request.quantity, product.available)
    return Quote(
        product_id=request.product_id,
        quantity=request.quantity,
        unit_price_minor=product.unit_price_minor,
        amount_minor=product.unit_price_minor * request.quantity,
        currency=product.currency,
    )


def _reserve(request: ReserveInventory, connection: Connection) -> Reservation:
    if connection.execute(_TAKE, {"id": request.product_id, "units": request.quantity}).rowcount == 0:
        product = connection.execute(_FIND, {"id": request.product_id}).first()
        if product is None:
            raise unknown_product(request.product_id)
        raise out_of_stock(request.product_id, request.quantity, product.available)
    connection.execute(
        _RESERVE,
        {
            "saga_id": request.call.saga_id,
            "occurrence": request.call.occurrence,
            "product_id": request.product_id,
            "quantity": request.quantity,
            "state": "open",
            "created_at": datetime.now(UTC),
        },
    )
    return Reservation(product_id=request.product_id, quantity=request.quantity)


def _release(request: UndoStep, connection: Connection, outcome: dict[str, Any]) -> None:
    product_id = outcome["product_id"]
    key = {"saga": request.call.saga_id, "number": request.call.occurrence, "product": product_id}
    reservation = connection.execute(_FIND_RESERVATION, key).one()
    connection.execute(_RELEASE, key)
    # Units that are shipped are not here to be given back: the revert of the shipment, still to come, finds the
    # reservation released and returns them to the available ones. So the two undos may come in either order.
    if reservation.state == "open":
        connection.execute(_GIVE_BACK, {"id": product_id, "units": reservation.quantity})


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
