"""The orders' statistics over HTTP."""

from typing import Annotated, Any, Final

from pydantic import Field
from typing_extensions import TypedDict

from flowforge.api.schemas.orders import timestamp
from flowforge.orders.backlog import Backlog, Waiting
from flowforge.orders.contracts import OrderStatus
from flowforge.orders.stats import OpenOrder, OrderStats, Rate


class RateView(TypedDict):
    """How many orders came and ended within a stretch of time."""

    window_s: Annotated[int, Field(description="The stretch, up to now, in seconds.")]
    counts: Annotated[dict[str, int], Field(description="`placed`, and each status in which an order can end.")]
    per_minute: Annotated[dict[str, float], Field(description="The same, per minute.")]


class OpenOrderView(TypedDict):
    """The order that is open longest."""

    workflow_id: str
    order_id: str
    status: OrderStatus
    created_at: str
    age_s: float


class WaitingView(TypedDict):
    """Tasks that no worker has taken; approximate."""

    count: int
    age_s: Annotated[float, Field(description="How long the oldest has waited.")]


class BacklogView(TypedDict):
    """What waits for a worker; null where Temporal does not tell, `unknown_because` says why."""

    task_queue: str
    workflow: WaitingView | None
    activity: Annotated[WaitingView | None, Field(description="Steps that go through the queue.")]
    unknown_because: str | None


class StatsView(TypedDict):
    """All orders at a glance."""

    counts: Annotated[dict[OrderStatus, int], Field(description="How many orders have each status.")]
    rates: Annotated[list[RateView], Field(description="Over 1, 5 and 60 minutes.")]
    oldest_open: OpenOrderView | None
    backlog: BacklogView
    taken_at: Annotated[str, Field(description="When the orders were counted: a second ago at most.")]


def stats_view(stats: OrderStats, backlog: Backlog) -> StatsView:
    """Return the statistics as clients see them."""
    oldest = stats.oldest_open
    return {
        "counts": dict(stats.counts),
        "rates": [_rate_view(rate) for rate in stats.rates],
        "oldest_open": None if oldest is None else _open_view(oldest, stats),
        "backlog": {
            "task_queue": backlog.task_queue,
            "workflow": _waiting_view(backlog.workflow),
            "activity": _waiting_view(backlog.activity),
            "unknown_because": backlog.unknown_because,
        },
        "taken_at": timestamp(stats.taken_at),
    }


def _rate_view(rate: Rate) -> RateView:
    counts: dict[str, int] = {"placed": rate.placed, **rate.ended}
    minutes = rate.window.total_seconds() / 60
    return {
        "window_s": int(rate.window.total_seconds()),
        "counts": counts,
        "per_minute": {name: round(count / minutes, 3) for name, count in counts.items()},
    }


def _open_view(order: OpenOrder, stats: OrderStats) -> OpenOrderView:
    return {
        "workflow_id": order.workflow_id,
        "order_id": order.order_id,
        "status": order.status,
        "created_at": timestamp(order.created_at),
        "age_s": max(0.0, round((stats.taken_at - order.created_at).total_seconds(), 3)),
    }


def _waiting_view(waiting: Waiting | None) -> WaitingView | None:
    return None if waiting is None else {"count": waiting.count, "age_s": round(waiting.age.total_seconds(), 3)}


STATS_EXAMPLE: Final[dict[str, Any]] = {
    "counts": {
        "running": 3,
        "paused": 0,
        "compensating": 0,
        "completed": 1204,
        "failed": 31,
        "cancelled": 2,
        "needs_attention": 1,
        "returned": 0,
    },
    "rates": [
        {
            "window_s": 60,
            "counts": {"placed": 42, "completed": 40, "failed": 1, "cancelled": 0, "returned": 0},
            "per_minute": {"placed": 42.0, "completed": 40.0, "failed": 1.0, "cancelled": 0.0, "returned": 0.0},
        }
    ],
    "oldest_open": {
        "workflow_id": "order-ord_7f3a",
        "order_id": "ord_7f3a",
        "status": "needs_attention",
        "created_at": "2026-01-01T00:00:00.000Z",
        "age_s": 5400.0,
    },
    "backlog": {
        "task_queue": "fulfillment-queue",
        "workflow": {"count": 0, "age_s": 0.0},
        "activity": {"count": 0, "age_s": 0.0},
        "unknown_because": None,
    },
    "taken_at": "2026-01-01T01:30:00.000Z",
}
