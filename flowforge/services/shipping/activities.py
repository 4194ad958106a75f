"""The shipping service's steps as Temporal activities, each next to its undo."""

from dataclasses import replace

from temporalio import activity

from flowforge.durable.fence import Undone, UndoStep, WriteOffStep, WrittenOff
from flowforge.services.delivery import Delivery
from flowforge.services.shipping.contracts import CreateShipment, ShipmentBooked, ShipmentTakenBack, TakeShipmentBack
from flowforge.services.shipping.port import Shipping


class ShippingActivities:
    """Delivers the saga's calls to a shipping service. Errors are those of the port, as Delivery makes them."""

    def __init__(self, shipping: Shipping, delivery: Delivery) -> None:
        self._shipping = shipping
        self._delivery = delivery

    @activity.defn(name="shipping.create")
    async def create(self, request: CreateShipment) -> ShipmentBooked:
        """Book a parcel."""
        return await self._delivery.run(
            request.call, "shipping.create", lambda call: self._shipping.create(replace(request, call=call))
        )

    @activity.defn(name="shipping.cancel")
    async def cancel(self, request: UndoStep) -> Undone:
        """Undo `create`."""
        return await self._delivery.run(
            request.call, "shipping.create", lambda call: self._shipping.cancel(replace(request, call=call))
        )

    @activity.defn(name="shipping.write_off_cancel")
    async def write_off_cancel(self, request: WriteOffStep) -> WrittenOff:
        """Give `cancel` up."""
        return await self._delivery.run(
            request.call, "shipping.create", lambda call: self._shipping.write_off_cancel(replace(request, call=call))
        )

    @activity.defn(name="shipping.take_back")
    async def take_back(self, request: TakeShipmentBack) -> ShipmentTakenBack:
        """Have a parcel here again; for good."""
        return await self._delivery.run(
            request.call, "shipping.take_back", lambda call: self._shipping.take_back(replace(request, call=call))
        )
