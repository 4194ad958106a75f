"""The reconciler: sees to it that every open order has a run, in every worker process, one of them at a time.

A run that is terminated, or that Temporal has lost, cannot undo anything. Its order is open in the database and nobody
works on it. The reconciler finds such orders by their rows, asks Temporal about each by its name (lists lag), and has
them unwound by a run of their own. The ledger makes that safe even where it is wrong: what a healthy run had still to
do is then refused, and both runs end as the row says.
"""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection
from temporalio.client import Client
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import WorkflowAlreadyStartedError

from flowforge.errors import Fault
from flowforge.ids import workflow_id_of_unwinding
from flowforge.orders.intake import START_TIMEOUT, TASK_TIMEOUT
from flowforge.orders.one_temporal import OtherTemporal, agree_on, name_of
from flowforge.orders.runs import is_asked_to_cancel, open_run
from flowforge.orders.standstill import StillOrder, ended_with_units, is_still, still_orders
from flowforge.orders.workflow import FULFIL_ORDER
from flowforge.persistence.database import Database
from flowforge.persistence.leases import Lease, hold
from flowforge.services.inventory.leftovers import Leftovers
from flowforge.temporal.client import absence_as_fault

STILL_AFTER: Final = timedelta(seconds=20)
"""How long an order does not move before it is looked at: longer than a step's attempt usually takes."""

RECONCILER: Final = "reconciler"
"""The lease of the process that reconciles."""

_AT_ONCE: Final = 16
_MOST: Final = 500
"""How many orders one turn looks at."""

_MOST_LEFTOVERS: Final = 100
_BETWEEN_FULL_TURNS: Final = timedelta(seconds=1)

_LOG: Final = logging.getLogger(__name__)


@dataclass(slots=True, kw_only=True)
class Turn:
    """What one turn has found and done; the lists hold order ids.

    Attributes:
        looked_at: how many open orders that do not move were compared with Temporal.
        unwound: orders without a run, which have got one that unwinds them.
        cancelled: orders whose run was told again that they are to be cancelled.
        released: ended orders whose units were given back.
        failed: orders with which something went wrong; they are tried again.
        is_last: whether the open orders are through; else the next turn goes on behind them.
    """

    looked_at: int = 0
    unwound: list[str] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    released: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    is_last: bool = True

    @property
    def has_done_something(self) -> bool:
        """Whether anything was done."""
        return bool(self.unwound or self.cancelled or self.released)


class Reconciler:
    """Reconciles, turn by turn, whenever it is this process that holds the lease.

    Args:
        client: the worker's connection to Temporal.
        database: where orders and leases are.
        task_queue: where the unwinding runs.
        holder: this process's name among all; never used by another.
        interval: between two turns; a lease lasts for two of them.
        still_after: how long an order must not have moved.
        most: how many orders a turn looks at.
    """

    def __init__(
        self,
        client: Client,
        database: Database,
        *,
        task_queue: str,
        holder: str,
        interval: timedelta,
        still_after: timedelta = STILL_AFTER,
        most: int = _MOST,
    ) -> None:
        self._client = client
        self._database = database
        self._leftovers = Leftovers(database)
        self._task_queue = task_queue
        self._holder = holder
        self._interval = interval
        self._still_after = still_after
        self._most = most
        self._behind = 0
        self._trouble: str | None = None
        self._told: set[str] = set()

    async def run(self) -> None:
        """Take turns until cancelled; what goes wrong is told once, and tried again at every turn."""
        while True:
            turn: Turn | None = None
            try:
                turn = await self.turn()
            except Fault as fault:
                self._tell(fault)
            except Exception:  # noqa: BLE001 -- a worker does not end because of what it does besides
                _LOG.exception("a turn of the reconciler failed; it goes on with the next")
            else:
                self._tell(None)
            goes_on = turn is not None and not turn.is_last
            pause = min(_BETWEEN_FULL_TURNS, self._interval) if goes_on else self._interval
            await asyncio.sleep(pause.total_seconds())

    async def turn(self) -> Turn | None:
        """Take one turn.

        Returns:
            What it came to; None where another process holds the lease.

        Raises:
            OtherTemporal: it is not for the workers of this Temporal to reconcile these orders.
            TemporalUnavailable: Temporal is away.
            DatabaseUnavailable: the database is.
        """
        temporal = await name_of(self._client)
        if not await self._is_ours(temporal):
            self._behind = 0
            return None
        turn = Turn()
        # By our clock, and the rows' times by others': where they differ, orders are looked at sooner or later than
        # they should, which does no harm, since Temporal decides.
        since = datetime.now(UTC) - self._still_after
        orders = await self._database.read(still_orders, since, after=self._behind, limit=self._most)
        turn.is_last = len(orders) < self._most
        await self._compare(orders, turn)
        await self._release_leftovers(turn)
        if turn.has_done_something:
            _LOG.warning(
                "of %d open orders that did not move %d had no run and are unwound, %d were cancelled again; "
                "%d that had ended gave units back",
                *(turn.looked_at, len(turn.unwound), len(turn.cancelled), len(turn.released)),
            )
        return turn

    async def _is_ours(self, temporal: str) -> bool:
        """Tell whether it is this process's turn, against this Temporal."""
        before, lease = await self._database.write(_claim, temporal, self._holder, 2 * self._interval)
        if before is not None:
            _LOG.warning(
                "Temporal has lost its state, or is another one than before (it was %s, it is %s): "
                "open orders that it does not know are unwound",
                *(before, temporal),
            )
        return lease.is_held

    async def _compare(self, orders: Sequence[StillOrder], turn: Turn) -> None:
        """Compare orders with Temporal, several at a time, until they are through or there is no hope for the next.

        The next turn goes on behind those that were taken, whatever became of them: none must bar the others.

        Raises:
            Fault: every one of those who compare has met one.
        """
        taken = iter(orders)
        faults = await asyncio.gather(*(self._take(taken, turn) for _ in range(_AT_ONCE)))
        left = next(taken, None)
        if left is not None:
            self._behind = left.sequence - 1
            raise next(fault for fault in faults if fault is not None)
        self._behind = 0 if turn.is_last else orders[-1].sequence

    async def _take(self, orders: Iterator[StillOrder], turn: Turn) -> Fault | None:
        """Take orders while there are any; give up at the first fault, and return it."""
        for order in orders:
            turn.looked_at += 1
            try:
                await self._mend(order, turn)
            except Exception as error:  # noqa: BLE001 -- the others get their turn
                turn.failed.append(order.order_id)
                if order.order_id not in self._told:
                    self._told.add(order.order_id)
                    labels = {"order_id": order.order_id, "workflow_id": order.workflow_id}
                    trace = None if isinstance(error, Fault) else error
                    _LOG.warning("the order is not reconciled for now: %s", error, extra=labels, exc_info=trace)
                if isinstance(error, Fault):
                    return error
            else:
                self._told.discard(order.order_id)
        return None

    async def _mend(self, order: StillOrder, turn: Turn) -> None:
        run = await open_run(self._client, order.workflow_id)
        if run is None:
            # It may have ended, with its row, between the two looks.
            if await self._database.read(is_still, order) and await self._unwind(order):
                turn.unwound.append(order.order_id)
        elif order.cancel_reason is not None and not is_asked_to_cancel(run):
            handle = self._client.get_workflow_handle(run.id, run_id=run.run_id)
            with absence_as_fault():
                await handle.cancel(reason=order.cancel_reason, rpc_timeout=START_TIMEOUT)
            turn.cancelled.append(order.order_id)

    async def _unwind(self, order: StillOrder) -> bool:
        """Start the run that unwinds an order; tell whether it was us who did."""
        name = workflow_id_of_unwinding(order.workflow_id)
        what: dict[str, Any] = {**order.input, "abandoned": True}
        try:
            with absence_as_fault():
                await self._client.start_workflow(
                    FULFIL_ORDER,
                    what,
                    id=name,
                    task_queue=self._task_queue,
                    # One that was terminated, too, is no end.
                    id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                    task_timeout=TASK_TIMEOUT,
                    static_summary=f"unwinds {order.order_id}, whose own run is gone",
                    rpc_timeout=START_TIMEOUT,
                )
        except WorkflowAlreadyStartedError:
            return False
        labels = {"order_id": order.order_id, "workflow_id": name}
        _LOG.info("the order (%s) has no run any more: it is unwound", order.status, extra=labels)
        return True

    async def _release_leftovers(self, turn: Turn) -> None:
        for order_id in await self._database.read(ended_with_units, _MOST_LEFTOVERS):
            for left in await self._leftovers.release(order_id):
                _LOG.error(
                    "a defect: the order had ended and still held %d x %s; they were given back",
                    *(left.quantity, left.product_id),
                    extra={"order_id": order_id},
                )
                turn.released.append(order_id)

    def _tell(self, fault: Fault | None) -> None:
        """Say what is wrong, or that it is no more; once."""
        trouble = None if fault is None else fault.code
        if trouble == self._trouble:
            return
        self._trouble = trouble
        if fault is None:
            _LOG.info("orders are reconciled again")
        else:
            level = logging.ERROR if isinstance(fault, OtherTemporal) else logging.WARNING
            _LOG.log(level, "orders are not reconciled for now: %s", fault.message)


def _claim(connection: Connection, temporal: str, holder: str, lasts: timedelta) -> tuple[str | None, Lease]:
    """Agree with all workers on the one Temporal, then ask for the reconciler's lease; also return the one before."""
    before = agree_on(connection, temporal, lasts)
    return before, hold(connection, RECONCILER, holder, lasts)
