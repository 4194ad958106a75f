"""What the saga and the readers need of a warehouse."""

from collections.abc import Sequence
from typing import Protocol

from flowforge.durable.fence import Undone, UndoStep, WriteOffStep, WrittenOff
from flowforge.services.warehouse.contracts import (
    ApplyToWarehouse,
    Restocked,
    RestockReturn,
    WarehouseApplied,
    WarehouseRecord,
)


class Warehouse(Protocol):
    """Ships reserved units. Every method is one transaction; apply and revert write their ledger row in it."""

    async def apply(self, request: ApplyToWarehouse) -> WarehouseApplied:
        """Ship what was reserved, all lines. Operation `warehouse.apply`, undone by `revert`.

        Raises:
            EffectFenced: reverted before it was applied, or not reserved as it is to be shipped; nothing is written.
            DatabaseUnavailable: nothing was written; try again.
        """
        ...

    async def revert(self, request: UndoStep) -> Undone:
        """Undo `apply`: take the units back into the reservation, or leave a tombstone where nothing was shipped.

        Raises:
            DatabaseUnavailable: nothing was written; try again.
        """
        ...

    async def write_off_revert(self, request: WriteOffStep) -> WrittenOff:
        """Give `revert` up: the units stay shipped, for an order that has ended.

        Raises:
            DatabaseUnavailable: nothing was written; try again.
        """
        ...

    async def restock(self, request: RestockReturn) -> Restocked:
        """Take back what was shipped. Operation `warehouse.restock`; for good, so there is nothing to undo.

        Raises:
            DatabaseUnavailable: nothing was written; try again.
        """
        ...

    async def records(
        self, *, order_id: str | None = None, limit: int = 50, before: int | None = None
    ) -> Sequence[WarehouseRecord]:
        """Return what was shipped and reverted, newest first, older than the record of number `before` where given."""
        ...
