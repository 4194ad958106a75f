"""How the orders are doing as a whole: how many are where, how fast they come and go, and which waits longest."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, get_args

from sqlalchemy import ColumnElement, Connection, Select, bindparam, func, select, union_all

from flowforge.orders.contracts import OrderStatus
from flowforge.orders.records import CLOSED
from flowforge.persistence.database import Database
from flowforge.persistence.tables.orders import ORDERS
from flowforge.persistence.types import UtcTimestamp

WINDOWS: Final = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=60))
"""Over which stretches of time rates are told, the shortest first."""

STATUSES: Final[tuple[OrderStatus, ...]] = get_args(OrderStatus)
_OPEN: Final = tuple(status for status in STATUSES if status not in CLOSED)
_ENDS: Final = tuple(status for status in STATUSES if status in CLOSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """How many orders came and ended in the last stretch of time; `ended` has every status in which one can end."""

    window: timedelta
    placed: int
    ended: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenOrder:
    """An order that has not ended; `created_at` is aware UTC."""

    order_id: str
    workflow_id: str
    status: OrderStatus
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderStats:
    """All orders at one moment.

    Attributes:
        counts: by status, every status.
        rates: one a window.
        oldest_open: the order that is open longest, None where none is.
        taken_at: aware UTC.
    """

    counts: Mapping[OrderStatus, int]
    rates: Sequence[Rate]
    oldest_open: OpenOrder | None
    taken_at: datetime


class Statistics:
    """Takes the orders' statistics, at most once in a while however many ask.

    Counting a million orders takes some tenths of a second, and whoever shows statistics asks all the time.
    """

    def __init__(self, database: Database, *, good_for: timedelta = timedelta(seconds=1)) -> None:
        """Take the database of the orders, and how long an answer is good for."""
        self._database = database
        self._good_for_s = good_for.total_seconds()
        self._taking = asyncio.Lock()
        self._taken: tuple[float, OrderStats] | None = None

    async def take(self) -> OrderStats:
        """Return statistics that are not older than what they are good for.

        Raises:
            DatabaseUnavailable: try again.
        """
        async with self._taking:
            if self._taken is not None and time.monotonic() - self._taken[0] < self._good_for_s:
                return self._taken[1]
            stats = await self._database.read(order_stats, datetime.now(UTC))
            self._taken = (time.monotonic(), stats)
            return stats


# Each count reads no more of an index than it counts. One for all statuses, or for all windows, would read more.
def _count_since(time: ColumnElement[Any], window: int, *which: ColumnElement[bool]) -> ColumnElement[int]:
    since = bindparam(f"since_{window}", type_=UtcTimestamp())
    return select(func.count()).select_from(ORDERS).where(time > since, *which).scalar_subquery()


def _counts_since(window: int) -> list[ColumnElement[int]]:
    counts: dict[str, ColumnElement[int]] = {"placed": _count_since(ORDERS.c.created_at, window)}
    for status in _ENDS:
        counts[status] = _count_since(ORDERS.c.closed_at, window, ORDERS.c.status == status)
    return [count.label(f"{name}_{window}") for name, count in counts.items()]


def _first(status: OrderStatus) -> Select[Any]:
    first = select(*(ORDERS.c[name] for name in OpenOrder.__slots__)).where(ORDERS.c.status == status)
    return select(first.order_by(ORDERS.c.sequence).limit(1).subquery())


_COUNTS: Final = select(ORDERS.c.status, func.count()).group_by(ORDERS.c.status)
_RECENT: Final = select(*(count for window in range(len(WINDOWS)) for count in _counts_since(window)))
_OLDEST: Final = union_all(*(_first(status) for status in _OPEN))


def order_stats(connection: Connection, now: datetime) -> OrderStats:
    """Return the statistics of all orders.

    Args:
        connection: a reading one.
        now: the end of every window, aware UTC.
    """
    since = {f"since_{number}": now - window for number, window in enumerate(WINDOWS)}
    counts = {row[0]: row[1] for row in connection.execute(_COUNTS)}
    recent = connection.execute(_RECENT, since).mappings().one()
    opened = [OpenOrder(**row) for row in connection.execute(_OLDEST).mappings()]
    return OrderStats(
        counts={status: counts.get(status, 0) for status in STATUSES},
        rates=[
            Rate(
                window=window,
                placed=recent[f"placed_{number}"],
                ended={status: recent[f"{status}_{number}"] for status in _ENDS},
            )
            for number, window in enumerate(WINDOWS)
        ],
        oldest_open=min(opened, key=lambda order: order.created_at, default=None),
        taken_at=now,
    )
