"""What runs in a worker."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from flowforge.engine.activities import RunActivities
from flowforge.engine.workflow import RunWorkflow
from flowforge.orders.activities import OrderActivities
from flowforge.orders.returning import ReturnWorkflow
from flowforge.orders.workflow import OrderWorkflow
from flowforge.services.wiring import Services

WORKFLOWS: Final[Sequence[type]] = (OrderWorkflow, ReturnWorkflow, RunWorkflow)


def activities_of(services: Services, orders: OrderActivities) -> Sequence[Callable[..., Any]]:
    """Return every activity: the services' own, and those of the order itself."""
    return (*services.activities, orders.close, orders.cancel_run, orders.mark_returned)


def activities_of_runs(runs: RunActivities) -> Sequence[Callable[..., Any]]:
    """Return the activities that belong to runs of definitions; `engine.act`, which runs their actions, is apart."""
    return (runs.save, runs.begin, runs.cancel_run, runs.prepare_child, runs.decide, runs.keep, runs.fill)
