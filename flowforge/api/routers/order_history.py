"""What was tried for an order."""

import re
from typing import Final

from fastapi import APIRouter, Response

from flowforge.api.dependencies import OrderName, Services
from flowforge.api.pages import Cursor, Limit, bad_cursor, page, position
from flowforge.api.render import json_response
from flowforge.api.schemas.history import AttemptView, attempt_view
from flowforge.api.schemas.problem import problems
from flowforge.api.strict_route import StrictRoute
from flowforge.orders.history import Attempt, Place

router = APIRouter(tags=["orders"], route_class=StrictRoute)

_PLACE: Final = re.compile(r"([0-9]{1,9})\.([0-9]{1,9})")


@router.get("/orders/{order}/history", response_model=list[AttemptView], responses=problems(400, 404, 422, 503))
async def order_history(order: OrderName, services: Services, limit: Limit = 200, cursor: Cursor = None) -> Response:
    """List every attempt of every step and undo, by the order's order_id or workflow_id.

    The oldest first, because it is a story: it is read forward, and grows at its end. The Link header names the next
    page.
    """
    found = await services.read_model.attempts(order, limit=limit + 1, after=_place(cursor))
    if found is None:
        # Accepted, and not begun; or there is no such order.
        await services.orders.get(order)
        found = []
    attempts, headers = page(f"/orders/{order}/history", found, limit=limit, key=_key, filters={})
    return json_response([attempt_view(attempt) for attempt in attempts], headers=headers)


def _place(cursor: str | None) -> Place | None:
    key = position(cursor)
    if key is None:
        return None
    place = _PLACE.fullmatch(key)
    if place is None:
        raise bad_cursor()
    return int(place[1]), int(place[2])


def _key(attempt: Attempt) -> str:
    row, number = attempt.place
    return f"{row}.{number}"
