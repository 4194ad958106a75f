"""The catalogue and its stock."""

from typing import Annotated

from fastapi import APIRouter, Body, Path, Response

from flowforge.api.dependencies import GRAMMAR, Services
from flowforge.api.order_links import place_link
from flowforge.api.pages import Cursor, Limit, page, position
from flowforge.api.render import json_response
from flowforge.api.schemas.problem import problems
from flowforge.api.schemas.services import PUT_EXAMPLES, PutStock, StockView, stock_view
from flowforge.api.strict_route import StrictRoute
from flowforge.services.inventory.contracts import SetStock

router = APIRouter(tags=["inventory"], route_class=StrictRoute)


@router.get(
    "/inventory",
    response_model=list[StockView],
    responses={200: {"description": "The catalogue.", "links": place_link("/0/product_id")}, **problems(400, 422, 503)},
)
async def list_inventory(services: Services, limit: Limit = 200, cursor: Cursor = None) -> Response:
    """List the catalogue with its stock, by product id. The Link header names the next page."""
    found = await services.inventory.levels(limit=limit + 1, after=position(cursor))
    levels, headers = page("/inventory", found, limit=limit, key=lambda level: level.product_id, filters={})
    return json_response([stock_view(level) for level in levels], headers=headers)


@router.put(
    "/inventory/{product_id}",
    response_model=StockView,
    responses={
        200: {"description": "The product.", "links": place_link("/product_id")},
        **problems(400, 409, 413, 415, 422, 503),
    },
)
async def put_stock(
    product_id: Annotated[str, Path(pattern=GRAMMAR, examples=["SKU-004"])],
    body: Annotated[PutStock, Body(openapi_examples=PUT_EXAMPLES)],
    services: Services,
) -> Response:
    """Set a product's stock, and its name and price where given; a product that is new needs both.

    The difference is written as a stock movement. Stock below what is reserved is refused with 409.
    """
    level = await services.inventory.set_stock(
        SetStock(
            product_id=product_id,
            on_hand=body.on_hand,
            name=body.name,
            unit_price_minor=body.unit_price_minor,
            currency=body.currency,
        )
    )
    return json_response(stock_view(level))
