"""Money as people read it, and what is not money."""

import pytest

from flowforge.money import Money


@pytest.mark.parametrize(
    ("amount_minor", "currency", "text"),
    [
        (3998, "USD", "39.98 USD"),
        (5, "EUR", "0.05 EUR"),
        (-5, "EUR", "-0.05 EUR"),
        (123456789, "USD", "1,234,567.89 USD"),
        (1500, "JPY", "1,500 JPY"),
    ],
)
def test_money_reads_as_an_amount_with_its_currency(amount_minor: int, currency: str, text: str) -> None:
    assert str(Money(amount_minor=amount_minor, currency=currency)) == text


@pytest.mark.parametrize("currency", ["usd", "US", "USDX", "", "US1", "USD\n"])
def test_money_of_no_currency_is_refused(currency: str) -> None:
    with pytest.raises(ValueError, match="ISO 4217"):
        Money(amount_minor=1, currency=currency)


def test_money_times_a_count_is_exact() -> None:
    assert Money(amount_minor=1999, currency="USD").times(1_000_000) == Money(
        amount_minor=1_999_000_000, currency="USD"
    )
