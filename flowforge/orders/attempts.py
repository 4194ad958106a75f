"""Writes every attempt of a step or an undo: in its effect's own transaction, or when it has failed."""

from datetime import datetime
from typing import Final, Literal

from sqlalchemy import Connection, String, bindparam, func, insert, select, update

from flowforge.persistence.tables.orders import ORDER_ATTEMPTS, ORDERS
from flowforge.persistence.types import UtcTimestamp
from flowforge.services.journal import Entry, FailedAttempt

Written = Literal["applied", "refused", "undone", "not_needed", "written_off", "replayed", "fenced", "failed"]
"""What an attempt that was written did: `replayed` only read an outcome, `fenced` found that the step was undone."""

_NEXT: Final = (
    select(func.coalesce(func.max(ORDER_ATTEMPTS.c.id), 0) + 1)
    .where(ORDER_ATTEMPTS.c.order_id == bindparam("of"))
    .scalar_subquery()
)
_TOLD: Final = ("step", "undo", "attempt", "outcome", "error_code", "error_message", "worker", "placement")
_TIMES: Final = ("started_at", "ended_at")
# From the order's row, so that an attempt of an order without one (its first, that failed) is left out and no error.
_ADD: Final = insert(ORDER_ATTEMPTS).from_select(
    ["order_id", "id", *_TOLD, *_TIMES],
    select(
        ORDERS.c.order_id,
        _NEXT,
        *(bindparam(name, type_=ORDER_ATTEMPTS.c[name].type) for name in (*_TOLD, *_TIMES)),
    ).where(ORDERS.c.order_id == bindparam("of")),
)
_APPLIED: Final = select(ORDER_ATTEMPTS.c.step).where(
    ORDER_ATTEMPTS.c.order_id == bindparam("of"), ORDER_ATTEMPTS.c.undo.is_(None), ORDER_ATTEMPTS.c.outcome == "applied"
)
_ANSWERED: Final = (
    update(ORDER_ATTEMPTS)
    .where(
        ORDER_ATTEMPTS.c.order_id == bindparam("of"),
        ORDER_ATTEMPTS.c.step == bindparam("of_step"),
        ORDER_ATTEMPTS.c.undo.is_not_distinct_from(bindparam("of_undo", type_=String())),
        ORDER_ATTEMPTS.c.attempt == bindparam("number"),
        ORDER_ATTEMPTS.c.worker == bindparam("by"),
        ORDER_ATTEMPTS.c.started_at >= bindparam("since", type_=UtcTimestamp()),
    )
    .values(
        error_code=bindparam("error_code"), error_message=bindparam("error_message"), ended_at=bindparam("ended_at")
    )
)


def applied(connection: Connection, order_id: str) -> frozenset[str]:
    """Return the steps of an order that took effect, whether or not anybody heard of it."""
    return frozenset(connection.execute(_APPLIED, {"of": order_id}).scalars())


def add(connection: Connection, entry: Entry) -> None:
    """Write an attempt that brought an outcome about."""
    _add(connection, entry, entry.state, is_error=entry.state == "refused")


def add_again(connection: Connection, entry: Entry) -> None:
    """Write an attempt that found its outcome written; see Journal.redelivered."""
    is_fenced = entry.call.undo is None and entry.state == "undone"
    _add(connection, entry, "fenced" if is_fenced else "replayed", is_error=is_fenced or entry.state == "refused")


def add_failed(connection: Connection, attempt: FailedAttempt) -> None:
    """Write how an attempt failed, into its own row where it had brought its outcome about before."""
    call = attempt.call
    error = {"error_code": attempt.code, "error_message": attempt.message, "ended_at": attempt.at}
    answered = connection.execute(
        _ANSWERED,
        {
            "of": call.saga_id,
            "of_step": call.step,
            "of_undo": call.undo,
            "number": call.attempt,
            "by": call.worker,
            "since": attempt.started_at,
            **error,
        },
    )
    if not answered.rowcount:
        told = {
            "of": call.saga_id,
            "step": call.step,
            "undo": call.undo,
            "attempt": call.attempt,
            "outcome": "failed" if attempt.retried else "refused",
            "worker": call.worker,
            "placement": call.placement,
            "started_at": attempt.started_at,
            **error,
        }
        connection.execute(_ADD, told)


def _add(connection: Connection, entry: Entry, outcome: Written, *, is_error: bool) -> None:
    call = entry.call
    told: dict[str, str | int | datetime | None] = {
        "of": call.saga_id,
        "step": call.step,
        "undo": call.undo,
        "attempt": call.attempt,
        "outcome": outcome,
        "error_code": entry.outcome["code"] if is_error else None,
        "error_message": entry.outcome["message"] if is_error else None,
        "worker": call.worker,
        "placement": call.placement,
        "started_at": entry.started_at,
        "ended_at": entry.at,
    }
    connection.execute(_ADD, told)
