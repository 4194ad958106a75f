"""Where a parcel may go next, wherever it is written down."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Final, get_args

from flowforge.errors import Conflict, ParcelHasLeft
from flowforge.services.shipping.contracts import CarrierStatus, Shipment

_WAY: Final = get_args(CarrierStatus)


def moved(shipment: Shipment, status: CarrierStatus) -> Shipment:
    """Return a shipment after its carrier told so; the same one where that is not new. Steps may be skipped.

    Raises:
        Conflict: it is further than that, or was cancelled.
    """
    if shipment.status == "cancelled":
        raise Conflict(f"{shipment.shipment_id} was cancelled; it must not leave")
    here, there = _WAY.index(shipment.status), _WAY.index(status)
    if there < here:
        raise Conflict(f"{shipment.shipment_id} is {shipment.status} already, and cannot be {status} any more")
    return shipment if there == here else replace(shipment, status=status, updated_at=datetime.now(UTC))


def called_back(shipment: Shipment) -> Shipment:
    """Return a shipment after it was called off.

    Raises:
        ParcelHasLeft: it is too late for that.
    """
    if shipment.status not in {"booked", "cancelled"}:
        raise ParcelHasLeft(f"{shipment.shipment_id} is {shipment.status}: it cannot be called back")
    return replace(shipment, status="cancelled", updated_at=datetime.now(UTC))


def taken_back(shipment: Shipment) -> Shipment:
    """Return a shipment after its parcel is here again, whether it ever left or not."""
    if shipment.status in {"returned", "cancelled"}:
        return shipment
    status: Final = "cancelled" if shipment.status == "booked" else "returned"
    return replace(shipment, status=status, updated_at=datetime.now(UTC))
