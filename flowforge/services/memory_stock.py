"""The stock that the memory adapters of inventory and warehouse share, as the SQL ones share their tables."""

from collections.abc import Hashable
from dataclasses import dataclass, replace
from typing import Literal

from flowforge.durable.fence import StepCall
from flowforge.services.memory_store import MemoryTransaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """A product of the catalogue and its units; `on_hand` = `available` + `reserved`."""

    product_id: str
    name: str
    unit_price_minor: int
    currency: str
    on_hand: int
    available: int
    reserved: int
    shipped: int

    def moved(self, *, available: int = 0, reserved: int = 0, shipped: int = 0) -> "Product":
        """Return this product after so many units more of each."""
        return replace(
            self,
            on_hand=self.on_hand + available + reserved,
            available=self.available + available,
            reserved=self.reserved + reserved,
            shipped=self.shipped + shipped,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserved:
    """Units set aside; `released` while its shipment stands means that a revert gives them back at once."""

    product_id: str
    quantity: int
    state: Literal["open", "shipped", "released", "written_off"] = "open"


def reserved_for(transaction: MemoryTransaction, call: StepCall) -> dict[Hashable, Reserved]:
    """Return what the saga of a delivery has reserved, by its keys."""
    return {
        key: reservation
        for key, reservation in transaction.rows(Reserved).items()
        if isinstance(key, tuple) and key[:2] == (call.saga_id, call.occurrence)
    }


def move(
    transaction: MemoryTransaction, product_id: str, *, available: int = 0, reserved: int = 0, shipped: int = 0
) -> None:
    """Change a product's units by so many of each."""
    products = transaction.rows(Product)
    products[product_id] = products[product_id].moved(available=available, reserved=reserved, shipped=shipped)
