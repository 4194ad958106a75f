"""Writes the orders' rows and events, in the transactions of the effects that they tell of."""

import logging
from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, bindparam, insert, select, update

from flowforge.errors import Conflict, DatabaseUnavailable
from flowforge.orders import attempts
from flowforge.orders.contracts import CloseOrder, MarkReturned, OrderClosed
from flowforge.orders.progress import Progress
from flowforge.orders.saga import steps_for
from flowforge.persistence.database import Database
from flowforge.persistence.tables.orders import ORDER_EVENTS, ORDER_LINES, ORDERS
from flowforge.services.fault_points import Reach, nowhere
from flowforge.services.journal import Entry, FailedAttempt

_LOG: Final = logging.getLogger(__name__)

_MUTABLE: Final = (
    "status",
    "current_step",
    "steps_completed",
    "compensations",
    "compensation_triggered",
    "failure_code",
    "failure_reason",
    "amount_minor",
    "currency",
    "charge_id",
    "closed_at",
    "deadline_at",
    "last_event_id",
    "cancel_requested_at",
    "cancel_reason",
)
_FIXED: Final = ("product_id", "quantity", "dispatched_at")
_LOAD: Final = (
    select(*(ORDERS.c[name] for name in (*_FIXED, *_MUTABLE)))
    .where(ORDERS.c.order_id == bindparam("id"))
    .with_for_update()
)
_OPEN: Final = insert(ORDERS).inline()
_SAVE: Final = (
    update(ORDERS)
    .where(ORDERS.c.order_id == bindparam("id"))
    .values({name: bindparam(name) for name in (*_MUTABLE, "updated_at")})
)
_LET_GO: Final = update(ORDERS).where(ORDERS.c.order_id == bindparam("id")).values(dispatched_at=bindparam("at"))
_LINK_RETRY: Final = update(ORDERS).where(ORDERS.c.order_id == bindparam("first")).values(retried_by=bindparam("again"))
_ADD_EVENTS: Final = insert(ORDER_EVENTS)
_ADD_LINES: Final = insert(ORDER_LINES)


class OrderJournal:
    """The Journal of fulfilment sagas: their saga id is the order's id."""

    def __init__(self, database: Database, reach: Reach = nowhere) -> None:
        """Take the database of the orders, and what is called at the fault points of `close`."""
        self._database = database
        self._reach = reach

    def record(self, entry: Entry, transaction: Connection | None) -> None:
        """See Journal.record. Without a transaction this blocks: never call it on an event loop's thread then."""
        if transaction is None:
            self._database.write_and_wait(_record, entry)
        else:
            _record(transaction, entry)

    def redelivered(self, entry: Entry, transaction: Connection | None) -> None:
        """See Journal.redelivered. Without a transaction this blocks, as `record` does."""
        if transaction is None:
            self._database.write_and_wait(attempts.add_again, entry)
        else:
            attempts.add_again(transaction, entry)

    def beyond_recall(self, saga_id: str, at: datetime, transaction: Connection | None) -> None:
        """See Journal.beyond_recall. Without a transaction this blocks, as `record` does."""
        if transaction is None:
            self._database.write_and_wait(_beyond_recall, saga_id, at)
        else:
            _beyond_recall(transaction, saga_id, at)

    async def attempt_failed(self, attempt: FailedAttempt) -> None:
        """See Journal.attempt_failed."""
        try:
            await self._database.write_if_free(_attempt_failed, attempt)
        except DatabaseUnavailable as error:
            _LOG.debug("a failed attempt was not noted: %s", error)

    async def close(self, request: CloseOrder) -> OrderClosed:
        """Move an order's status by compare-and-set, opening its row where no step got that far.

        Raises:
            DatabaseUnavailable: nothing was written; try again.
        """
        operation = f"orders.close.{request.to}"

        def work(connection: Connection) -> OrderClosed:
            closed = close(connection, request)
            self._reach(operation, "inside")
            return closed

        self._reach(operation, "before")
        closed = await self._database.write(work)
        self._reach(operation, "after-commit")
        return closed

    async def mark_returned(self, request: MarkReturned) -> None:
        """Move a completed order on to `returned`, once.

        Raises:
            Conflict: the order has not completed.
            DatabaseUnavailable: nothing was written; try again.
        """

        def work(connection: Connection) -> None:
            mark_returned(connection, request)
            self._reach("orders.returned", "inside")

        self._reach("orders.returned", "before")
        await self._database.write(work)
        self._reach("orders.returned", "after-commit")


def mark_returned(connection: Connection, request: MarkReturned) -> None:
    """Do what OrderJournal.mark_returned does, in a transaction that is open already."""
    at = datetime.now(UTC)
    progress = _load(connection, request.order_id)
    if progress is None:
        raise Conflict(f"there is no order {request.order_id!r} to be returned")
    if progress.mark_returned(request.refunded_minor, at):
        _save(connection, request.order_id, progress, at)


def close(connection: Connection, request: CloseOrder) -> OrderClosed:
    """Do what OrderJournal.close does, in a transaction that is open already."""
    at = datetime.now(UTC)
    order = request.order
    progress = _load(connection, order.order_id)
    is_new = progress is None
    if progress is None:
        progress = Progress(product_id=order.product_id, quantity=order.quantity)
    if request.to == "compensating" and progress.has_left:
        request = _brought_to_an_end(connection, request)
    if progress.close(request, at):
        if is_new:
            _open(connection, asdict(order), progress, at)
        else:
            _save(connection, order.order_id, progress, at)
    failure_code, failure_reason = progress.why_not_forward
    return OrderClosed(
        status=progress.status,
        steps_completed=tuple(progress.steps_completed),
        failure_code=failure_code,
        failure_reason=failure_reason,
        amount_minor=progress.amount_minor,
        currency=progress.currency,
        charge_id=progress.charge_id,
    )


def _brought_to_an_end(connection: Connection, request: CloseOrder) -> CloseOrder:
    """Tell what an order did that is completed before its run could, and what nothing hangs on and was not done."""
    done, steps, state = attempts.applied(connection, request.order.order_id), steps_for(request.order), request.state
    why = state.failure_reason or state.failure_code or "the order was to be unwound"
    given_up = {step.name: why for step in steps if step.attempts is not None and step.name not in done}
    completed = tuple(step.name for step in steps if step.name in done)
    return replace(request, state=replace(state, steps_completed=completed, given_up={**given_up, **state.given_up}))


def _record(connection: Connection, entry: Entry) -> None:
    call = entry.call
    progress = _load(connection, call.saga_id)
    if progress is not None:
        progress.record(entry)
        _save(connection, call.saga_id, progress, entry.at)
    elif call.opening is not None:
        progress = Progress(product_id=call.opening["product_id"], quantity=call.opening["quantity"])
        progress.record(entry)
        _open(connection, call.opening, progress, entry.at)
    attempts.add(connection, entry)


def _attempt_failed(connection: Connection, attempt: FailedAttempt) -> None:
    progress = _load(connection, attempt.call.saga_id)
    if progress is None:
        return
    if attempt.retried:  # else its end is told by `close`
        progress.attempt_failed(attempt)
    if progress.new_events:
        _save(connection, attempt.call.saga_id, progress, attempt.at)
    attempts.add_failed(connection, attempt)


def _beyond_recall(connection: Connection, order_id: str, at: datetime) -> None:
    progress = _load(connection, order_id)
    if progress is None:
        raise Conflict(f"there is no order {order_id!r} whose goods could leave")
    if progress.let_go(at):
        connection.execute(_LET_GO, {"id": order_id, "at": at})


def _load(connection: Connection, order_id: str) -> Progress | None:
    row = connection.execute(_LOAD, {"id": order_id}).first()
    return None if row is None else Progress(**row._mapping)  # noqa: SLF001 -- SQLAlchemy's public name for it


def _open(connection: Connection, order: Mapping[str, Any], progress: Progress, at: datetime) -> None:
    accepted_at = datetime.fromisoformat(order["accepted_at"])
    events = _number_events(progress, order["order_id"])
    connection.execute(
        _OPEN,
        {
            **_mutable(progress),
            "order_id": order["order_id"],
            "workflow_id": order["workflow_id"],
            "customer_id": order["customer_id"],
            "product_id": order["product_id"],
            "quantity": order["quantity"],
            "payment_method": order["payment_method"],
            "request_id": order["request_id"],
            "input": dict(order),
            "created_at": accepted_at,
            "updated_at": at,
            "deadline_at": accepted_at + timedelta(seconds=order["options"]["deadline_s"]),
            "retry_of": order.get("retry_of"),
        },
    )
    if order.get("lines"):
        lines = [
            {"order_id": order["order_id"], "number": number, **line} for number, line in enumerate(order["lines"], 1)
        ]
        connection.execute(_ADD_LINES, lines)
    if order.get("retry_of") is not None:
        connection.execute(_LINK_RETRY, {"first": order["retry_of"], "again": order["order_id"]})
    if events:
        connection.execute(_ADD_EVENTS, events)


def _save(connection: Connection, order_id: str, progress: Progress, at: datetime) -> None:
    events = _number_events(progress, order_id)
    connection.execute(_SAVE, {**_mutable(progress), "id": order_id, "updated_at": at})
    if events:
        connection.execute(_ADD_EVENTS, events)


def _mutable(progress: Progress) -> dict[str, Any]:
    return {name: getattr(progress, name) for name in _MUTABLE}


def _number_events(progress: Progress, order_id: str) -> list[dict[str, Any]]:
    first = progress.last_event_id + 1
    progress.last_event_id += len(progress.new_events)
    return [
        {
            "order_id": order_id,
            "id": number,
            "step": event.step,
            "status": event.status,
            "message": event.message,
            "timestamp": event.timestamp,
        }
        for number, event in enumerate(progress.new_events, first)
    ]
