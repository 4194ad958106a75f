"""What runs in a worker."""

from collections.abc import Callable, Sequence
from typing import Any, Final

from flowforge.orders.activities import OrderActivities
from flowforge.orders.returning import ReturnWorkflow
from flowforge.orders.workflow import OrderWorkflow
from flowforge.services.wiring import Services

WORKFLOWS: Final[Sequence[type]] = (OrderWorkflow, ReturnWorkflow)


def activities_of(services: Services, orders: OrderActivities) -> Sequence[Callable[..., Any]]:
    """Return every activity: the services' own, and those of the order itself."""
    return (*services.activities, orders.close, orders.cancel_run, orders.mark_returned)
