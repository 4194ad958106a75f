"""How a charge moves from phase to phase, wherever it is kept."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from flowforge.errors import Conflict, EffectFenced, IdempotencyKeyReused
from flowforge.ids import new_refund_id
from flowforge.services.payments.contracts import Payment, Refund, RefundPart, TakenBack

UNWOUND: Final = "the order was unwound"
RETURNED: Final = "the order was returned"


def captured(payment: Payment) -> Payment:
    """Return a charge after all of it was taken.

    Raises:
        EffectFenced: it is not authorised any more.
    """
    if payment.phase != "authorised":
        raise EffectFenced(f"{payment.charge_id} is {payment.phase}: there is nothing to capture")
    return replace(payment, phase="captured", captured_minor=payment.amount_minor)


def given_back(payment: Payment, amount_minor: int) -> Payment:
    """Return a charge after so much more of it was given back.

    It is refunded when all that was taken is: one of which something was written off never will be.
    """
    after = replace(payment, refunded_minor=payment.refunded_minor + amount_minor)
    if after.refunded_minor < after.captured_minor:
        return after
    return replace(after, phase="refunded", status="refunded")


def undone(payment: Payment) -> Payment:
    """Return a charge after its saga took it back: voided where nothing was taken, else all that is left is refunded.

    A charge that was taken back before, by whatever way, stays as it is.
    """
    if payment.phase == "authorised":
        return replace(payment, phase="voided", status="refunded")
    return given_back(payment, payment.left_minor) if payment.phase == "captured" else payment


def taken_back(before: Payment) -> TakenBack:
    """Tell what `undone` does to a charge."""
    voided_minor = before.amount_minor if before.phase == "authorised" else 0
    return TakenBack(refunded_minor=before.left_minor, voided_minor=voided_minor, currency=before.currency)


def written_off(payment: Payment) -> Payment:
    """Return a charge after what is left of it was given up: it stays with the shop, and stays counted."""
    return replace(payment, written_off_minor=payment.written_off_minor + payment.left_minor)


def refund_of(payment: Payment, amount_minor: int, reason: str) -> Refund:
    """Return the record of so much being given back now."""
    return Refund(
        refund_id=new_refund_id(),
        charge_id=payment.charge_id,
        amount_minor=amount_minor,
        currency=payment.currency,
        reason=reason,
        created_at=datetime.now(UTC),
    )


def refuse_unless_left(payment: Payment, amount_minor: int) -> None:
    """See that so much can be given back.

    Raises:
        Conflict: it is more than what is left of the charge.
    """
    if amount_minor > payment.left_minor:
        raise Conflict(
            f"{amount_minor} is more than can be refunded: of {payment.charge_id}, {payment.captured_minor} "
            f"{payment.currency} were captured and {payment.left_minor} are left (in minor units)"
        )


def same_refund(request: RefundPart, before: Refund) -> Refund:
    """Return the refund that an idempotency key brought about before.

    Raises:
        IdempotencyKeyReused: it was another refund that was asked for.
    """
    if (before.amount_minor, before.reason) != (request.amount_minor, request.reason):
        raise IdempotencyKeyReused("the Idempotency-Key belongs to a refund of other content; use a new key")
    return before
