"""How often the reconciler looks at what stands still: the longer it has, the more seldom.

What waits for days has its workflow, as a rule, and to ask Temporal for thousands of them at every turn would be load
without use. A sweep goes once over all that is open. Of what has stood still for long it takes only a share, by the
number of the row; the others are the next sweeps'. So what lost its workflow is found before it has stood still for
half as long again, and within 32 sweeps at the latest.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Self

from sqlalchemy import ColumnElement, and_, bindparam, or_

from flowforge.persistence.types import UtcTimestamp

_SHARES: Final = (1, 2, 4, 8, 16, 32)
"""A sweep takes one in so many of what has stood still for at most `_PATIENCE` times so many intervals."""

_PATIENCE: Final = 4
_ALWAYS: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """One sweep, as far as it has come.

    Attributes:
        since: aware UTC; what has moved after it does not stand still.
        now: aware UTC.
        number: counts the sweeps of a process; None takes everything, however long it has stood still.
        interval: between two sweeps.
        again: the places of rows that are taken in any case.
    """

    since: datetime
    now: datetime = _ALWAYS
    number: int | None = None
    interval: timedelta = timedelta(0)
    again: frozenset[int] = frozenset()

    @classmethod
    def whole(cls, since: datetime) -> Self:
        """Return a sweep that takes everything that has not moved since a moment."""
        return cls(since=since)

    @property
    def parameters(self) -> Mapping[str, Any]:
        """The values for `is_taken`."""
        known: dict[str, Any] = {"since": self.since, "again": sorted(self.again)}
        for share in _SHARES:
            known[f"turn_{share}"] = (self.number or 0) % share
            is_whole = self.number is None
            known[f"recent_{share}"] = _ALWAYS if is_whole else self.now - _PATIENCE * share * self.interval
        return known


def is_taken(sequence: ColumnElement[int], moved: ColumnElement[Any], *also: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return the condition for a row to stand still, and to be taken by the sweep whose parameters are given.

    Args:
        sequence: the row's place.
        moved: when it moved last.
        also: when something else became of it, after which it is looked at soon; null where nothing did.
    """
    taken = [sequence.in_(bindparam("again", expanding=True)), _is_turn_of(sequence, _SHARES[-1])]
    for share in _SHARES:
        edge = bindparam(f"recent_{share}", type_=UtcTimestamp)
        # A row whose turn it is among many is also the one among fewer: so no class needs a lower end.
        taken.append(and_(or_(*(moment > edge for moment in (moved, *also))), _is_turn_of(sequence, share)))
    return and_(moved <= bindparam("since", type_=UtcTimestamp), or_(*taken))


def _is_turn_of(sequence: ColumnElement[int], share: int) -> ColumnElement[bool]:
    return sequence % share == bindparam(f"turn_{share}")
