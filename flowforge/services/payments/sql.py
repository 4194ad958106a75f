"""The payment provider's sandbox in the database."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection, bindparam, insert, select, update

from flowforge.durable.fence import Undone, UndoStep
from flowforge.ids import new_charge_id
from flowforge.persistence.database import Database
from flowforge.persistence.tables.payments import CHARGES
from flowforge.services.ledger import SqlLedger
from flowforge.services.payments.contracts import Charge, ChargePayment, Payment
from flowforge.services.payments.sandbox import authorise

_CHARGE: Final = insert(CHARGES)
_REFUND: Final = (
    update(CHARGES)
    .where(CHARGES.c.charge_id == bindparam("id"), CHARGES.c.status == "charged")
    .values(status="refunded", refunded_minor=CHARGES.c.captured_minor, refunded_at=bindparam("at"))
)
_PAYMENTS: Final = select(*(CHARGES.c[name] for name in Payment.__slots__))
_BY_ID: Final = _PAYMENTS.where(CHARGES.c.charge_id == bindparam("id"))


class SqlPayments:
    """Implements the Payments port on the table charges."""

    def __init__(self, database: Database, ledger: SqlLedger) -> None:
        self._database = database
        self._ledger = ledger

    async def charge(self, request: ChargePayment) -> Charge:
        """See Payments.charge."""
        return await self._ledger.apply(request.call, "payments.charge", partial(_charge, request), Charge)

    async def refund_by_key(self, request: UndoStep) -> Undone:
        """See Payments.refund_by_key."""
        return await self._ledger.undo(request.call, "payments.charge", _refund)

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
            "captured_minor": charge.amount_minor,
            "refunded_minor": 0,
            "written_off_minor": 0,
            "created_at": datetime.now(UTC),
            "refunded_at": None,
        },
    )
    return charge


def _refund(connection: Connection, outcome: dict[str, Any]) -> None:
    connection.execute(_REFUND, {"id": outcome["charge_id"], "at": datetime.now(UTC)})


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
