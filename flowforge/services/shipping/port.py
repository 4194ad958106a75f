"""What the saga, the carrier and the readers need of a shipping service."""

from collections.abc import Sequence
from typing import Protocol

from flowforge.durable.fence import Undone, UndoStep, WriteOffStep, WrittenOff
from flowforge.services.shipping.contracts import (
    CreateShipment,
    MoveShipment,
    Shipment,
    ShipmentBooked,
    ShipmentTakenBack,
    TakeShipmentBack,
)


class Shipping(Protocol):
    """Parcels. Every method is one transaction; those that take a `call` write their ledger row in it."""

    async def create(self, request: CreateShipment) -> ShipmentBooked:
        """Book a parcel. Operation `shipping.create`, undone by `cancel`.

        Raises:
            EffectFenced: cancelled before it was booked; nothing is written.
            DatabaseUnavailable: nothing was written; try again.
        """
        ...

    async def cancel(self, request: UndoStep) -> Undone:
        """Undo `create`: call the parcel back, or leave a tombstone where there is none.

        Raises:
            ParcelHasLeft: it cannot be called back any more; nothing is written.
            DatabaseUnavailable: nothing was written; try again.
        """
        ...

    async def write_off_cancel(self, request: WriteOffStep) -> WrittenOff:
        """Give `cancel` up: the parcel stays where its carrier says that it is, for an order that has ended.

        Raises:
            DatabaseUnavailable: nothing was written; try again.
        """
        ...

    async def take_back(self, request: TakeShipmentBack) -> ShipmentTakenBack:
        """Have the parcel here again. Operation `shipping.take_back`; for good, so there is nothing to undo.

        Raises:
            DatabaseUnavailable: nothing was written; try again.
        """
        ...

    async def move(self, change: MoveShipment) -> Shipment:
        """Take note of where the carrier says that a parcel is; the same again changes nothing.

        From when a parcel has left, its saga is not unwound: see Journal.beyond_recall.

        Raises:
            NotFound: there is no such shipment.
            Conflict: the parcel is further than that, or was cancelled, or its order is being unwound.
            DatabaseUnavailable: nothing was written; try again.
        """
        ...

    async def shipment(self, shipment_id: str) -> Shipment | None:
        """Return one shipment, or None."""
        ...

    async def shipments(
        self, *, order_id: str | None = None, limit: int = 50, before: str | None = None
    ) -> Sequence[Shipment]:
        """Return shipments, newest first, of one order where given, older than the shipment id `before` where given."""
        ...
