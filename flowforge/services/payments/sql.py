"""The payment provider's sandbox in the database."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection, bindparam, insert, select, update

from flowforge.durable.fence import Undone, UndoStep, WriteOffStep, WrittenOff
from flowforge.errors import NotFound, UnknownCharge
from flowforge.ids import new_charge_id
from flowforge.persistence.database import Database
from flowforge.persistence.tables.payments import CHARGES, REFUNDS
from flowforge.services.ledger import SqlLedger
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

_CHARGE: Final = insert(CHARGES)
_PAYMENTS: Final = select(*(CHARGES.c[name] for name in Payment.__slots__))
_BY_ID: Final = _PAYMENTS.where(CHARGES.c.charge_id == bindparam("id"))
_TO_CHANGE: Final = _BY_ID.with_for_update()
_CHANGING: Final = ("status", "phase", "captured_minor", "refunded_minor", "written_off_minor")
_CHANGE: Final = (
    update(CHARGES)
    .where(CHARGES.c.charge_id == bindparam("id"))
    .values({name: bindparam(name) for name in (*_CHANGING, "refunded_at")})
)
_REFUND: Final = insert(REFUNDS)
_REFUNDS: Final = (
    select(*((CHARGES if name == "currency" else REFUNDS).c[name] for name in Refund.__slots__))
    .join_from(REFUNDS, CHARGES)
    .where(REFUNDS.c.charge_id == bindparam("id"))
    .order_by(REFUNDS.c.refund_id.desc())
)
_BY_KEY: Final = _REFUNDS.where(REFUNDS.c.idempotency_key == bindparam("key"))


class SqlPayments:
    """Implements the Payments port on the tables charges and refunds."""

    def __init__(self, database: Database, ledger: SqlLedger) -> None:
        self._database = database
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
        return await self._database.write(partial(_refund, request))

    async def refunds(self, charge_id: str, *, limit: int = 50, before: str | None = None) -> Sequence[Refund]:
        """See Payments.refunds."""
        return await self._database.read(partial(_refunds, charge_id, limit, before))

    async def payment(self, charge_id: str) -> Payment | None:
        """See Payments.payment."""
        return await self._database.read(partial(_payment, charge_id))

    async def payments(
        self, *, order_id: str | None = None, limit: int = 50, before: str | None = None
    ) -> Sequence[Payment]:
        """See Payments.payments."""
        return await self._database.read(partial(_list, order_id, limit, before))


def _charge(request: ChargePayment, connection: Connection) -> Charge:
    authorise(request.payment_method, request.call.attempt)
    charge = Charge(charge_id=new_charge_id(), amount_minor=request.amount_minor, currency=request.currency)
    connection.execute(
        _CHARGE,
        {
            "charge_id": charge.charge_id,
            "order_id": request.order_id,
            "saga_id": request.call.saga_id,
            "amount_minor": charge.amount_minor,
            "currency": charge.currency,
            "payment_method": request.payment_method,
            "idempotency_key": request.call.idempotency_key("payments.charge"),
            "status": "charged",
            "phase": "captured" if request.capture else "authorised",
            "captured_minor": charge.amount_minor if request.capture else 0,
            "refunded_minor": 0,
            "written_off_minor": 0,
            "created_at": datetime.now(UTC),
            "refunded_at": None,
        },
    )
    return charge


def _capture(request: CapturePayment, connection: Connection) -> Capture:
    try:
        before = _lock(connection, request.charge_id)
    except NotFound as error:
        raise UnknownCharge(error.message) from error
    after = captured(before)
    _change(connection, after)
    return Capture(charge_id=after.charge_id, captured_minor=after.captured_minor)


def _take_back(connection: Connection, outcome: dict[str, Any]) -> TakenBack:
    return taken_back(_give_back_rest(connection, outcome["charge_id"], UNWOUND))


def _write_off(connection: Connection, outcome: dict[str, Any]) -> None:
    _change(connection, written_off(_lock(connection, outcome["charge_id"])))


def _refund_rest(request: RefundRest, connection: Connection) -> RestRefunded:
    before = _give_back_rest(connection, request.charge_id, RETURNED)
    return RestRefunded(charge_id=before.charge_id, refunded_minor=before.left_minor, currency=before.currency)


def _give_back_rest(connection: Connection, charge_id: str, reason: str) -> Payment:
    """Void or refund what is left of a charge; return it as it was before."""
    before = _lock(connection, charge_id)
    if (after := undone(before)) != before:
        _change(connection, after)
    if before.left_minor:
        _add_refund(connection, refund_of(before, before.left_minor, reason))
    return before


def _refund(request: RefundPart, connection: Connection) -> RefundGiven:
    # Whoever refunds this charge waits here: the key and what is left are looked at by one at a time.
    before = _lock(connection, request.charge_id)
    known = connection.execute(_BY_KEY, {"id": request.charge_id, "key": request.idempotency_key}).mappings().first()
    if known is not None:
        return RefundGiven(refund=same_refund(request, Refund(**known)), replayed=True)
    refuse_unless_left(before, request.amount_minor)
    _change(connection, given_back(before, request.amount_minor))
    refund = refund_of(before, request.amount_minor, request.reason)
    _add_refund(connection, refund, request.idempotency_key)
    return RefundGiven(refund=refund)


def _lock(connection: Connection, charge_id: str) -> Payment:
    row = connection.execute(_TO_CHANGE, {"id": charge_id}).mappings().first()
    if row is None:
        raise NotFound(f"there is no charge {charge_id}")
    return Payment(**row)


def _change(connection: Connection, payment: Payment) -> None:
    columns = {name: getattr(payment, name) for name in _CHANGING}
    at = datetime.now(UTC) if payment.status == "refunded" else None
    connection.execute(_CHANGE, {**columns, "refunded_at": at, "id": payment.charge_id})


def _add_refund(connection: Connection, refund: Refund, key: str | None = None) -> None:
    connection.execute(
        _REFUND,
        {
            "refund_id": refund.refund_id,
            "charge_id": refund.charge_id,
            "idempotency_key": key,
            "amount_minor": refund.amount_minor,
            "reason": refund.reason,
            "created_at": refund.created_at,
        },
    )


def _refunds(charge_id: str, limit: int, before: str | None, connection: Connection) -> list[Refund]:
    # Refund ids sort by time.
    query = _REFUNDS.limit(limit)
    if before is not None:
        query = query.where(REFUNDS.c.refund_id < before)
    return [Refund(**row) for row in connection.execute(query, {"id": charge_id}).mappings()]


def _payment(charge_id: str, connection: Connection) -> Payment | None:
    row = connection.execute(_BY_ID, {"id": charge_id}).mappings().first()
    return None if row is None else Payment(**row)


def _list(order_id: str | None, limit: int, before: str | None, connection: Connection) -> list[Payment]:
    # Charge ids sort by time.
    query = _PAYMENTS.order_by(CHARGES.c.charge_id.desc()).limit(limit)
    if order_id is not None:
        query = query.where(CHARGES.c.order_id == order_id)
    if before is not None:
        query = query.where(CHARGES.c.charge_id < before)
    return [Payment(**row) for row in connection.execute(query).mappings()]
