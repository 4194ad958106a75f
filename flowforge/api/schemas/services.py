"""Inventory, payments, warehouse and parcels over HTTP."""

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from flowforge.api.schemas.control import LINE, Reason
from flowforge.api.schemas.orders import OrderView, timestamp
from flowforge.services.inventory.contracts import StockLevel
from flowforge.services.payments.contracts import Payment, Phase, Refund
from flowforge.services.shipping.contracts import CarrierStatus, Shipment, ShipmentStatus
from flowforge.services.warehouse.contracts import WarehouseRecord


class PutStock(BaseModel):
    """What a product's stock shall be; a product that is new needs name and price."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    on_hand: int = Field(ge=0, le=1_000_000_000, description="Units on the shelf, reserved ones included.")
    name: str | None = Field(default=None, min_length=1, max_length=200, pattern=LINE, description="One line.")
    unit_price_minor: int | None = Field(
        default=None, ge=0, le=1_000_000_000, description="In `currency`'s minor units."
    )
    currency: str | None = Field(default=None, pattern="^[A-Z]{3}$", description="ISO 4217.")


PUT_EXAMPLES: Final[dict[str, Any]] = {
    "new": {
        "summary": "A product, with all that a new one needs",
        "value": {"on_hand": 100, "name": "Desk lamp", "unit_price_minor": 2450, "currency": "USD"},
    },
    "counted": {"summary": "A product that is there already, counted again", "value": {"on_hand": 120}},
}
"""Changes to try, one after the other."""


class StockView(TypedDict):
    """A product and its stock, in units; on_hand = available + reserved."""

    product_id: str
    name: str
    unit_price_minor: int
    currency: str
    on_hand: int
    available: int
    reserved: int
    shipped: int


class PaymentView(TypedDict):
    """A charge."""

    charge_id: str
    order_id: str
    amount_minor: int
    currency: str
    payment_method: str
    idempotency_key: str
    status: Literal["charged", "refunded"]
    phase: Annotated[
        Phase,
        Field(
            description="`authorised` until the money is taken, `voided` if it never was, `refunded` when all of "
            "it was given back."
        ),
    ]
    captured_minor: Annotated[int, Field(description="What was taken, in minor units of `currency`.")]
    refunded_minor: Annotated[int, Field(description="What was given back of it.")]
    written_off_minor: Annotated[int, Field(description="What an operator gave up giving back.")]


class GiveRefund(BaseModel):
    """What shall be given back of a charge."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    amount_minor: int = Field(ge=1, description="Minor units of the charge's currency; no more than is left of it.")
    reason: Reason = Field(description="One line; it is kept with the refund.")


REFUND_EXAMPLES: Final[dict[str, Any]] = {
    "part": {"summary": "A part of a charge", "value": {"amount_minor": 500, "reason": "a scratch"}},
}


class RefundView(TypedDict):
    """Money that was given back, by a client or by the order."""

    refund_id: str
    charge_id: str
    amount_minor: int
    currency: str
    reason: str
    created_at: str


class MoveParcel(BaseModel):
    """Where a carrier says that a parcel is."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    status: CarrierStatus


class ShipmentView(TypedDict):
    """A parcel; `cancelled` was called back before it left."""

    shipment_id: str
    order_id: str
    status: ShipmentStatus
    created_at: str
    updated_at: str


class WarehouseView(TypedDict):
    """What the warehouse did for an order."""

    order_id: str
    product_id: str
    quantity: int
    status: Literal["applied", "reverted", "returned", "written_off"]


class Counts(TypedDict):
    """How many entries there are, shown or not."""

    orders: int
    inventory: int
    payments: int
    warehouse: int


class Snapshot(TypedDict):
    """Everything at a glance: at most 200 entries each, newest first, and how many there are."""

    orders: list[OrderView]
    inventory: list[StockView]
    payments: list[PaymentView]
    warehouse: list[WarehouseView]
    counts: Annotated[Counts, Field(description="Of all, not only of those shown.")]
    taken_at: str


def stock_view(level: StockLevel) -> StockView:
    """Return a product's stock as clients see it."""
    return {
        "product_id": level.product_id,
        "name": level.name,
        "unit_price_minor": level.unit_price_minor,
        "currency": level.currency,
        "on_hand": level.on_hand,
        "available": level.available,
        "reserved": level.reserved,
        "shipped": level.shipped,
    }


def payment_view(payment: Payment) -> PaymentView:
    """Return a charge as clients see it."""
    return {
        "charge_id": payment.charge_id,
        "order_id": payment.order_id,
        "amount_minor": payment.amount_minor,
        "currency": payment.currency,
        "payment_method": payment.payment_method,
        "idempotency_key": payment.idempotency_key,
        "status": payment.status,
        "phase": payment.phase,
        "captured_minor": payment.captured_minor,
        "refunded_minor": payment.refunded_minor,
        "written_off_minor": payment.written_off_minor,
    }


def refund_view(refund: Refund) -> RefundView:
    """Return a refund as clients see it."""
    return {
        "refund_id": refund.refund_id,
        "charge_id": refund.charge_id,
        "amount_minor": refund.amount_minor,
        "currency": refund.currency,
        "reason": refund.reason,
        "created_at": timestamp(refund.created_at),
    }


def shipment_view(shipment: Shipment) -> ShipmentView:
    """Return a parcel as clients see it."""
    return {
        "shipment_id": shipment.shipment_id,
        "order_id": shipment.order_id,
        "status": shipment.status,
        "created_at": timestamp(shipment.created_at),
        "updated_at": timestamp(shipment.updated_at),
    }


def warehouse_view(record: WarehouseRecord) -> WarehouseView:
    """Return a shipment as clients see it."""
    return {
        "order_id": record.order_id,
        "product_id": record.product_id,
        "quantity": record.quantity,
        "status": record.status,
    }
