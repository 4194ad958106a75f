"""What a client sends to place an order."""

from collections.abc import Sequence
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from flowforge.api.dependencies import GRAMMAR, RESERVED, looks_like_order_id
from flowforge.api.invalid import InputError, InvalidInput
from flowforge.services.lines import Line

MOST_LINES: Final = 100
"""How many products one order may be of."""


def _names_no_order(workflow_id: str) -> str:
    # Either id names an order everywhere, so one order's workflow id must not be another's order id.
    if looks_like_order_id(workflow_id):
        raise PydanticCustomError("workflow_id_is_order_id", "must not look like an order_id")
    if workflow_id in RESERVED:
        raise PydanticCustomError("workflow_id_is_reserved", "is a word of this API")
    return workflow_id


Identifier = Annotated[str, Field(pattern=GRAMMAR)]
Quantity = Annotated[int, Field(ge=1, le=1_000_000)]


class OrderLine(BaseModel):
    """So many units of one product."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    product_id: Identifier
    quantity: Quantity


def _names_each_product_once(items: Sequence[OrderLine]) -> Sequence[OrderLine]:
    seen: set[str] = set()
    for line in items:
        if line.product_id in seen:
            raise PydanticCustomError("duplicate_product", "names {product} twice", {"product": line.product_id})
        seen.add(line.product_id)
    return items


class PlaceOrder(BaseModel):
    """An order to be fulfilled: of one product, by `product_id` and `quantity`, or of several, by `items`."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        json_schema_extra={"oneOf": [{"required": ["product_id", "quantity"]}, {"required": ["items"]}]},
    )

    # Absent is not null: a client that says null has made a mistake.
    product_id: Identifier = Field(
        default_factory=str, description="A product of the catalogue; an unknown one fails in the saga."
    )
    quantity: Quantity = Field(default_factory=int, description="Units; a true integer, neither 2.0 nor a string.")
    items: Annotated[
        list[OrderLine], Field(min_length=1, max_length=MOST_LINES), AfterValidator(_names_each_product_once)
    ] = Field(
        default_factory=list,
        description="In place of product_id and quantity; no product twice. All of it is fulfilled, or nothing.",
    )
    customer_id: Identifier = Field(description="Who orders.")
    payment_method: Identifier = Field(description="A payment token, for example tok_visa or tok_chargeDeclined.")
    ship: bool = Field(default=False, description="Whether it is sent to the customer: a parcel is booked.")
    workflow_id: Annotated[Identifier, AfterValidator(_names_no_order)] | None = Field(
        default=None,
        description="The order's name in Temporal; each can be taken once, ever. Without: order-<order_id>.",
    )

    @property
    def lines(self) -> tuple[Line, ...]:
        """What is ordered.

        Raises:
            InvalidInput: it is said in neither way, or in both.
        """
        given = self.model_fields_set
        if "items" in given:
            if doubled := given & {"product_id", "quantity"}:
                raise InvalidInput(
                    [_wrong(name, "extra_forbidden", "is given beside items") for name in sorted(doubled)]
                )
            return tuple(Line(product_id=line.product_id, quantity=line.quantity) for line in self.items)
        if missing := [name for name in ("product_id", "quantity") if name not in given]:
            raise InvalidInput([_wrong(name, "missing", "Field required, or items in its place") for name in missing])
        return (Line(product_id=self.product_id, quantity=self.quantity),)


def _wrong(name: str, code: str, detail: str) -> InputError:
    return InputError(code=code, detail=detail, pointer=f"/{name}")


_ORDER: Final = {"product_id": "SKU-001", "quantity": 2, "customer_id": "customer-1", "payment_method": "tok_visa"}

PLACE_EXAMPLES: Final[dict[str, Any]] = {
    "completes": {"summary": "An order that completes", "value": _ORDER},
    "card_declined": {
        "summary": "A declined card: the reservation is released",
        "value": {**_ORDER, "payment_method": "tok_chargeDeclined"},
    },
    "network": {
        "summary": "A payment provider that fails twice, then succeeds",
        "value": {**_ORDER, "payment_method": "tok_networkError"},
    },
    "several": {
        "summary": "Two products, sent to the customer",
        "value": {
            "items": [{"product_id": "SKU-001", "quantity": 2}, {"product_id": "SKU-002", "quantity": 1}],
            "customer_id": "customer-1",
            "payment_method": "tok_visa",
            "ship": True,
        },
    },
    "unknown_product": {
        "summary": "A product that is not in the catalogue: accepted, and failed in the saga",
        "value": {**_ORDER, "product_id": "SKU-404"},
    },
}
"""Orders to try; each is accepted as it stands, again and again."""
