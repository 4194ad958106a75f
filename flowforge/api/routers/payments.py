"""Charges."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from flowforge.api.dependencies import GRAMMAR, ORDER_GRAMMAR, Services, order_id_named
from flowforge.api.pages import Cursor, Limit, page, position
from flowforge.api.render import json_response
from flowforge.api.schemas.problem import problems
from flowforge.api.schemas.services import PaymentView, payment_view
from flowforge.api.strict_route import StrictRoute
from flowforge.errors import NotFound

router = APIRouter(tags=["payments"], route_class=StrictRoute)


@router.get("/payments/{charge_id}", response_model=PaymentView, responses=problems(400, 404, 422, 503))
async def get_payment(charge_id: Annotated[str, Path(pattern=GRAMMAR)], services: Services) -> Response:
    """Return a charge."""
    payment = await services.payments.payment(charge_id)
    if payment is None:
        raise NotFound(f"there is no charge {charge_id}")
    return json_response(payment_view(payment))


@router.get("/payments", response_model=list[PaymentView], responses=problems(400, 422, 503))
async def list_payments(
    services: Services,
    order_id: Annotated[
        str | None, Query(pattern=ORDER_GRAMMAR, description="Only of this order, by its order_id or workflow_id.")
    ] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Response:
    """List charges, newest first. The Link header names the next page."""
    found = await services.payments.payments(
        order_id=None if order_id is None else order_id_named(order_id), limit=limit + 1, before=position(cursor)
    )
    filters = {"order_id": order_id}
    payments, headers = page("/payments", found, limit=limit, key=lambda payment: payment.charge_id, filters=filters)
    return json_response([payment_view(payment) for payment in payments], headers=headers)
