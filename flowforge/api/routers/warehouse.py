"""What was shipped, and taken back."""

from fastapi import APIRouter, Response

from flowforge.api.dependencies import OfOrder, Services, order_id_named
from flowforge.api.pages import Cursor, Limit, number, page
from flowforge.api.render import json_response
from flowforge.api.schemas.problem import problems
from flowforge.api.schemas.services import WarehouseView, warehouse_view
from flowforge.api.strict_route import StrictRoute

router = APIRouter(tags=["warehouse"], route_class=StrictRoute)


@router.get("/warehouse", response_model=list[WarehouseView], responses=problems(400, 422, 503))
async def list_warehouse(
    services: Services,
    order_id: OfOrder = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """List shipments, newest first. The Link header names the next page."""
    found = await services.warehouse.records(
        order_id=None if order_id is None else order_id_named(order_id), limit=limit + 1, before=number(cursor)
    )
    filters = {"order_id": order_id}
    records, headers = page("/warehouse", found, limit=limit, key=lambda record: str(record.number), filters=filters)
    return json_response([warehouse_view(record) for record in records], headers=headers)
