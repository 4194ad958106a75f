"""Returns as the reconciler looks after them: one that was begun and has no run any more gets another, and goes on.

A return only goes forward, and each of its steps is fenced: the new run finds what was done and does the rest.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, bindparam, func, select, text
from temporalio.client import Client, WorkflowExecutionStatus

from flowforge.ids import workflow_id_of_return
from flowforge.orders.contracts import ReturnOrder
from flowforge.orders.intake import order_in
from flowforge.orders.returns import start_return
from flowforge.persistence.database import Database
from flowforge.persistence.tables.ledger import LEDGER, OF_RETURNS
from flowforge.persistence.tables.orders import ORDERS
from flowforge.reconciling.sweeps import Sweep, is_taken
from flowforge.reconciling.watched import Mended
from flowforge.reconciling.workflows import find_workflow

_LOG: Final = logging.getLogger(__name__)

_BEGUN: Final = (
    select(LEDGER.c.saga_id, func.max(LEDGER.c.created_at).label("moved_at"))
    .where(text(OF_RETURNS))
    .group_by(LEDGER.c.saga_id)
    .subquery()
)
_STILL: Final = (
    select(ORDERS.c.sequence, ORDERS.c.order_id, ORDERS.c.workflow_id, ORDERS.c.charge_id, ORDERS.c.input)
    .join(_BEGUN, _BEGUN.c.saga_id == ORDERS.c.order_id)
    .where(ORDERS.c.status == "completed", ORDERS.c.sequence > bindparam("after"))
    .where(is_taken(ORDERS.c.sequence, _BEGUN.c.moved_at))
    .order_by(ORDERS.c.sequence)
    .limit(bindparam("count"))
)
_STATUS: Final = select(ORDERS.c.status).where(ORDERS.c.order_id == bindparam("id"))
_LEAVE_ALONE: Final = {WorkflowExecutionStatus.RUNNING, WorkflowExecutionStatus.FAILED}
"""One that failed was refused for good by a service: somebody has to see why before it is asked for again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StillReturn:
    """A return that was begun, did not end and does not move.

    Attributes:
        sequence: its order's place among all orders.
        input: what the order was placed as, as JSON.
    """

    sequence: int
    order_id: str
    workflow_id: str
    charge_id: str
    input: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The order's id."""
        return self.order_id

    @property
    def labels(self) -> Mapping[str, str]:
        """What log lines about it carry."""
        return {"order_id": self.order_id, "workflow_id": workflow_id_of_return(self.workflow_id)}


class WatchedReturns:
    """Returns that were begun.

    Args:
        database: where they are.
        task_queue: where they run.
    """

    noun = "return"

    def __init__(self, database: Database, *, task_queue: str) -> None:
        self._database = database
        self._task_queue = task_queue

    async def still(self, sweep: Sweep, *, after: int, limit: int) -> Sequence[StillReturn]:
        """See Watched.still."""
        return await self._database.read(_still, sweep, after, limit)

    async def mend(self, client: Client, still: StillReturn) -> Mended | None:
        """See Watched.mend."""
        run = await find_workflow(client, workflow_id_of_return(still.workflow_id))
        if run is not None and run.status in _LEAVE_ALONE:
            return None
        # It may have ended, with its order's row, between the two looks.
        if await self._database.read(_status, still.order_id) != "completed":
            return None
        order = order_in(client, still.input)
        request = ReturnOrder(
            order_id=still.order_id,
            workflow_id=still.workflow_id,
            charge_id=still.charge_id,
            ship=order.ship,
            request_id=order.request_id,
            options=order.options,
        )
        if not await start_return(client, request, task_queue=self._task_queue):
            return None
        _LOG.info("the return has no run any more: it goes on in another", extra=dict(still.labels))
        return "resumed"

    async def tidy(self) -> Sequence[str]:
        """See Watched.tidy: a return holds nothing."""
        return ()


def _still(connection: Connection, sweep: Sweep, after: int, limit: int) -> Sequence[StillReturn]:
    rows = connection.execute(_STILL, {**sweep.parameters, "after": after, "count": limit}).mappings()
    return [StillReturn(**row) for row in rows]


def _status(connection: Connection, order_id: str) -> str | None:
    status: str | None = connection.execute(_STATUS, {"id": order_id}).scalar()
    return status
