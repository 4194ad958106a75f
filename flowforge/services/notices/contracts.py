"""Frozen inputs and results of the notices; fields are only ever added."""

from dataclasses import dataclass
from datetime import datetime

from flowforge.durable.fence import StepCall


@dataclass(frozen=True, slots=True, kw_only=True)
class SendNotice:
    """Tell a customer about an order."""

    call: StepCall
    order_id: str
    customer_id: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeSent:
    """A notice that went out."""

    customer_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What a customer was told, as readers see it."""

    order_id: str
    customer_id: str
    message: str
    created_at: datetime
