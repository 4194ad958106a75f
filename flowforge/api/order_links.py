"""What may be done next to an order, as OpenAPI links: for readers of the document, and for a fuzzer that walks it."""

import re
from typing import Any, Final

_NEXT: Final = (
    ("read", "get", "get_order", ""),
    ("follow", "get", "watch_order", "/events"),
    ("history", "get", "order_history", "/history"),
    ("cancel", "post", "cancel_order", "/cancel"),
    ("pause", "post", "pause_order", "/pause"),
    ("resume", "post", "resume_order", "/resume"),
    ("retry", "post", "retry_order", "/retry"),
    ("return", "post", "return_order", "/return"),
)


def _operation_id(route: str, address: str, method: str) -> str:
    """Return the name that FastAPI gives an operation."""
    return re.sub(r"\W", "_", f"{route}{address}") + f"_{method}"


ORDER_LINKS: Final[dict[str, Any]] = {
    name: {
        "operationId": _operation_id(route, f"/orders/{{order}}{address}", method),
        "parameters": {"order": "$response.body#/order_id"},
    }
    for name, method, route, address in _NEXT
}
"""From an answer that has an `order_id`."""


def place_link(product_id: str) -> dict[str, Any]:
    """Return the link from an answer of the catalogue to an order for what is in it.

    Args:
        product_id: where in the answer the product's id is, as a pointer.
    """
    body = {
        "product_id": f"$response.body#{product_id}",
        "quantity": 1,
        "customer_id": "customer-1",
        "payment_method": "tok_visa",
    }
    return {"order": {"operationId": _operation_id("place_order", "/orders", "post"), "requestBody": body}}
