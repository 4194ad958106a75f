"""Frozen inputs and results of the warehouse service; fields are only ever added."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from flowforge.durable.fence import StepCall


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyToWarehouse:
    """Ship the units that were reserved for this order."""

    call: StepCall
    order_id: str
    product_id: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WarehouseApplied:
    """Units that left the stock."""

    product_id: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WarehouseRecord:
    """What the warehouse did for an order, as readers see it."""

    order_id: str
    product_id: str
    quantity: int
    status: Literal["applied", "reverted"]
    created_at: datetime
