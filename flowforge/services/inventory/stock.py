"""The rules of stock that hold wherever it is kept."""

from dataclasses import replace

from flowforge.errors import Conflict, OutOfStock, UnknownProduct, Unprocessable
from flowforge.services.inventory.contracts import SetStock, StockLevel


def unknown_product(product_id: str) -> UnknownProduct:
    """Return the refusal of a product that the catalogue does not have."""
    return UnknownProduct(f"unknown product {product_id}")


def out_of_stock(product_id: str, asked: int, available: int) -> OutOfStock:
    """Return the refusal of more units than are available."""
    return OutOfStock(f"out of stock: {asked} x {product_id} asked for, {available} available")


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
