"""How the payment provider's sandbox answers to its test tokens, wherever its charges are kept."""

from collections.abc import Mapping
from typing import Final

from flowforge.errors import CardDeclined, InsufficientFunds, PaymentNetworkError, Refusal, UnknownPaymentMethod

_GOOD: Final = frozenset({"tok_visa", "tok_mastercard"})
_REFUSED: Final[Mapping[str, tuple[type[Refusal], str]]] = {
    "tok_chargeDeclined": (CardDeclined, "the card was declined"),
    "tok_insufficientFunds": (InsufficientFunds, "the card has insufficient funds"),
}
_UNREACHABLE: Final = "tok_networkError"
_UNREACHABLE_ATTEMPTS: Final = 2


def authorise(payment_method: str, attempt: int) -> None:
    """Ask the provider whether it takes this payment method; return where it does.

    Args:
        payment_method: the token.
        attempt: number of the delivery, from 1: `tok_networkError` fails the first two.

    Raises:
        CardDeclined, InsufficientFunds, UnknownPaymentMethod: it does not.
        PaymentNetworkError: it cannot be asked.
    """
    if payment_method in _GOOD:
        return
    if payment_method == _UNREACHABLE:
        if attempt <= _UNREACHABLE_ATTEMPTS:
            raise PaymentNetworkError("the connection to the payment provider was lost")
        return
    refusal, message = _REFUSED.get(payment_method, (UnknownPaymentMethod, f"unknown payment method {payment_method}"))
    raise refusal(message)
