"""Frozen inputs and results of the payment service; fields are only ever added."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from flowforge.durable.fence import StepCall


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargePayment:
    """Charge `amount_minor` minor units of `currency` (ISO 4217) to a payment method."""

    call: StepCall
    order_id: str
    amount_minor: int
    currency: str
    payment_method: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """Money taken, under the provider's `charge_id`."""

    charge_id: str
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """A charge as readers see it."""

    charge_id: str
    order_id: str
    amount_minor: int
    currency: str
    payment_method: str
    idempotency_key: str
    status: Literal["charged", "refunded"]
    created_at: datetime
