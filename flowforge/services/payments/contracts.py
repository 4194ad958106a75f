"""Frozen inputs and results of the payment service; fields are only ever added."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from flowforge.durable.fence import StepCall

Phase = Literal["authorised", "captured", "voided", "refunded"]
"""How far a charge is: money set aside, taken, never taken after all, or taken and all given back.

One of which something was written off is never `refunded`, whichever undo gave it up.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargePayment:
    """Charge `amount_minor` minor units of `currency` (ISO 4217) to a payment method.

    Attributes:
        capture: whether the money is taken at once; otherwise it is only authorised, for CapturePayment to take.
    """

    call: StepCall
    order_id: str
    amount_minor: int
    currency: str
    payment_method: str
    capture: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """Money taken or authorised, under the provider's `charge_id`."""

    charge_id: str
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CapturePayment:
    """Take all of the money that was authorised."""

    call: StepCall
    charge_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """Authorised money that was taken."""

    charge_id: str
    captured_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenBack:
    """What the undo of a charge, or of its capture, did; nothing where all had been given back or up before.

    Attributes:
        refunded_minor: what was given back.
        voided_minor: what had been authorised, and will not be taken.
    """

    refunded_minor: int
    voided_minor: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundRest:
    """Give back whatever is left of a charge, because its order is returned."""

    call: StepCall
    charge_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RestRefunded:
    """What was left and was given back; 0 where refunds had given back everything before."""

    charge_id: str
    refunded_minor: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundPart:
    """Give back a part of a charge, once for each idempotency key."""

    charge_id: str
    idempotency_key: str
    amount_minor: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """Money given back, as readers see it."""

    refund_id: str
    charge_id: str
    amount_minor: int
    currency: str
    reason: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RefundGiven:
    """The answer to a RefundPart; `replayed` when its key had brought this refund about before."""

    refund: Refund
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """A charge as readers see it.

    Attributes:
        amount_minor: what was authorised.
        captured_minor: what was taken of it.
        refunded_minor: what of that was given back.
        written_off_minor: what an operator gave up giving back.
    """

    charge_id: str
    order_id: str
    amount_minor: int
    currency: str
    payment_method: str
    idempotency_key: str
    status: Literal["charged", "refunded"]
    phase: Phase
    captured_minor: int
    refunded_minor: int
    written_off_minor: int
    created_at: datetime

    @property
    def left_minor(self) -> int:
        """What could yet be given back."""
        return self.captured_minor - self.refunded_minor - self.written_off_minor
