"""The one error tree: every error has a stable code, an HTTP status and says whether trying again can help.

FlowForgeError
├── Refusal             the business said no; an outcome, never retried
├── EffectFenced        the effect was undone before it could be applied; never retried
├── InjectedFault       asked for by FAIL_AT or the fault-injection header
├── EgressBlocked       a user's URL leads where it must not; never retried
├── Fault               the world broke; retried until the saga's deadline
│   ├── DatabaseUnavailable, TemporalUnavailable, PaymentNetworkError
├── RequestError        the client's request cannot be served as it is
│   ├── BadRequest, Forbidden, NotFound, Conflict, PayloadTooLarge, UnsupportedMediaType
│   ├── Unprocessable, IdempotencyKeyReused
└── StartupError        a process cannot start; printed as one line, exit code 1
"""

from typing import ClassVar


class FlowForgeError(Exception):
    """Base of everything FlowForge raises on purpose.

    Attributes:
        code: stable, machine-readable, snake_case; ends up in `failure_code` and in problem documents.
        status: the HTTP status an API answers with when this reaches a client.
        retryable: whether the same call may succeed later.
        message: one sentence for people.
    """

    code: str = "internal"
    status: int = 500
    retryable: ClassVar[bool] = False

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Refusal(FlowForgeError):
    """A business refusal. It is recorded as the outcome of its step and never retried."""

    status = 422


class OutOfStock(Refusal):
    """Fewer units are available than were asked for."""

    code = "out_of_stock"


class UnknownProduct(Refusal):
    """The catalogue has no such product."""

    code = "unknown_product"


class MixedCurrencies(Refusal):
    """The products of one order are priced in several currencies."""

    code = "mixed_currencies"


class CardDeclined(Refusal):
    """The payment provider declined the card."""

    code = "card_declined"


class InsufficientFunds(Refusal):
    """The card has not enough money behind it."""

    code = "insufficient_funds"


class UnknownPaymentMethod(Refusal):
    """The payment provider does not know this token."""

    code = "unknown_payment_method"


class UnknownCharge(Refusal):
    """There is no such charge to capture."""

    code = "unknown_charge"


class ParcelHasLeft(Refusal):
    """The parcel is on its way: it cannot be called back."""

    code = "parcel_has_left"


class OrderCancelled(Refusal):
    """The order was cancelled: none of its steps takes effect any more."""

    code = "cancelled"
    status = 409


class EffectFenced(FlowForgeError):
    """A forward effect came after its undo: it found the tombstone and wrote nothing."""

    code = "effect_fenced"
    status = 409


class InjectedFault(FlowForgeError):
    """A fault somebody asked for, to see an order being made whole."""

    code = "injected_fault"


class EgressBlocked(FlowForgeError):
    """A URL that a user gave leads to an address that must not be reached; nothing was sent."""

    code = "egress_blocked"
    status = 422


class Fault(FlowForgeError):
    """Something broke that may work again: retried, and never turned into a refusal by counting."""

    code = "fault"
    status = 503
    retryable = True


class DatabaseUnavailable(Fault):
    """The database cannot be reached, is locked for too long, or cannot write."""

    code = "database_unavailable"


class TemporalUnavailable(Fault):
    """Temporal cannot be reached or did not answer in time."""

    code = "temporal_unavailable"


class PaymentNetworkError(Fault):
    """The connection to the payment provider was lost; whether it charged is unknown."""

    code = "payment_network_error"


class RequestError(FlowForgeError):
    """The request cannot be served as it is."""

    code = "bad_request"
    status = 400


class BadRequest(RequestError):
    """A header or parameter is malformed."""


class Forbidden(RequestError):
    """The request asks for something that this installation does not allow."""

    code = "forbidden"
    status = 403


class NotFound(RequestError):
    """There is no such thing."""

    code = "not_found"
    status = 404


class Conflict(RequestError):
    """The request contradicts the present state."""

    code = "conflict"
    status = 409


class PayloadTooLarge(RequestError):
    """The body is larger than 1 MiB."""

    code = "payload_too_large"
    status = 413


class UnsupportedMediaType(RequestError):
    """The body is not declared as JSON."""

    code = "unsupported_media_type"
    status = 415


class IdempotencyKeyReused(RequestError):
    """The idempotency key belongs to a request with another body."""

    code = "idempotency_key_reused"
    status = 422


class Unprocessable(RequestError):
    """The body is well-formed but not acceptable."""

    code = "unprocessable"
    status = 422


class StartupError(FlowForgeError):
    """A process cannot start. The message is one line and says what to do."""

    code = "startup"


REFUSALS: dict[str, type[Refusal]] = {
    error.code: error
    for error in (
        OutOfStock,
        UnknownProduct,
        MixedCurrencies,
        CardDeclined,
        InsufficientFunds,
        UnknownPaymentMethod,
        UnknownCharge,
        ParcelHasLeft,
        OrderCancelled,
    )
}
"""Every refusal by its code, so that a recorded one can be raised again."""
