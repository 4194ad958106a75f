"""What an order is made of: so many units of each of its products."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """So many units of one product; an order has each product in one line at most."""

    product_id: str
    quantity: int


def units(lines: Sequence[Line]) -> int:
    """Return how many units there are, of all products."""
    return sum(line.quantity for line in lines)


def only_product(lines: Sequence[Line]) -> str | None:
    """Return the one product that this is about, or None where there are several."""
    return lines[0].product_id if len(lines) == 1 else None


def described(lines: Sequence[Line]) -> str:
    """Return the lines in words, for example `2 x SKU-001, 1 x SKU-002`; of many, only the first three."""
    shown = ", ".join(f"{line.quantity} x {line.product_id}" for line in lines[:3])
    return shown if len(lines) <= 3 else f"{shown} and {len(lines) - 3} more"
