"""Notices in memory, for tests and for trying things out."""

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial

from flowforge.services.memory_ledger import MemoryLedger
from flowforge.services.memory_store import MemoryTransaction
from flowforge.services.notices.contracts import Notice, NoticeSent, SendNotice


class MemoryNotices:
    """Implements the Notices port on the store of a MemoryLedger."""

    def __init__(self, ledger: MemoryLedger) -> None:
        self._store = ledger.store
        self._ledger = ledger

    async def send(self, request: SendNotice) -> NoticeSent:
        """See Notices.send."""
        return await self._ledger.apply(request.call, "notices.send", partial(_send, request), NoticeSent)

    async def sent(self, order_id: str) -> Sequence[Notice]:
        """See Notices.sent."""
        with self._store.transaction() as transaction:
            found = [notice for notice in transaction.rows(Notice).values() if notice.order_id == order_id]
        return sorted(found, key=lambda notice: notice.created_at, reverse=True)


def _send(request: SendNotice, transaction: MemoryTransaction) -> NoticeSent:
    transaction.rows(Notice)[request.call.saga_id, request.call.occurrence] = Notice(
        order_id=request.order_id,
        customer_id=request.customer_id,
        message=request.message,
        created_at=datetime.now(UTC),
    )
    return NoticeSent(customer_id=request.customer_id)
