"""Reads an order's history: every attempt of every step and undo, those too that were never heard of again."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from sqlalchemy import Connection, bindparam, or_, select

from flowforge.orders.attempts import Written
from flowforge.persistence.tables.orders import ORDER_ATTEMPTS, ORDERS

AttemptOutcome = Literal[Written, "lost"]
"""What an attempt did; `lost` when it left no word: its worker died, it timed out, or there was nowhere to write."""

Place = tuple[int, int]
"""Where an attempt stands: the row that tells of it, and its own number."""

_NAMED: Final = select(ORDERS.c.order_id).where(
    or_(ORDERS.c.order_id == bindparam("name"), ORDERS.c.workflow_id == bindparam("name"))
)
_OF: Final = ORDER_ATTEMPTS.c.order_id == bindparam("of")
_NUMBERS: Final = (
    select(*(ORDER_ATTEMPTS.c[name] for name in ("id", "step", "undo", "attempt"))).where(_OF).order_by("id")
)
_ROWS: Final = select(ORDER_ATTEMPTS).where(_OF, ORDER_ATTEMPTS.c.id.between(bindparam("first"), bindparam("last")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt of a step, or of its undo.

    Attributes:
        undo: the undo's name; None for the step itself.
        attempt: counts 1, 2, 3 … over all placements. A number appears twice when a delivery was made twice: Temporal
            discards what a local attempt did when it discards its workflow task.
        error_code: what it answered with instead of a result; an attempt can have `applied` its step all the same.
        worker: the process that ran it, as Temporal names it; None when it was lost.
        placement: `local` (inside the workflow task) or `queue`; None when it was lost.
        started_at: aware UTC; None when it was lost.
    """

    place: Place
    step: str
    undo: str | None
    attempt: int
    outcome: AttemptOutcome
    error_code: str | None = None
    error_message: str | None = None
    worker: str | None = None
    placement: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None


def attempts_of(connection: Connection, name: str, after: Place | None, limit: int) -> Sequence[Attempt] | None:
    """Return an order's attempts, oldest first; None where the order has no row.

    Attempts are numbered when they begin and written when they end, so a number that is missing before a later one is
    an attempt that was lost; it stands before the one by which it was missed.

    Args:
        connection: a reading one.
        name: the order's order id or workflow id.
        after: only attempts behind this place.
        limit: at most so many.
    """
    order_id = connection.execute(_NAMED, {"name": name}).scalar()
    if order_id is None:
        return None
    places = [place for place in _places(connection, order_id) if after is None or place[0] > after][:limit]
    if not places:
        return []
    span = {"of": order_id, "first": places[0][0][0], "last": places[-1][0][0]}
    rows = {row.id: row for row in connection.execute(_ROWS, span)}
    return [_attempt(place, rows[place[0]], is_lost=is_lost) for place, is_lost in places]


def _places(connection: Connection, order_id: str) -> list[tuple[Place, bool]]:
    """Return every attempt's place, and whether it was lost."""
    rows = connection.execute(_NUMBERS, {"of": order_id}).all()
    written: defaultdict[tuple[str, str | None], set[int]] = defaultdict(set)
    for row in rows:
        written[row.step, row.undo].add(row.attempt)
    places: list[tuple[Place, bool]] = []
    reached: defaultdict[tuple[str, str | None], int] = defaultdict(int)
    for row in rows:
        of = (row.step, row.undo)
        missed = (number for number in range(reached[of] + 1, row.attempt) if number not in written[of])
        places += [((row.id, number), True) for number in missed]
        places.append(((row.id, row.attempt), False))
        reached[of] = max(reached[of], row.attempt)
    return places


def _attempt(place: Place, row: Any, *, is_lost: bool) -> Attempt:
    if is_lost:
        return Attempt(place=place, step=row.step, undo=row.undo, attempt=place[1], outcome="lost")
    return Attempt(
        place=place,
        step=row.step,
        undo=row.undo,
        attempt=row.attempt,
        outcome=row.outcome,
        error_code=row.error_code,
        error_message=row.error_message,
        worker=row.worker,
        placement=row.placement,
        started_at=row.started_at,
        ended_at=row.ended_at,
    )
