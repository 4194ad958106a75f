"""Frozen inputs and results of the shipping service; fields are only ever added."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from flowforge.durable.fence import StepCall

CarrierStatus = Literal["booked", "dispatched", "delivered", "returned"]
"""What a carrier tells of a parcel, in this order."""

ShipmentStatus = Literal["booked", "dispatched", "delivered", "returned", "cancelled"]
"""`cancelled` was called back before it left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateShipment:
    """Book a parcel for an order."""

    call: StepCall
    order_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentBooked:
    """A parcel that the carrier will fetch."""

    shipment_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeShipmentBack:
    """Take back the parcel of an order that is returned: call it back, or receive it."""

    call: StepCall


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentTakenBack:
    """A parcel that is here again; `cancelled` had never left."""

    shipment_id: str
    status: ShipmentStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveShipment:
    """What a carrier tells of a parcel."""

    shipment_id: str
    status: CarrierStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    """A parcel as readers see it."""

    shipment_id: str
    order_id: str
    status: ShipmentStatus
    created_at: datetime
    updated_at: datetime
