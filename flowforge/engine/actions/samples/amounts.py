"""Amounts as people write them in JSON, counted in exact decimals."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from flowforge.engine.actions.declaration import Refused

_CENT: Final = Decimal("0.01")
_MOST: Final = Decimal(10) ** 12


def amount(value: Any, name: str) -> Decimal:
    """Return a number or text as an amount that is not negative, in whole cents.

    Raises:
        Refused: it is none (`bad_amount`).
    """
    try:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise TypeError
        found = Decimal(str(value))
        if not 0 <= found <= _MOST or found != found.quantize(_CENT):
            raise ValueError
    except (InvalidOperation, TypeError, ValueError) as error:
        raise Refused("bad_amount", f"{name} is no amount in whole cents: {value!r}") from error
    return found


def total(order: Mapping[str, Any]) -> Decimal:
    """Return what an order comes to: the sum over its items, or the total or amount that it gives.

    Raises:
        Refused: it has none of them (`invalid_order`), or one of them is no amount (`bad_amount`).
    """
    items = order.get("items")
    if items is None:
        given = next((name for name in ("total", "amount") if order.get(name) is not None), None)
        if given is None:
            raise Refused("invalid_order", "an order has items, a total or an amount")
        return amount(order[given], given)
    if not isinstance(items, list) or not items:
        raise Refused("invalid_order", "an order has at least one item")
    return sum((_price(item) for item in items), Decimal())


def number(value: Decimal) -> int | float:
    """Return an amount as the JSON number that reads the same."""
    return int(value) if value == value.to_integral_value() else float(value)


def minor(value: Decimal) -> int:
    """Return an amount in whole cents as their count."""
    return int(value / _CENT)


def _price(item: Any) -> Decimal:
    if not isinstance(item, Mapping):
        raise Refused("invalid_order", "an item is an object")
    quantity = item.get("quantity", 1)
    if isinstance(quantity, bool) or not isinstance(quantity, int) or not 1 <= quantity <= 1_000_000:
        raise Refused("invalid_order", f"a quantity is a whole number from 1: {quantity!r}")
    return amount(item.get("price"), "price") * quantity
