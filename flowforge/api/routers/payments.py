"""Charges, and giving back what was charged."""

from typing import Annotated

from fastapi import APIRouter, Body, Path, Request, Response

from flowforge.api.dependencies import GRAMMAR, OfOrder, Services, order_id_named
from flowforge.api.idempotency import documented, idempotency_key
from flowforge.api.invalid import bad_header
from flowforge.api.pages import Cursor, Limit, page, position
from flowforge.api.render import json_response
from flowforge.api.schemas.problem import problems
from flowforge.api.schemas.services import (
    REFUND_EXAMPLES,
    GiveRefund,
    PaymentView,
    RefundView,
    payment_view,
    refund_view,
)
from flowforge.api.strict_route import StrictRoute
from flowforge.errors import NotFound
from flowforge.services.payments.contracts import RefundPart

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
    order_id: OfOrder = None,
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


@router.post(
    "/payments/{charge_id}/refunds",
    status_code=201,
    response_model=RefundView,
    responses={
        201: {
            "description": "The money was given back, now or when the key was first used.",
            "headers": {
                "Idempotent-Replayed": {
                    "description": "`true` where the key had brought this refund about before.",
                    "schema": {"type": "string", "enum": ["true"]},
                }
            },
        },
        **problems(400, 404, 409, 413, 415, 422, 503),
    },
    openapi_extra={
        "parameters": [
            documented(
                "1 to 255 printable characters. The same key with the same refund is answered as the first time, with "
                "`Idempotent-Replayed: true`; with another refund of this charge it is 422.",
                required=True,
            )
        ]
    },
)
async def give_refund(
    charge_id: Annotated[str, Path(pattern=GRAMMAR)],
    body: Annotated[GiveRefund, Body(openapi_examples=REFUND_EXAMPLES)],
    services: Services,
    request: Request,
) -> Response:
    """Give back a part of a charge, or all that is left of it; never more than was captured (409).

    What an order that is unwound or returned gives back is whatever is left then.
    """
    key = idempotency_key(request.headers.getlist("idempotency-key"))
    if key is None:
        raise bad_header("Idempotency-Key", "is missing: money is given back once for each key")
    given = await services.payments.refund(
        RefundPart(charge_id=charge_id, idempotency_key=key, amount_minor=body.amount_minor, reason=body.reason)
    )
    replayed = {"Idempotent-Replayed": "true"} if given.replayed else {}
    return json_response(refund_view(given.refund), 201, {"Location": f"/payments/{charge_id}/refunds", **replayed})


@router.get("/payments/{charge_id}/refunds", response_model=list[RefundView], responses=problems(400, 404, 422, 503))
async def list_refunds(
    charge_id: Annotated[str, Path(pattern=GRAMMAR)], services: Services, limit: Limit = 50, cursor: Cursor = None
) -> Response:
    """List what was given back of a charge, by a client or by its order, newest first."""
    if await services.payments.payment(charge_id) is None:
        raise NotFound(f"there is no charge {charge_id}")
    found = await services.payments.refunds(charge_id, limit=limit + 1, before=position(cursor))
    path = f"/payments/{charge_id}/refunds"
    refunds, headers = page(path, found, limit=limit, key=lambda refund: refund.refund_id, filters={})
    return json_response([refund_view(refund) for refund in refunds], headers=headers)
