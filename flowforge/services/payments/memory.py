"""The payment provider's sandbox in memory, for tests and for trying things out."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

from flowforge.durable.fence import Undone, UndoStep, WriteOffStep, WrittenOff
from flowforge.errors import NotFound, UnknownCharge
from flowforge.ids import new_charge_id
from flowforge.services.memory_ledger import MemoryLedger
from flowforge.services.memory_store import MemoryTransaction
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
    TakenBack,
)
from flowforge.services.payments.phases import (
    RETURNED,
    UNWOUND,
    captured,
    given_back,
    refund_of,
    refuse_unless_left,
    same_refund,
    taken_back,
    undone,
    written_off,
)
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
        return await self._ledger.undo(request.call, "payments.charge", _take_back)

    async def write_off_refund(self, request: WriteOffStep) -> WrittenOff:
        """See Payments.write_off_refund."""
        return await self._ledger.write_off(request, "payments.charge", _write_off)

    async def capture(self, request: CapturePayment) -> Capture:
        """See Payments.capture."""
        return await self._ledger.apply(request.call, "payments.capture", partial(_capture, request), Capture)

    async def refund_capture(self, request: UndoStep) -> Undone:
        """See Payments.refund_capture."""
        return await self._ledger.undo(request.call, "payments.capture", _take_back)

    async def write_off_capture(self, request: WriteOffStep) -> WrittenOff:
        """See Payments.write_off_capture."""
        return await self._ledger.write_off(request, "payments.capture", _write_off)

    async def refund_rest(self, request: RefundRest) -> RestRefunded:
        """See Payments.refund_rest."""
        return await self._ledger.apply(
            request.call, "payments.refund_rest", partial(_refund_rest, request), RestRefunded
        )

    async def refund(self, request: RefundPart) -> RefundGiven:
        """See Payments.refund."""
        with self._store.transaction() as transaction:
            return _refund(request, transaction)

    async def refunds(self, charge_id: str, *, limit: int = 50, before: str | None = None) -> Sequence[Refund]:
        """See Payments.refunds."""
        with self._store.transaction() as transaction:
            chosen = [
                refund
                for refund in transaction.rows(Refund).values()
                if refund.charge_id == charge_id and (before is None or refund.refund_id < before)
            ]
        return sorted(chosen, key=lambda refund: refund.refund_id, reverse=True)[:limit]

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
        phase="captured" if request.capture else "authorised",
        captured_minor=request.amount_minor if request.capture else 0,
        refunded_minor=0,
        written_off_minor=0,
        created_at=datetime.now(UTC),
    )
    return charge


def _capture(request: CapturePayment, transaction: MemoryTransaction) -> Capture:
    payments = transaction.rows(Payment)
    if request.charge_id not in payments:
        raise UnknownCharge(f"there is no charge {request.charge_id}")
    after = payments[request.charge_id] = captured(payments[request.charge_id])
    return Capture(charge_id=after.charge_id, captured_minor=after.captured_minor)


def _take_back(transaction: MemoryTransaction, outcome: Mapping[str, Any]) -> TakenBack:
    return taken_back(_give_back_rest(transaction, outcome["charge_id"], UNWOUND))


def _write_off(transaction: MemoryTransaction, outcome: Mapping[str, Any]) -> None:
    payments = transaction.rows(Payment)
    payments[outcome["charge_id"]] = written_off(payments[outcome["charge_id"]])


def _refund_rest(request: RefundRest, transaction: MemoryTransaction) -> RestRefunded:
    before = _give_back_rest(transaction, request.charge_id, RETURNED)
    return RestRefunded(charge_id=before.charge_id, refunded_minor=before.left_minor, currency=before.currency)


def _give_back_rest(transaction: MemoryTransaction, charge_id: str, reason: str) -> Payment:
    """Void or refund what is left of a charge; return it as it was before."""
    payments = transaction.rows(Payment)
    before = payments[charge_id]
    payments[charge_id] = undone(before)
    if before.left_minor:
        refund = refund_of(before, before.left_minor, reason)
        transaction.rows(Refund)[refund.refund_id] = refund
    return before


def _refund(request: RefundPart, transaction: MemoryTransaction) -> RefundGiven:
    payments, by_key = transaction.rows(Payment), transaction.rows(RefundGiven)
    before = payments.get(request.charge_id)
    if before is None:
        raise NotFound(f"there is no charge {request.charge_id}")
    key = (request.charge_id, request.idempotency_key)
    if key in by_key:
        return RefundGiven(refund=same_refund(request, by_key[key].refund), replayed=True)
    refuse_unless_left(before, request.amount_minor)
    payments[request.charge_id] = given_back(before, request.amount_minor)
    refund = refund_of(before, request.amount_minor, request.reason)
    transaction.rows(Refund)[refund.refund_id] = refund
    by_key[key] = RefundGiven(refund=refund)
    return by_key[key]
