"""The warehouse's steps as Temporal activities, each next to its undo."""

from dataclasses import replace

from temporalio import activity

from flowforge.durable.fence import Undone, UndoStep, WriteOffStep, WrittenOff
from flowforge.services.delivery import Delivery
from flowforge.services.warehouse.contracts import ApplyToWarehouse, Restocked, RestockReturn, WarehouseApplied
from flowforge.services.warehouse.port import Warehouse


class WarehouseActivities:
    """Delivers the saga's calls to a warehouse. Errors are those of the port, as Delivery makes them."""

    def __init__(self, warehouse: Warehouse, delivery: Delivery) -> None:
        self._warehouse = warehouse
        self._delivery = delivery

    @activity.defn(name="warehouse.apply")
    async def apply(self, request: ApplyToWarehouse) -> WarehouseApplied:
        """Ship what was reserved."""
        return await self._delivery.run(
            request.call, "warehouse.apply", lambda call: self._warehouse.apply(replace(request, call=call))
        )

    @activity.defn(name="warehouse.revert")
    async def revert(self, request: UndoStep) -> Undone:
        """Undo `apply`."""
        return await self._delivery.run(
            request.call, "warehouse.apply", lambda call: self._warehouse.revert(replace(request, call=call))
        )

    @activity.defn(name="warehouse.write_off_revert")
    async def write_off_revert(self, request: WriteOffStep) -> WrittenOff:
        """Give `revert` up."""
        return await self._delivery.run(
            request.call, "warehouse.apply", lambda call: self._warehouse.write_off_revert(replace(request, call=call))
        )

    @activity.defn(name="warehouse.restock")
    async def restock(self, request: RestockReturn) -> Restocked:
        """Take back what was shipped; for good."""
        return await self._delivery.run(
            request.call, "warehouse.restock", lambda call: self._warehouse.restock(replace(request, call=call))
        )
