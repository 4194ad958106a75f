"""How the orders are doing as a whole."""

import asyncio
from typing import Final

from fastapi import APIRouter, Response

from flowforge.api.dependencies import Services
from flowforge.api.render import json_response
from flowforge.api.schemas.problem import problems
from flowforge.api.schemas.stats import STATS_EXAMPLE, StatsView, stats_view
from flowforge.api.strict_route import StrictRoute

router = APIRouter(tags=["orders"], route_class=StrictRoute)

_STATS: Final = {"description": "The statistics.", "content": {"application/json": {"example": STATS_EXAMPLE}}}


@router.get("/orders/stats", response_model=StatsView, responses={200: _STATS, **problems(400, 422, 503)})
async def order_stats(services: Services) -> Response:
    """Count orders by status, tell how fast they come and end, which is open longest, and what waits for a worker.

    Orders that no worker has begun are counted by the backlog alone. Temporal's part is null where it does not answer
    within 300 ms.
    """
    stats, backlog = await asyncio.gather(services.stats(), services.backlog())
    return json_response(stats_view(stats, backlog))
