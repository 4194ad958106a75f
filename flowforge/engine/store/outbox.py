"""What a definition's webhooks are still to be told, written in the transaction of the turn that they are told of."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, delete, insert, select, update

from flowforge.engine.core.stored import Stored, read, write
from flowforge.engine.saving import SaveRun, Transition
from flowforge.engine.store.values import fetch
from flowforge.persistence.tables.engine import WEBHOOK_OUTBOX
from flowforge.persistence.types import UtcTimestamp

_STEP_ENDS: Final = frozenset({"success", "failed", "skipped", "compensated"})
_FAILURES: Final = frozenset({"failed", "compensated", "cancelled"})
_WAITS: Final = WEBHOOK_OUTBOX.c.given_up_at.is_(None)
_EARLIER: Final = WEBHOOK_OUTBOX.alias("earlier")
_IS_FIRST: Final = ~(
    select(_EARLIER.c.sequence)
    .where(
        _EARLIER.c.execution_id == WEBHOOK_OUTBOX.c.execution_id,
        _EARLIER.c.url == WEBHOOK_OUTBOX.c.url,
        _EARLIER.c.given_up_at.is_(None),
        _EARLIER.c.sequence < WEBHOOK_OUTBOX.c.sequence,
    )
    .exists()
)
_DUE: Final = (
    select(WEBHOOK_OUTBOX)
    .where(_WAITS, WEBHOOK_OUTBOX.c.due_at <= bindparam("now", type_=UtcTimestamp), _IS_FIRST)
    .order_by(WEBHOOK_OUTBOX.c.due_at)
    .limit(bindparam("count"))
)
_ONE: Final = WEBHOOK_OUTBOX.c.sequence == bindparam("one")
_DELIVERED: Final = delete(WEBHOOK_OUTBOX).where(_ONE)
_AGAIN: Final = (
    update(WEBHOOK_OUTBOX)
    .where(_ONE)
    .values({name: bindparam(name) for name in ("attempts", "due_at", "given_up_at", "error")})
)
_STALE: Final = delete(WEBHOOK_OUTBOX).where(
    WEBHOOK_OUTBOX.c.execution_id == bindparam("of"), WEBHOOK_OUTBOX.c.event_id >= bindparam("least")
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """Something that an address is to be told now.

    Attributes:
        payload: the whole of it; its `id` is the same for every attempt.
        attempts: how often it was tried.
    """

    sequence: int
    execution_id: str
    url: str
    payload: Mapping[str, Any]
    attempts: int


def put(connection: Connection, request: SaveRun, *, workflow_id: str) -> None:
    """Write what a turn's events mean to the definition's webhooks; an event that is told anew replaces itself."""
    if not request.hooks or not request.events:
        return
    connection.execute(_STALE, {"of": request.execution_id, "least": request.events[0].id})
    rows = list(_rows(request, workflow_id))
    if rows:
        connection.execute(insert(WEBHOOK_OUTBOX), rows)


def due(connection: Connection, now: datetime, *, limit: int) -> Sequence[Due]:
    """Return what is to be delivered: of each run and address the first that is left, if its time has come."""
    rows = connection.execute(_DUE, {"now": now, "count": limit}).all()
    return [_due(connection, row) for row in rows]


def delivered(connection: Connection, one: Due) -> None:
    """Forget what was delivered."""
    connection.execute(_DELIVERED, {"one": one.sequence})


def failed(connection: Connection, one: Due, error: str, *, now: datetime, pause: timedelta | None) -> None:
    """Note that an attempt failed, and when the next one is due; without a pause there is none."""
    again = {"one": one.sequence, "attempts": one.attempts + 1, "error": error[:1000]}
    times = {"due_at": now + (pause or timedelta()), "given_up_at": None if pause is not None else now}
    connection.execute(_AGAIN, {**again, **times})


def _rows(request: SaveRun, workflow_id: str) -> Iterator[dict[str, Any]]:
    for event in request.events:
        hook, kind = _hook(event)
        url = None if hook is None else request.hooks.get(hook)
        if url is None:
            continue
        data, stored = _data(request, event)
        payload = {
            "id": _message_id(request.execution_id, event),
            "type": kind,
            "executionId": request.execution_id,
            "workflowId": workflow_id,
            "stepId": event.step_id,
            "status": event.status,
            "timestamp": event.at,
            "data": data,
        }
        at = datetime.fromisoformat(event.at)
        yield {
            "execution_id": request.execution_id,
            "event_id": event.id,
            "url": url,
            "payload": payload if stored is None else {**payload, "data": None, "stored": write(stored)},
            "attempts": 0,
            "due_at": at,
            "created_at": at,
        }


def _hook(event: Transition) -> tuple[str | None, str]:
    if event.step_id is not None:
        return ("onStep" if event.status in _STEP_ENDS else None), "workflow.step"
    if event.status == "completed":
        return "onComplete", "workflow.completed"
    return ("onFailure" if event.status in _FAILURES else None), f"workflow.{event.status}"


def _data(request: SaveRun, event: Transition) -> tuple[Any, Stored | None]:
    """Return what is told beside: a step's result or error, the run's output, or why it turned back."""
    if event.step_id is None:
        return (request.output if event.status == "completed" else request.failure), request.output_stored
    step = next((asdict(step) for step in request.steps if step.step_id == event.step_id), None)
    if step is None:
        return None, None
    stored = next((each.stored for each in request.steps if each.step_id == event.step_id), None)
    return {"result": step["result"], "error": step["error"]}, stored


def _message_id(execution_id: str, event: Transition) -> str:
    named = f"{execution_id}:{event.id}:{event.step_id}:{event.status}"
    return f"msg_{hashlib.sha256(named.encode()).hexdigest()[:32]}"


def _due(connection: Connection, row: Row[Any]) -> Due:
    payload = dict(row.payload)
    stored = payload.pop("stored", None)
    if stored is not None:
        value = fetch(connection, {"value": read(stored)})["value"]
        payload["data"] = value if payload["stepId"] is None else {"result": value, "error": None}
    return Due(
        sequence=row.sequence,
        execution_id=row.execution_id,
        url=row.url,
        payload=payload,
        attempts=row.attempts,
    )
