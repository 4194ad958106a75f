"""The inventory's steps as Temporal activities, each next to its undo."""

from dataclasses import replace

from temporalio import activity

from flowforge.durable.fence import Undone, UndoStep, WriteOffStep, WrittenOff
from flowforge.services.delivery import Delivery
from flowforge.services.inventory.contracts import Quote, QuoteOrder, Reservation, ReserveInventory
from flowforge.services.inventory.port import Inventory


class InventoryActivities:
    """Delivers the saga's calls to an inventory. Errors are those of the port, as Delivery makes them."""

    def __init__(self, inventory: Inventory, delivery: Delivery) -> None:
        self._inventory = inventory
        self._delivery = delivery

    @activity.defn(name="inventory.quote")
    async def quote(self, request: QuoteOrder) -> Quote:
        """Price an order and see that there is stock for it; nothing to undo."""
        return await self._delivery.run(
            request.call, "inventory.quote", lambda call: self._inventory.quote(replace(request, call=call))
        )

    @activity.defn(name="inventory.reserve")
    async def reserve(self, request: ReserveInventory) -> Reservation:
        """Set units aside."""
        return await self._delivery.run(
            request.call, "inventory.reserve", lambda call: self._inventory.reserve(replace(request, call=call))
        )

    @activity.defn(name="inventory.release")
    async def release(self, request: UndoStep) -> Undone:
        """Undo `reserve`."""
        return await self._delivery.run(
            request.call, "inventory.reserve", lambda call: self._inventory.release(replace(request, call=call))
        )

    @activity.defn(name="inventory.write_off_release")
    async def write_off_release(self, request: WriteOffStep) -> WrittenOff:
        """Give `release` up."""
        return await self._delivery.run(
            request.call,
            "inventory.reserve",
            lambda call: self._inventory.write_off_release(replace(request, call=call)),
        )
