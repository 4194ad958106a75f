"""What the routes work with: one value, made by whoever composes the process, and handed down with the application."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Final, Protocol

from fastapi import Depends, Path, Query, Request

from flowforge.api.feed import Feed
from flowforge.engine.control import RunControl
from flowforge.engine.gateway import RunGateway
from flowforge.engine.retries import RunRetries
from flowforge.engine.store.definitions import DefinitionStore
from flowforge.engine.store.reads import RunReads
from flowforge.ids import IDENTIFIER, order_id_of
from flowforge.orders.backlog import Backlog
from flowforge.orders.contracts import OrderStatus
from flowforge.orders.control import CancelAccepted, ControlAccepted
from flowforge.orders.gateway import NewOrder, PlacedOrder
from flowforge.orders.history import Attempt, Place
from flowforge.orders.records import OrderRecord
from flowforge.orders.stats import OrderStats
from flowforge.services.inventory.port import Inventory
from flowforge.services.payments.port import Payments
from flowforge.services.shipping.port import Shipping
from flowforge.services.warehouse.port import Warehouse


class Orders(Protocol):
    """The door to the orders; `orders.gateway.OrderGateway` is the one."""

    async def place(self, order: NewOrder) -> PlacedOrder:
        """Accept an order.

        Raises:
            Conflict: the workflow id was ever taken.
            TemporalUnavailable, DatabaseUnavailable: whether it was accepted is unknown; the same id tells later.
        """
        ...

    async def get(self, name: str) -> OrderRecord:
        """Return an order by its order id or workflow id, as it is.

        Raises:
            NotFound: there is no such order.
            DatabaseUnavailable: try again.
        """
        ...

    async def wait(self, name: str, seconds: float) -> OrderRecord:
        """Return an order when it has ended, or as it is after `seconds` or at `close`.

        Raises:
            NotFound: there is no such order.
            DatabaseUnavailable: try again.
        """
        ...

    def close(self) -> None:
        """End every `wait`: the answer is then the order as it is."""
        ...

    async def ready(self) -> Mapping[str, bool]:
        """Tell of `temporal` and `database` whether they answer."""
        ...


class OrderLists(Protocol):
    """The rows of many orders; `orders.read_model.ReadModel` is the one."""

    async def list(
        self,
        *,
        status: OrderStatus | None = None,
        customer_id: str | None = None,
        limit: int = 50,
        before: str | None = None,
    ) -> Sequence[OrderRecord]:
        """Return orders with their events, newest first, older than the order id `before` where given.

        Raises:
            DatabaseUnavailable: try again.
        """
        ...

    async def attempts(
        self, order_or_workflow_id: str, *, limit: int, after: Place | None = None
    ) -> Sequence[Attempt] | None:
        """Return an order's attempts, oldest first, behind the place `after` where given; None where it has no row.

        Raises:
            DatabaseUnavailable: try again.
        """
        ...

    async def counts(self) -> Mapping[str, int]:
        """Return how many `orders`, `inventory`, `payments` and `warehouse` entries there are.

        Raises:
            DatabaseUnavailable: try again.
        """
        ...


class OrderReturns(Protocol):
    """Takes completed orders back; `orders.returns.OrderReturns` is the one."""

    async def take_back(self, name: str, request_id: str) -> OrderRecord:
        """Take an order back once, by order id or workflow id; return it as it is after a moment.

        Raises:
            NotFound: there is no such order.
            Conflict: it has not completed.
            TemporalUnavailable, DatabaseUnavailable: try again.
        """
        ...


class OrderControls(Protocol):
    """What may be done to an order; `orders.control.OrderControl` is the one.

    Every method takes an order id or a workflow id.

    Raises:
        NotFound: there is no such order, or no such undo.
        Conflict: the order is in no state for this; the message says why.
        TemporalUnavailable, DatabaseUnavailable: try again.
    """

    async def cancel(self, name: str, reason: str) -> CancelAccepted:
        """Let nothing of an order take effect any more, and undo what did; again, it answers the same."""
        ...

    async def pause(self, name: str, *, request_id: str) -> ControlAccepted:
        """Hold an order before its next step; the same request again is one."""
        ...

    async def resume(self, name: str, *, request_id: str) -> ControlAccepted:
        """Let an order go on; the same request again is one."""
        ...

    async def retry(self, name: str, request_id: str) -> PlacedOrder:
        """Place a failed or cancelled order again, as a new one."""
        ...

    async def retry_compensation(self, name: str, undo: str) -> ControlAccepted:
        """Try an undo again that failed for good."""
        ...

    async def write_off(self, name: str, undo: str, by: str, reason: str) -> ControlAccepted:
        """Give up an undo that failed for good."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineServices:
    """Definitions and their runs.

    Attributes:
        definitions: publishes and finds definitions.
        runs: starts and finds runs.
        control: what may be done to them.
        retries: begins them again.
        reads: lists them, and tells their history.
        feed: their history as it happens.
        actions: lists the actions that there are, for people.
    """

    definitions: DefinitionStore
    runs: RunGateway
    control: RunControl
    retries: RunRetries
    reads: RunReads
    feed: Feed
    actions: Callable[[], Sequence[Mapping[str, Any]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class AppServices:
    """Everything the API needs.

    Attributes:
        orders: places and finds orders.
        control: what operators do to them.
        returns: takes them back.
        read_model: lists orders, and tells their history.
        stats: counts them.
        backlog: asks Temporal what waits for a worker; answers soon, whatever Temporal does.
        feed: their events as they happen.
        inventory: catalogue and stock.
        payments: charges.
        warehouse: what left the stock.
        shipping: parcels.
        fault_injection: whether a request may ask for a fault.
        temporal_ui_url: where people's browsers find Temporal's UI, without a trailing slash.
        namespace: the Temporal namespace the orders run in.
        engine: definitions and their runs; None where there are none.
        heartbeat: the longest silence of an event stream.
    """

    orders: Orders
    control: OrderControls
    returns: OrderReturns
    read_model: OrderLists
    stats: Callable[[], Awaitable[OrderStats]]
    backlog: Callable[[], Awaitable[Backlog]]
    feed: Feed
    inventory: Inventory
    payments: Payments
    warehouse: Warehouse
    shipping: Shipping
    engine: EngineServices | None = None
    fault_injection: bool = False
    temporal_ui_url: str = "http://localhost:8233"
    namespace: str = "default"
    heartbeat: timedelta = timedelta(seconds=15)

    def temporal_url(self, workflow_id: str) -> str:
        """Return where Temporal's UI shows a workflow."""
        return f"{self.temporal_ui_url}/namespaces/{self.namespace}/workflows/{workflow_id}"

    def close(self) -> None:
        """End every wait and every event stream, so that a server can drain."""
        self.orders.close()
        self.feed.close()
        if self.engine is not None:
            self.engine.runs.close()
            self.engine.feed.close()


# Dependencies are coroutine functions: FastAPI would send plain functions through its thread pool, at 100 µs each.
async def _services(request: Request) -> AppServices:
    services: AppServices = request.app.state.services
    return services


async def _state(request: Request) -> dict[str, Any]:
    state: dict[str, Any] = request.scope["state"]
    return state


Services = Annotated[AppServices, Depends(_services)]


async def _engine(request: Request) -> EngineServices:
    services: AppServices = request.app.state.services
    if services.engine is None:
        raise RuntimeError("the routes of the engine are served without one")
    return services.engine


Engine = Annotated[EngineServices, Depends(_engine)]

RequestState = Annotated[dict[str, Any], Depends(_state)]
"""What the request's frame knows: `request_id`; and what a route adds for the request's log line."""

GRAMMAR: Final = f"^{IDENTIFIER.pattern}$"
"""`ids.IDENTIFIER` as a pattern of JSON Schema."""

ORDER_GRAMMAR: Final = r"^[A-Za-z0-9._-]{1,134}(~[0-9]{1,6})?$"
"""An order's name, as it may stand in an address: one that a client chose, an order id made of it, or a retry's.

Clients choose no `~`: an order that is tried again gets its names that way.
"""

RESERVED: Final = frozenset({"stats"})
"""What stands in an address where an order's name would: no order is called so."""

_ORDER_ID: Final = re.compile(r"ord_(?:w\..+|[0-9a-f]{32}(?:~[0-9]+)?)")


def looks_like_order_id(name: str) -> bool:
    """Tell whether `name` has the form of an order id; workflow ids of that form are refused."""
    return _ORDER_ID.fullmatch(name) is not None


def order_id_named(name: str) -> str:
    """Return the order id that goes with an order id or workflow id, whether there is such an order or not."""
    return name if looks_like_order_id(name) else order_id_of(name)


WORKFLOW_GRAMMAR: Final = r"^[A-Za-z_][A-Za-z0-9_.-]{0,127}$"
"""A definition's id."""

WorkflowName = Annotated[str, Path(pattern=WORKFLOW_GRAMMAR, description="The definition's id.")]

ExecutionName = Annotated[
    str, Path(pattern=r"^exec-[0-9a-f]{32}$", description="The run's executionId.", examples=["exec-" + "0" * 32])
]

OrderName = Annotated[str, Path(pattern=ORDER_GRAMMAR, description="The order's order_id or workflow_id.")]

OfOrder = Annotated[
    str | None, Query(pattern=ORDER_GRAMMAR, description="Only of this order, by its order_id or workflow_id.")
]
