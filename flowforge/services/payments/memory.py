"""The payment provider's sandbox in memory, for tests and for trying things out."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from flowforge.durable.fence import Undone, UndoStep
from flowforge.ids import new_charge_id
from flowforge.services.memory_ledger import MemoryLedger
from flowforge.services.memory_store import MemoryTransaction
from flowforge.services.payments.contracts import Charge, ChargePayment, Payment
from flowforge.services.payments.sandbox import authorise


class MemoryPayments:
    """Implements the Payments port on the store of a MemoryLedger."""

    def __init__(self, ledger: MemoryLedger) -> None:
        self._store = ledger.store
        self._ledger = ledger

    async def charge(self, request: ChargePayment) -> Charge:
        """See Payments.charge."""
        return await self._ledger.apply(request.call, "payments.charge", partial(_charge, request), Charge)

    async def refund_by_key(self, request: UndoStep) -> Undone:
        """See Payments.refund_by_key."""
        return await self._ledger.undo(request.call, "payments.charge", _refund)

    async def payment(self, charge_id: str) -> Payment | None:
        """See Payments.payment."""
        with self._store.transaction() as transaction:
            return transaction.rows(Payment).get(charge_id)

    async def payments(
        self, *, order_id: str | None = None, limit: int = 50, before: str | None = None
    ) -> Sequence[Payment]:
        """See Payments.payments."""
        with self._store.transaction() as transaction:
            chosen = [
                payment
                for payment in transaction.rows(Payment).values()
                if (order_id is None or payment.order_id == order_id) and (before is None or payment.charge_id < before)
            ]
        return sorted(chosen, key=lambda payment: payment.charge_id, reverse=True)[:limit]


def _charge(request: ChargePayment, transaction: MemoryTransaction) -> Charge:
    authorise(request.payment_method, request.call.attempt)
    charge = Charge(charge_id=new_charge_id(), amount_minor=request.amount_minor, currency=request.currency)
    transaction.rows(Payment)[charge.charge_id] = Payment(
        charge_id=charge.charge_id,
        order_id=request.order_id,
        amount_minor=request.amount_minor,
        currency=request.currency,
        payment_method=request.payment_method,
        idempotency_key=request.call.idempotency_key("payments.charge"),
        status="charged",
        created_at=datetime.now(UTC),
    )
    return charge


def _refund(transaction: MemoryTransaction, outcome: Mapping[str, Any]) -> None:
    payments = transaction.rows(Payment)
    payments[outcome["charge_id"]] = replace(payments[outcome["charge_id"]], status="refunded")
