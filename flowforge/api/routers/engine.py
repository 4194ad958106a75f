"""Everything at a glance."""

import asyncio
from datetime import UTC, datetime

from fastapi import APIRouter, Response

from flowforge.api.dependencies import Services
from flowforge.api.pages import MAX_LIMIT
from flowforge.api.render import json_response
from flowforge.api.schemas.orders import order_view, timestamp
from flowforge.api.schemas.problem import problems
from flowforge.api.schemas.services import Snapshot, payment_view, stock_view, warehouse_view
from flowforge.api.strict_route import StrictRoute

router = APIRouter(prefix="/engine", tags=["engine"], route_class=StrictRoute)


@router.get("/snapshot", response_model=Snapshot, responses=problems(400, 422, 503))
async def snapshot(services: Services) -> Response:
    """Return orders, inventory, payments and warehouse, at most 200 of each, and how many there are of all."""
    counts, orders, levels, payments, records = await asyncio.gather(
        services.read_model.counts(),
        services.read_model.list(limit=MAX_LIMIT),
        services.inventory.levels(limit=MAX_LIMIT),
        services.payments.payments(limit=MAX_LIMIT),
        services.warehouse.records(limit=MAX_LIMIT),
    )
    whole: Snapshot = {
        "orders": [order_view(order, services.temporal_url(order.workflow_id)) for order in orders],
        "inventory": [stock_view(level) for level in levels],
        "payments": [payment_view(payment) for payment in payments],
        "warehouse": [warehouse_view(record) for record in records],
        "counts": {
            "orders": counts["orders"],
            "inventory": counts["inventory"],
            "payments": counts["payments"],
            "warehouse": counts["warehouse"],
        },
        "taken_at": timestamp(datetime.now(UTC)),
    }
    return json_response(whole)
