"""What the saga and the readers need of an inventory."""

from collections.abc import Sequence
from typing import Protocol

from flowforge.durable.fence import Undone, UndoStep, WriteOffStep, WrittenOff
from flowforge.services.inventory.contracts import (
    Quote,
    QuoteOrder,
    Reservation,
    ReserveInventory,
    SetStock,
    StockLevel,
)


class Inventory(Protocol):
    """Catalogue and stock. Every method is one transaction; quote, reserve and release write their ledger row in it."""

    async def quote(self, request: QuoteOrder) -> Quote:
        """Price an order and see that there is stock for it. Operation `inventory.quote`; nothing to undo.

        A second delivery returns the recorded quote, whatever became of price and stock since.

        Raises:
            UnknownProduct: the catalogue has no such product (recorded).
            OutOfStock: fewer units of a product are available (recorded).
            MixedCurrencies: the products are not priced in one currency (recorded).
            DatabaseUnavailable: nothing was written; try again.
        """
        ...

    async def reserve(self, request: ReserveInventory) -> Reservation:
        """Set units aside, of all lines or of none. Operation `inventory.reserve`, undone by `release`.

        Raises:
            UnknownProduct: the catalogue has no such product (recorded).
            OutOfStock: fewer units of a product are available (recorded).
            EffectFenced: released before it was reserved; nothing is written.
            DatabaseUnavailable: nothing was written; try again.
        """
        ...

    async def release(self, request: UndoStep) -> Undone:
        """Undo `reserve`: give the units back, or leave a tombstone where there are none.

        Raises:
            DatabaseUnavailable: nothing was written; try again.
        """
        ...

    async def write_off_release(self, request: WriteOffStep) -> WrittenOff:
        """Give `release` up: the units are counted out of the stock, by stock movements that say why.

        Raises:
            DatabaseUnavailable: nothing was written; try again.
        """
        ...

    async def set_stock(self, change: SetStock) -> StockLevel:
        """Set a product's units on hand, and write the difference as a stock movement.

        Raises:
            Conflict: below what is reserved.
            Unprocessable: an unknown product without name, price and currency.
            DatabaseUnavailable: nothing was written; try again.
        """
        ...

    async def levels(self, *, limit: int = 200, after: str | None = None) -> Sequence[StockLevel]:
        """Return the catalogue with its stock, by product id, at most `limit` products, after the id `after`."""
        ...
