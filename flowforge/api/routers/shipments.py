"""Parcels, and what carriers tell of them."""

from typing import Annotated

from fastapi import APIRouter, Body, Path, Response

from flowforge.api.dependencies import GRAMMAR, OfOrder, Services, order_id_named
from flowforge.api.pages import Cursor, Limit, page, position
from flowforge.api.render import json_response
from flowforge.api.schemas.problem import problems
from flowforge.api.schemas.services import MoveParcel, ShipmentView, shipment_view
from flowforge.api.strict_route import StrictRoute
from flowforge.errors import NotFound
from flowforge.services.shipping.contracts import MoveShipment

router = APIRouter(tags=["shipments"], route_class=StrictRoute)

ShipmentId = Annotated[str, Path(pattern=GRAMMAR)]


@router.get("/shipments/{shipment_id}", response_model=ShipmentView, responses=problems(400, 404, 422, 503))
async def get_shipment(shipment_id: ShipmentId, services: Services) -> Response:
    """Return a parcel."""
    shipment = await services.shipping.shipment(shipment_id)
    if shipment is None:
        raise NotFound(f"there is no shipment {shipment_id}")
    return json_response(shipment_view(shipment))


@router.post(
    "/shipments/{shipment_id}/status",
    response_model=ShipmentView,
    responses=problems(400, 404, 409, 413, 415, 422, 503),
)
async def move_shipment(shipment_id: ShipmentId, body: Annotated[MoveParcel, Body()], services: Services) -> Response:
    """Tell where a parcel is: booked, dispatched, delivered, returned. The same again changes nothing.

    409 when it is further than that, when it was called back, or when its order is being unwound: it must not leave
    then. An order whose parcel has left is not cancelled any more, but can be returned.
    """
    moved = await services.shipping.move(MoveShipment(shipment_id=shipment_id, status=body.status))
    return json_response(shipment_view(moved))


@router.get("/shipments", response_model=list[ShipmentView], responses=problems(400, 422, 503))
async def list_shipments(
    services: Services,
    order_id: OfOrder = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """List parcels, newest first. The Link header names the next page."""
    found = await services.shipping.shipments(
        order_id=None if order_id is None else order_id_named(order_id), limit=limit + 1, before=position(cursor)
    )
    filters = {"order_id": order_id}
    shipments, headers = page(
        "/shipments", found, limit=limit, key=lambda shipment: shipment.shipment_id, filters=filters
    )
    return json_response([shipment_view(shipment) for shipment in shipments], headers=headers)
