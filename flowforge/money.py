"""Money as integer minor units with an ISO 4217 currency; no floats anywhere."""

import re
from dataclasses import dataclass
from typing import Final

CURRENCY: Final = re.compile(r"[A-Z]{3}")
"""An ISO 4217 alphabetic code (matched whole)."""

_WITHOUT_MINOR_UNITS: Final = frozenset({"CLP", "ISK", "JPY", "KRW", "PYG", "UGX", "VND", "XAF", "XOF", "XPF"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """An amount of one currency.

    Attributes:
        amount_minor: integer minor units (cents for USD); 3998 USD is $39.98.
        currency: ISO 4217 code, upper case.
    """

    amount_minor: int
    currency: str

    def __post_init__(self) -> None:
        if CURRENCY.fullmatch(self.currency) is None:
            raise ValueError(f"not an ISO 4217 currency code: {self.currency!r}")

    def times(self, count: int) -> "Money":
        """Return this amount `count` times."""
        return Money(amount_minor=self.amount_minor * count, currency=self.currency)

    def __str__(self) -> str:
        if self.currency in _WITHOUT_MINOR_UNITS:
            return f"{self.amount_minor:,} {self.currency}"
        sign = "-" if self.amount_minor < 0 else ""
        units, cents = divmod(abs(self.amount_minor), 100)
        return f"{sign}{units:,}.{cents:02d} {self.currency}"
