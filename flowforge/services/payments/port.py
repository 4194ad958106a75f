"""What the saga and the readers need of a payment provider."""

from collections.abc import Sequence
from typing import Protocol

from flowforge.durable.fence import Undone, UndoStep
from flowforge.services.payments.contracts import Charge, ChargePayment, Payment


class Payments(Protocol):
    """Money in and out. Every method is one transaction; charge and refund write their ledger row in it."""

    async def charge(self, request: ChargePayment) -> Charge:
        """Take money. Operation `payments.charge`, undone by `refund_by_key`; the key is the call's idempotency key.

        Raises:
            CardDeclined, InsufficientFunds, UnknownPaymentMethod: the provider said no (recorded).
            EffectFenced: refunded before it was charged; nothing is written.
            PaymentNetworkError: the connection broke; try again.
            DatabaseUnavailable: nothing was written; try again.
        """
        ...

    async def refund_by_key(self, request: UndoStep) -> Undone:
        """Undo `charge`: refund what was taken under the key, or leave a tombstone where nothing was.

        Raises:
            DatabaseUnavailable: nothing was written; try again.
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
