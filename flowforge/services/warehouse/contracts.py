"""Frozen inputs and results of the warehouse service; fields are only ever added."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from flowforge.durable.fence import StepCall
from flowforge.services.lines import Line


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyToWarehouse:
    """Ship the units that were reserved for this order, all of them."""

    call: StepCall
    order_id: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WarehouseApplied:
    """Units that left the stock; `product_id` is None where they are of several products."""

    product_id: str | None
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RestockReturn:
    """Take back into the stock what was shipped for an order that is returned."""

    call: StepCall


@dataclass(frozen=True, slots=True, kw_only=True)
class Restocked:
    """Units that came back, of all products."""

    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WarehouseRecord:
    """What the warehouse did for an order with one product, as readers see it.

    Attributes:
        number: counts the records; the newer one has the larger number.
        status: `reverted` was taken back while the order was unwound, `written_off` should have been and was given up;
            `returned` came back after it was completed.
    """

    number: int
    order_id: str
    product_id: str
    quantity: int
    status: Literal["applied", "reverted", "returned", "written_off"]
    created_at: datetime
