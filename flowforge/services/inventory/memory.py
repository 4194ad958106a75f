"""The inventory in memory, for tests and for trying things out."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Any

from flowforge.durable.fence import Undone, UndoStep, WriteOffStep, WrittenOff
from flowforge.services.inventory.contracts import (
    Quote,
    QuoteOrder,
    Reservation,
    ReserveInventory,
    SetStock,
    StockLevel,
)
from flowforge.services.inventory.stock import quoted, refuse_unless_available, with_stock_set
from flowforge.services.lines import only_product, units
from flowforge.services.memory_ledger import MemoryLedger
from flowforge.services.memory_stock import Product, Reserved, move, reserved_for
from flowforge.services.memory_store import MemoryTransaction


class MemoryInventory:
    """Implements the Inventory port on the store of a MemoryLedger; empty until `set_stock` fills the catalogue."""

    def __init__(self, ledger: MemoryLedger) -> None:
        self._store = ledger.store
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
        with self._store.transaction() as transaction:
            products = transaction.rows(Product)
            present = products.get(change.product_id)
            level = with_stock_set(change, None if present is None else _level(present))
            products[change.product_id] = Product(**asdict(level))
            return level

    async def levels(self, *, limit: int = 200, after: str | None = None) -> Sequence[StockLevel]:
        """See Inventory.levels."""
        with self._store.transaction() as transaction:
            products = sorted(transaction.rows(Product).values(), key=lambda product: product.product_id)
            following = [product for product in products if after is None or product.product_id > after]
            return [_level(product) for product in following[:limit]]


def _level(product: Product) -> StockLevel:
    return StockLevel(**asdict(product))


def _quote(request: QuoteOrder, transaction: MemoryTransaction) -> Quote:
    return quoted(request.lines, _catalogue(transaction))


def _reserve(request: ReserveInventory, transaction: MemoryTransaction) -> Reservation:
    refuse_unless_available(request.lines, _catalogue(transaction))
    for line in request.lines:
        move(transaction, line.product_id, available=-line.quantity, reserved=line.quantity)
        key = (request.call.saga_id, request.call.occurrence, line.product_id)
        transaction.rows(Reserved)[key] = Reserved(product_id=line.product_id, quantity=line.quantity)
    return Reservation(product_id=only_product(request.lines), quantity=units(request.lines))


def _release(request: UndoStep, transaction: MemoryTransaction, _outcome: Mapping[str, Any]) -> None:
    for key, reservation in reserved_for(transaction, request.call).items():
        transaction.rows(Reserved)[key] = replace(reservation, state="released")
        # Shipped units come back with the revert of their shipment.
        if reservation.state == "open":
            move(transaction, reservation.product_id, available=reservation.quantity, reserved=-reservation.quantity)


def _write_off(request: WriteOffStep, transaction: MemoryTransaction, _outcome: Mapping[str, Any]) -> None:
    for key, reservation in reserved_for(transaction, request.call).items():
        transaction.rows(Reserved)[key] = replace(reservation, state="written_off")
        if reservation.state == "open":
            move(transaction, reservation.product_id, reserved=-reservation.quantity)


def _catalogue(transaction: MemoryTransaction) -> dict[str, Product]:
    return {product.product_id: product for product in transaction.rows(Product).values()}
