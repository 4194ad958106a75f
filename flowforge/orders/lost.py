"""Open orders without a run: the reconciler has not come to them yet, or there is none."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from temporalio.client import Client

from flowforge.orders.read_model import ReadModel
from flowforge.orders.reconciling import open_run
from flowforge.orders.records import OrderRecord

MOST: Final = 1000
"""How many open orders are looked at, the newest first."""

_AT_ONCE: Final = 16
_PAGE: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class LostOrders:
    """The answer.

    Attributes:
        orders: open orders without a run, newest first.
        checked: how many open orders were looked at.
        is_capped: whether there are open orders that were not.
    """

    orders: Sequence[OrderRecord]
    checked: int
    is_capped: bool


async def find_lost(client: Client, reads: ReadModel) -> LostOrders:
    """Ask Temporal for the run of every open order.

    Raises:
        TemporalUnavailable: Temporal is away.
        DatabaseUnavailable: the rows cannot be read.
    """
    rows: list[OrderRecord] = []
    page: Sequence[OrderRecord] = ()
    while len(rows) <= MOST and (not rows or len(page) == _PAGE):
        page = await reads.open_orders(limit=_PAGE, before=rows[-1].order_id if rows else None)
        rows += page
        if not page:
            break
    places = asyncio.Semaphore(_AT_ONCE)

    async def is_lost(row: OrderRecord) -> bool:
        async with places:
            if await open_run(client, row.workflow_id) is not None:
                return False
            # It may have ended between the two looks.
            now = await reads.get(row.order_id)
            return now is not None and not now.is_closed

    looked_at = rows[:MOST]
    verdicts = await asyncio.gather(*(is_lost(row) for row in looked_at))
    lost = [row for row, verdict in zip(looked_at, verdicts, strict=True) if verdict]
    return LostOrders(orders=lost, checked=len(looked_at), is_capped=len(rows) > MOST)
