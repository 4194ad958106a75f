"""Notices as rows, from which a mailer of one's own would take them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Final

from sqlalchemy import Connection, bindparam, insert, select

from flowforge.persistence.database import Database
from flowforge.persistence.tables.shipping import NOTIFICATIONS
from flowforge.services.ledger import SqlLedger
from flowforge.services.notices.contracts import Notice, NoticeSent, SendNotice

_ADD: Final = insert(NOTIFICATIONS)
_OF_ORDER: Final = (
    select(*(NOTIFICATIONS.c[name] for name in Notice.__slots__))
    .where(NOTIFICATIONS.c.order_id == bindparam("id"))
    .order_by(NOTIFICATIONS.c.created_at.desc())
)


class SqlNotices:
    """Implements the Notices port on the table notifications."""

    def __init__(self, database: Database, ledger: SqlLedger) -> None:
        self._database = database
        self._ledger = ledger

    async def send(self, request: SendNotice) -> NoticeSent:
        """See Notices.send."""
        return await self._ledger.apply(request.call, "notices.send", partial(_send, request), NoticeSent)

    async def sent(self, order_id: str) -> Sequence[Notice]:
        """See Notices.sent."""
        return await self._database.read(partial(_sent, order_id))


def _send(request: SendNotice, connection: Connection) -> NoticeSent:
    connection.execute(
        _ADD,
        {
            "saga_id": request.call.saga_id,
            "occurrence": request.call.occurrence,
            "order_id": request.order_id,
            "customer_id": request.customer_id,
            "message": request.message,
            "created_at": datetime.now(UTC),
        },
    )
    return NoticeSent(customer_id=request.customer_id)


def _sent(order_id: str, connection: Connection) -> list[Notice]:
    return [Notice(**row) for row in connection.execute(_OF_ORDER, {"id": order_id}).mappings()]
