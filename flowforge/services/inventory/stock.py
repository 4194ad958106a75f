"""The rules of stock that hold wherever it is kept."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from flowforge.errors import Conflict, MixedCurrencies, OutOfStock, UnknownProduct, Unprocessable
from flowforge.services.inventory.contracts import Quote, SetStock, StockLevel
from flowforge.services.lines import Line, only_product, units


class Priced(Protocol):
    """A product of the catalogue, wherever it is kept."""

    @property
    def unit_price_minor(self) -> int:
        """What one unit costs."""
        ...

    @property
    def currency(self) -> str:
        """Of the price."""
        ...

    @property
    def available(self) -> int:
        """Units that nobody has reserved."""
        ...


def quoted(lines: Sequence[Line], products: Mapping[str, Priced]) -> Quote:
    """Price an order: the one place where a total is computed.

    Raises:
        UnknownProduct, OutOfStock: see `refuse_unless_available`.
        MixedCurrencies: there is no total.
    """
    refuse_unless_available(lines, products)
    first = products[lines[0].product_id]
    for line in lines:
        currency = products[line.product_id].currency
        if currency != first.currency:
            raise MixedCurrencies(f"{line.product_id} is priced in {currency}, not in {first.currency}")
    return Quote(
        product_id=only_product(lines),
        quantity=units(lines),
        unit_price_minor=first.unit_price_minor if len(lines) == 1 else None,
        amount_minor=sum(products[line.product_id].unit_price_minor * line.quantity for line in lines),
        currency=first.currency,
    )


def refuse_unless_available(lines: Sequence[Line], products: Mapping[str, Priced]) -> None:
    """See that there are units for every line.

    Args:
        lines: what is asked for.
        products: those of its products that the catalogue has.

    Raises:
        UnknownProduct, OutOfStock: of the first line that cannot be had; it names the product.
    """
    for line in lines:
        product = products.get(line.product_id)
        if product is None:
            raise UnknownProduct(f"unknown product {line.product_id}")
        if product.available < line.quantity:
            raise OutOfStock(
                f"out of stock: {line.quantity} x {line.product_id} asked for, {product.available} available"
            )


def with_stock_set(change: SetStock, present: StockLevel | None) -> StockLevel:
    """Return a product after `change`; what is reserved stays reserved.

    Raises:
        Unprocessable: the product is new, and name, price or currency is missing.
        Conflict: fewer units on hand than are reserved.
    """
    if present is None:
        if change.name is None or change.unit_price_minor is None or change.currency is None:
            raise Unprocessable(f"{change.product_id} is not in the catalogue: name, price and currency are needed")
        return StockLevel(
            product_id=change.product_id,
            name=change.name,
            unit_price_minor=change.unit_price_minor,
            currency=change.currency,
            on_hand=change.on_hand,
            available=change.on_hand,
            reserved=0,
            shipped=0,
        )
    if change.on_hand < present.reserved:
        raise Conflict(f"{present.reserved} units of {change.product_id} are reserved; on_hand cannot be less")
    return replace(
        present,
        name=present.name if change.name is None else change.name,
        unit_price_minor=present.unit_price_minor if change.unit_price_minor is None else change.unit_price_minor,
        currency=present.currency if change.currency is None else change.currency,
        on_hand=change.on_hand,
        available=change.on_hand - present.reserved,
    )
