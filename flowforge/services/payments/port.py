"""What the saga and the readers need of a payment provider."""

from collections.abc import Sequence
from typing import Protocol

from flowforge.durable.fence import Undone, UndoStep, WriteOffStep, WrittenOff
from flowforge.services.payments.contracts import (
    Capture,
    CapturePayment,
    Charge,
    ChargePayment,
    Payment,
    Refund,
    RefundGiven,
    RefundPart,
    RefundRest,
    RestRefunded,
)


class Payments(Protocol):
    """Money in and out. Every method is one transaction; those that take a `call` write their ledger row in it."""

    async def charge(self, request: ChargePayment) -> Charge:
        """Take money, or authorise it. Operation `payments.charge`, undone by `refund_by_key`.

        The key is the call's idempotency key.

        Raises:
            CardDeclined, InsufficientFunds, UnknownPaymentMethod: the provider said no (recorded).
            EffectFenced: refunded before it was charged; nothing is written.
            PaymentNetworkError: the connection broke; try again.
            DatabaseUnavailable: nothing was written; try again.
        """
        ...

    async def refund_by_key(self, request: UndoStep) -> Undone:
        """Undo `charge`: void what was not captured, refund what is left of what was; or leave a tombstone.

        Raises:
            DatabaseUnavailable: nothing was written; try again.
        """
        ...

    async def write_off_refund(self, request: WriteOffStep) -> WrittenOff:
        """Give `refund_by_key` up: what is left of the charge is counted as written off, and never given back.

        Raises:
            DatabaseUnavailable: nothing was written; try again.
        """
        ...

    async def capture(self, request: CapturePayment) -> Capture:
        """Take what was authorised. Operation `payments.capture`, undone by `refund_capture`.

        Raises:
            UnknownCharge: there is no such charge (recorded).
            EffectFenced: voided, or refunded before it was captured; nothing is written.
            DatabaseUnavailable: nothing was written; try again.
        """
        ...

    async def refund_capture(self, request: UndoStep) -> Undone:
        """Undo `capture`: refund what is left of what was captured, or leave a tombstone where nothing was.

        Raises:
            DatabaseUnavailable: nothing was written; try again.
        """
        ...

    async def write_off_capture(self, request: WriteOffStep) -> WrittenOff:
        """Give `refund_capture` up, as `write_off_refund` does.

        Raises:
            DatabaseUnavailable: nothing was written; try again.
        """
        ...

    async def refund_rest(self, request: RefundRest) -> RestRefunded:
        """Give back what is left of a charge. Operation `payments.refund_rest`; for good, so there is nothing to undo.

        Raises:
            DatabaseUnavailable: nothing was written; try again.
        """
        ...

    async def refund(self, request: RefundPart) -> RefundGiven:
        """Give back a part of a charge; the same key and content again give the same answer, whatever came since.

        Raises:
            NotFound: there is no such charge.
            Conflict: more than what is captured and not given back yet.
            IdempotencyKeyReused: the charge knows the key, for a refund of other content.
            DatabaseUnavailable: nothing was written; try again.
        """
        ...

    async def refunds(self, charge_id: str, *, limit: int = 50, before: str | None = None) -> Sequence[Refund]:
        """Return what was given back of a charge, newest first, older than the refund id `before` where given.

        Nothing where there is no such charge.
        """
        ...

    async def payment(self, charge_id: str) -> Payment | None:
        """Return one charge, or None."""
        ...

    async def payments(
        self, *, order_id: str | None = None, limit: int = 50, before: str | None = None
    ) -> Sequence[Payment]:
        """Return charges, newest first, of one order where given, older than the charge id `before` where given."""
        ...
