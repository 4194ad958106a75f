"""Reads the orders' rows, which the sagas' own transactions write."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, RowMapping, bindparam, func, literal, or_, select

from flowforge.durable.compensation import Compensation
from flowforge.errors import DatabaseUnavailable
from flowforge.orders.contracts import OrderStatus
from flowforge.orders.history import Attempt, Place, attempts_of
from flowforge.orders.records import OPEN, OrderEvent, OrderRecord
from flowforge.persistence.database import Database
from flowforge.persistence.tables.inventory import PRODUCTS
from flowforge.persistence.tables.orders import ORDER_EVENTS, ORDERS
from flowforge.persistence.tables.payments import CHARGES
from flowforge.persistence.tables.warehouse import WAREHOUSE_RECORDS
from flowforge.services.lines import Line
from flowforge.services.outcomes import from_json

_ALL: Final = 1_000_000
"""More events than an order can have."""

_ELSEWHERE: Final = frozenset({"items", "ship", "events"})
_ROW: Final = select(
    *(ORDERS.c[name] for name in OrderRecord.__slots__ if name not in _ELSEWHERE),
    ORDERS.c.input["lines"].label("lines"),
    ORDERS.c.input["ship"].label("ship"),
)
_BY_NAME: Final = _ROW.where(or_(ORDERS.c.order_id == bindparam("name"), ORDERS.c.workflow_id == bindparam("name")))
_STATUS: Final = select(ORDERS.c.status).where(ORDERS.c.order_id == bindparam("id"))
_EVENT: Final = select(ORDER_EVENTS)
_EVENTS: Final = (
    _EVENT.where(ORDER_EVENTS.c.order_id == bindparam("id"), ORDER_EVENTS.c.id > bindparam("after"))
    .order_by(ORDER_EVENTS.c.id)
    .limit(bindparam("count"))
)
_EVENTS_OF_MANY: Final = _EVENT.where(ORDER_EVENTS.c.order_id.in_(bindparam("ids", expanding=True))).order_by(
    ORDER_EVENTS.c.order_id, ORDER_EVENTS.c.id
)
_COUNTS: Final = select(
    *(
        select(func.count()).select_from(table).scalar_subquery().label(name)
        for name, table in {
            "orders": ORDERS,
            "inventory": PRODUCTS,
            "payments": CHARGES,
            "warehouse": WAREHOUSE_RECORDS,
        }.items()
    )
)
_ALIVE: Final = select(literal(1))


class ReadModel:
    """The orders as readers see them; every method raises DatabaseUnavailable where the database is away."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, order_or_workflow_id: str) -> OrderRecord | None:
        """Return an order with its events by either of its names, or None."""
        return await self._database.read(_get, order_or_workflow_id)

    async def list(
        self,
        *,
        status: OrderStatus | None = None,
        customer_id: str | None = None,
        limit: int = 50,
        before: str | None = None,
    ) -> Sequence[OrderRecord]:
        """Return orders with their events, newest first.

        Args:
            status: only these.
            customer_id: only this customer's.
            limit: at most so many.
            before: only orders that came before the one with this order id; none at all where there is no such order.
        """
        chosen: list[ColumnElement[bool]] = []
        if status is not None:
            chosen.append(ORDERS.c.status == status)
        if customer_id is not None:
            chosen.append(ORDERS.c.customer_id == customer_id)
        return await self._database.read(_list, chosen, limit, before)

    async def open_orders(self, *, limit: int = 200, before: str | None = None) -> Sequence[OrderRecord]:
        """Return orders that have not ended, newest first, as `list` does."""
        return await self._database.read(_list, [ORDERS.c.status.in_(sorted(OPEN))], limit, before)

    async def events(self, order_id: str, *, after: int = 0, limit: int = 1000) -> Sequence[OrderEvent]:
        """Return an order's events with larger ids than `after`, oldest first."""
        return await self._database.read(_events, order_id, after, limit)

    async def progress(self, order_id: str, *, after: int) -> tuple[OrderStatus | None, Sequence[OrderEvent]]:
        """Return an order's status, None before it has a row, and its events with larger ids than `after`.

        Both are of one moment: when the status is final, the events are all there will be.
        """
        return await self._database.read(_progress, order_id, after)

    async def attempts(
        self, order_or_workflow_id: str, *, limit: int, after: Place | None = None
    ) -> Sequence[Attempt] | None:
        """Return an order's attempts of steps and undos, oldest first; None where the order has no row."""
        return await self._database.read(attempts_of, order_or_workflow_id, after, limit)

    async def counts(self) -> Mapping[str, int]:
        """Return how many `orders`, `inventory`, `payments` and `warehouse` entries there are."""
        return await self._database.read(_counts)

    async def is_alive(self) -> bool:
        """Tell whether the database answers."""
        try:
            await self._database.read(_ping)
        except DatabaseUnavailable:
            return False
        return True


def _get(connection: Connection, name: str) -> OrderRecord | None:
    row = connection.execute(_BY_NAME, {"name": name}).mappings().first()
    if row is None:
        return None
    return _record(row, _events(connection, row["order_id"], 0, _ALL))


def _list(
    connection: Connection, chosen: Sequence[ColumnElement[bool]], limit: int, before: str | None
) -> list[OrderRecord]:
    query = _ROW.where(*chosen).order_by(ORDERS.c.sequence.desc()).limit(limit)
    if before is not None:
        cursor = select(ORDERS.c.sequence).where(ORDERS.c.order_id == before).scalar_subquery()
        query = query.where(ORDERS.c.sequence < cursor)
    rows = connection.execute(query).mappings().all()
    events: dict[str, list[OrderEvent]] = {row["order_id"]: [] for row in rows}
    for event in connection.execute(_EVENTS_OF_MANY, {"ids": list(events)}):
        events[event.order_id].append(_event(event))
    return [_record(row, events[row["order_id"]]) for row in rows]


def _events(connection: Connection, order_id: str, after: int, limit: int) -> list[OrderEvent]:
    rows = connection.execute(_EVENTS, {"id": order_id, "after": after, "count": limit})
    return [_event(row) for row in rows]


def _progress(connection: Connection, order_id: str, after: int) -> tuple[OrderStatus | None, Sequence[OrderEvent]]:
    status = connection.execute(_STATUS, {"id": order_id}).scalar()
    return status, _events(connection, order_id, after, _ALL)


def _counts(connection: Connection) -> dict[str, int]:
    return dict(connection.execute(_COUNTS).mappings().one())


def _ping(connection: Connection) -> None:
    connection.execute(_ALIVE)


def _event(row: Any) -> OrderEvent:
    return OrderEvent(id=row.id, step=row.step, status=row.status, message=row.message, timestamp=row.timestamp)


def _record(row: RowMapping, events: Sequence[OrderEvent]) -> OrderRecord:
    values = dict(row)
    lines, ship = values.pop("lines"), values.pop("ship")
    only = {"product_id": row["product_id"], "quantity": row["quantity"]}
    values |= {
        "items": tuple(from_json(Line, line) for line in lines or (only,)),
        "ship": bool(ship),
        "steps_completed": tuple(row["steps_completed"]),
        "compensations": tuple(from_json(Compensation, each) for each in row["compensations"]),
        "events": tuple(events),
    }
    return OrderRecord(**values)
