"""The only door to orders: places them in Temporal, and reads them from their row, enriched while they are open.

Intake is Temporal's: an order is accepted when Temporal has its workflow, and the first step writes its row. So there
is no outbox, and nothing to mend when a process dies in between: what was accepted exists, what was refused is nowhere.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol

from temporalio.client import Client, WorkflowQueryFailedError, WorkflowQueryRejectedError
from temporalio.common import QueryRejectCondition
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from flowforge.durable.compensation import Compensation
from flowforge.errors import Conflict, IdempotencyKeyReused, NotFound, TemporalUnavailable
from flowforge.ids import new_order_id, order_id_of, workflow_id_for, workflow_id_of_key, workflow_id_of_unwinding
from flowforge.orders.contracts import Order, OrderOptions, OrderState
from flowforge.orders.intake import BODY, START_TIMEOUT, running_order, start
from flowforge.orders.records import OrderRecord, order_body
from flowforge.orders.workflow import OrderWorkflow
from flowforge.services.lines import Line, only_product, units
from flowforge.temporal.awaiting import ended_or
from flowforge.temporal.client import absence_as_fault, check

QUERY_TIMEOUT: Final = timedelta(milliseconds=300)
"""How long a reader waits for the workflow's own word; it hangs where no worker runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewOrder:
    """What a client asks for: `quantity` units of `product_id`, or `lines` of several products.

    Attributes:
        workflow_id: a name of the client's choice, or None.
        idempotency_key: the same key and the same order again give the order that was placed first; not beside a
            workflow_id.
        request_id: the request that placed it, for the logs.
        ship: whether it is sent to the customer.
        fail_at: step to fail in, for demonstrations.
    """

    customer_id: str
    payment_method: str
    request_id: str
    product_id: str | None = None
    quantity: int | None = None
    lines: tuple[Line, ...] = ()
    ship: bool = False
    workflow_id: str | None = None
    idempotency_key: str | None = None
    fail_at: str | None = None

    @property
    def name(self) -> str | None:
        """The workflow id that the client asks for, by itself or by its key; None where any will do."""
        return self.workflow_id if self.idempotency_key is None else workflow_id_of_key(self.idempotency_key)

    @property
    def items(self) -> tuple[Line, ...]:
        """What is ordered, however it was said."""
        return self.lines or (Line(product_id=self.product_id or "", quantity=self.quantity or 0),)

    @property
    def body(self) -> list[str | int | None]:
        """What has to be the same for an order to be the same order."""
        return order_body(self.items, self.customer_id, self.payment_method, ship=self.ship)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedOrder:
    """An accepted order's two names; `replayed` when its idempotency key had placed it before."""

    order_id: str
    workflow_id: str
    replayed: bool = False


class OrderReads(Protocol):
    """The rows as the gateway needs them."""

    async def get(self, order_or_workflow_id: str) -> OrderRecord | None:
        """Return an order by either of its names, or None."""
        ...

    async def is_alive(self) -> bool:
        """Tell whether the database answers."""
        ...


class OrderGateway:
    """Starts and finds orders.

    Args:
        client: connected to Temporal; the worker's own client makes starts eager.
        reads: the rows.
        task_queue: where workers listen.
        options: how orders placed here run.
    """

    def __init__(self, client: Client, reads: OrderReads, *, task_queue: str, options: OrderOptions) -> None:
        self._client = client
        self._reads = reads
        self._task_queue = task_queue
        self._options = options
        self._closing = asyncio.Event()

    async def place(self, new: NewOrder) -> PlacedOrder:
        """Accept an order: start its workflow.

        A workflow id is made of the idempotency key, and Temporal starts each once: there is nothing to lock, however
        many processes place an order with one key.

        Raises:
            Conflict: the workflow id was ever taken.
            IdempotencyKeyReused: the key belongs to an order of other content.
            TemporalUnavailable: Temporal did not say whether it took the order; ask for it by its workflow id later.
            DatabaseUnavailable: nothing was started.
        """
        name = new.name
        order_id = new_order_id() if name is None else order_id_of(name)
        order = Order(
            order_id=order_id,
            workflow_id=workflow_id_for(order_id),
            product_id=only_product(new.items),
            quantity=units(new.items),
            customer_id=new.customer_id,
            payment_method=new.payment_method,
            request_id=new.request_id,
            accepted_at=datetime.now(UTC).isoformat(),
            fail_at=new.fail_at,
            lines=new.items if len(new.items) > 1 else (),
            ship=new.ship,
            options=self._options,
        )
        if name is not None and (record := await self._reads.get(name)) is not None:
            return _placed_before(new, record.body)
        is_keyed = new.idempotency_key is not None
        of_key: dict[str, Any] = {"body": new.body, "find_row": self._reads.get} if is_keyed else {}
        try:
            await start(self._client, order, task_queue=self._task_queue, **of_key)
        except WorkflowAlreadyStartedError:
            # Its row is not there yet, or came this moment.
            return _placed_before(new, None if new.idempotency_key is None else await self._body_of(order.workflow_id))
        return PlacedOrder(order_id=order_id, workflow_id=order.workflow_id)

    async def get(self, order_or_workflow_id: str) -> OrderRecord:
        """Return an order: its row, and while it is open what the run that works on it adds within 300 ms.

        Raises:
            NotFound: no such order was ever accepted.
            TemporalUnavailable: there is no row, and Temporal cannot say whether one is to come.
            DatabaseUnavailable: the row cannot be read.
        """
        record = await self._reads.get(order_or_workflow_id)
        if record is None:
            return await self._without_row(order_or_workflow_id)
        if record.is_closed:
            return record
        state = await self._ask(record.workflow_id, workflow_id_of_unwinding(record.workflow_id))
        return record if state is None else _enriched(record, state)

    async def wait(self, order_or_workflow_id: str, seconds: float) -> OrderRecord:
        """Wait up to `seconds` for an order to end, or until `close`.

        Returns:
            The order, ended or as it is then.

        Raises:
            As `get`.
        """
        workflow_id = order_or_workflow_id
        if order_or_workflow_id.startswith("ord_"):
            workflow_id = workflow_id_for(order_or_workflow_id)
        await ended_or(self._closing, self._client, workflow_id, seconds)
        return await self.get(order_or_workflow_id)

    def close(self) -> None:
        """End every wait, so that a server can drain: the answer is then the order as it is."""
        self._closing.set()

    async def ready(self) -> dict[str, bool]:
        """Tell for `temporal` and `database` whether they answer now."""
        temporal, database = await asyncio.gather(self._temporal_answers(), self._reads.is_alive())
        return {"temporal": temporal, "database": database}

    async def _body_of(self, workflow_id: str) -> list[str | int | None]:
        with absence_as_fault():
            run = await self._client.get_workflow_handle(workflow_id).describe(rpc_timeout=START_TIMEOUT)
        body: list[str | int | None] = await run.memo_value(BODY, default=[])
        return body

    async def _temporal_answers(self) -> bool:
        try:
            await check(self._client)
        except TemporalUnavailable:
            return False
        return True

    async def _without_row(self, name: str) -> OrderRecord:
        run = await running_order(self._client, name)
        if run is not None:
            state = await self._ask(run.id)
            return OrderRecord.accepted(
                order_id=order_id_of(run.id), workflow_id=run.id, state=state, accepted_at=run.start_time
            )
        record = await self._reads.get(name)  # it may have come to its row, and its end, in between
        if record is None:
            raise NotFound(f"there is no order {name!r}")
        return record

    async def _ask(self, *names: str) -> OrderState | None:
        """Return the word of the first of these runs that is open; one that is gone would answer from its history."""
        try:
            async with asyncio.timeout(QUERY_TIMEOUT.total_seconds()):
                for name in names:
                    if (state := await self._query(name)) is not None:
                        return state
        except (TimeoutError, RPCError, WorkflowQueryFailedError):
            pass
        return None

    async def _query(self, workflow_id: str) -> OrderState | None:
        handle = self._client.get_workflow_handle(workflow_id)
        try:
            return await handle.query(
                OrderWorkflow.state, reject_condition=QueryRejectCondition.NOT_OPEN, rpc_timeout=QUERY_TIMEOUT
            )
        except WorkflowQueryRejectedError:
            return None
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise


def _placed_before(new: NewOrder, body: Sequence[str | int | None] | None) -> PlacedOrder:
    """Answer for a workflow id that is taken by an order of this `body`."""
    if new.idempotency_key is None or new.name is None:
        raise Conflict(f"workflow_id {new.name!r} is taken")
    if body != new.body:
        raise IdempotencyKeyReused("the Idempotency-Key belongs to an order of other content; use a new key")
    return PlacedOrder(order_id=order_id_of(new.name), workflow_id=new.name, replayed=True)


def _enriched(record: OrderRecord, state: OrderState) -> OrderRecord:
    """Add the run's word to an open order's row; the row's status stays, since the row is what readers read.

    A run that unwinds in another's place knows nothing of what that one did.
    """
    is_running = record.status == "running"
    steps = max(record.steps_completed, state.steps_completed, key=len) if is_running else record.steps_completed
    return replace(
        record,
        current_step=state.current_step,
        steps_completed=steps,
        compensations=record.compensations if is_running else tuple(_undos(record.compensations, state.compensations)),
        amount_minor=state.amount_minor if record.amount_minor is None else record.amount_minor,
        currency=record.currency or state.currency,
        charge_id=record.charge_id or state.charge_id,
    )


def _undos(known: Sequence[Compensation], told: Sequence[Compensation]) -> Sequence[Compensation]:
    rows = {undo.name: undo for undo in known}
    return [rows[undo.name] if undo.name in rows and rows[undo.name].is_settled else undo for undo in told] or known
