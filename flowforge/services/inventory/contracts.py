"""Frozen inputs and results of the inventory service; fields are only ever added."""

from dataclasses import dataclass

from flowforge.durable.fence import StepCall
from flowforge.services.lines import Line


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteOrder:
    """Ask whether all of these units are available, and for what price."""

    call: StepCall
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """The price that will be charged.

    Attributes:
        product_id: the product, None where there are several.
        quantity: how many units, of all products.
        unit_price_minor: what one unit costs, None where there are several products.
        amount_minor: the total over all lines, computed here and nowhere else.
        currency: of the prices; they all have the same.
    """

    product_id: str | None
    quantity: int
    unit_price_minor: int | None
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReserveInventory:
    """Set all of these units aside for this saga, or none."""

    call: StepCall
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """Units set aside until they are shipped or released; `product_id` is None where they are of several products."""

    product_id: str | None
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StockLevel:
    """A product of the catalogue and its stock, in units; `on_hand` = `available` + `reserved`."""

    product_id: str
    name: str
    unit_price_minor: int
    currency: str
    on_hand: int
    available: int
    reserved: int
    shipped: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SetStock:
    """Set a product's units on hand, and its name and price where given; an unknown product needs all of them."""

    product_id: str
    on_hand: int
    name: str | None = None
    unit_price_minor: int | None = None
    currency: str | None = None
