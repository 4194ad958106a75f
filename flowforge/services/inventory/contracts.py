"""Frozen inputs and results of the inventory service; fields are only ever added."""

from dataclasses import dataclass

from flowforge.durable.fence import StepCall


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteOrder:
    """Ask whether `quantity` units of a product are available, and for what price."""

    call: StepCall
    product_id: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """The price that will be charged: `amount_minor` is `quantity` times `unit_price_minor`, in `currency`."""

    product_id: str
    quantity: int
    unit_price_minor: int
    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReserveInventory:
    """Set `quantity` units of a product aside for this saga."""

    call: StepCall
    product_id: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """Units set aside until they are shipped or released."""

    product_id: str
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
