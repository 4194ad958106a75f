"""A whole shop on a database, without Temporal: a test plays the workflow's part, one delivery at a time."""

from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

from flowforge.durable.compensation import Compensation
from flowforge.durable.fence import StepCall, Undone, UndoStep
from flowforge.orders.contracts import CloseOrder, Order, OrderClosed, OrderOptions, OrderState, OrderStatus
from flowforge.orders.journal import OrderJournal
from flowforge.orders.read_model import ReadModel
from flowforge.orders.records import OrderRecord
from flowforge.persistence.database import Database
from flowforge.services.inventory.contracts import QuoteOrder, ReserveInventory
from flowforge.services.journal import FailedAttempt
from flowforge.services.payments.contracts import ChargePayment
from flowforge.services.warehouse.contracts import ApplyToWarehouse
from flowforge.services.wiring import Services, build_services

STEPS = ("check_inventory", "reserve_inventory", "process_payment", "update_warehouse")
UNDOS = {
    "update_warehouse": "revert_warehouse",
    "process_payment": "refund_payment_by_idempotency_key",
    "reserve_inventory": "release_inventory",
}
PENDING = tuple(Compensation(name=name) for name in UNDOS.values())


class Shop:
    """The services, the journal and the read model over one database."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.journal = OrderJournal(database)
        self.services: Services = build_services(database, self.journal)
        self.reads = ReadModel(database)

    def order(self, number: int = 1, **fields: object) -> "PlacedOrder":
        """Place an order of 2 x SKU-001."""
        known = {
            "order_id": f"ord_{number}",
            "workflow_id": f"order-ord_{number}",
            "product_id": "SKU-001",
            "quantity": 2,
            "customer_id": "cust_1",
            "payment_method": "tok_visa",
            "request_id": "req_1",
            "accepted_at": datetime.now(UTC).isoformat(),
            "options": OrderOptions(deadline_s=900),
        }
        return PlacedOrder(self, Order(**{**known, **fields}))  # type: ignore[arg-type] # a test's own fields


@dataclass
class PlacedOrder:
    """One order, delivered step by step; `completed` is what its workflow has seen answered."""

    shop: Shop
    order: Order
    completed: list[str] = field(default_factory=list)

    async def do(self, step: str, *, attempt: int = 1, answered: bool = True) -> object:
        """Deliver a step; without `answered` its answer is lost on the way."""
        call, order, services = self.call(step, attempt), self.order, self.shop.services
        lines = order.items
        answer: object
        if step == "check_inventory":
            request = QuoteOrder(call=call, lines=lines)
            answer = await services.inventory.quote(request)
        elif step == "reserve_inventory":
            reserve = ReserveInventory(call=call, lines=lines)
            answer = await services.inventory.reserve(reserve)
        elif step == "process_payment":
            charge = ChargePayment(
                call=call,
                order_id=order.order_id,
                amount_minor=1999 * order.quantity,
                currency="USD",
                payment_method=order.payment_method,
            )
            answer = await services.payments.charge(charge)
        else:
            ship = ApplyToWarehouse(call=call, order_id=order.order_id, lines=lines)
            answer = await services.warehouse.apply(ship)
        if answered:
            self.completed.append(step)
        return answer

    async def do_all(self, upto: str = STEPS[-1]) -> "PlacedOrder":
        """Deliver every step up to and with `upto`."""
        for step in STEPS[: STEPS.index(upto) + 1]:
            await self.do(step)
        return self

    async def undo(self, step: str, *, attempt: int = 1) -> Undone:
        """Deliver the undo of a step."""
        request, services = UndoStep(call=self.call(step, attempt, UNDOS[step])), self.shop.services
        if step == "reserve_inventory":
            return await services.inventory.release(request)
        if step == "process_payment":
            return await services.payments.refund_by_key(request)
        return await services.warehouse.revert(request)

    async def undo_all(self) -> None:
        """Unwind the whole table."""
        for step in UNDOS:
            await self.undo(step)

    async def fail_attempt(
        self, step: str, *, attempt: int = 1, undo: str | None = None, message: str = "it broke"
    ) -> None:
        """Note a failed attempt of a step or of its undo."""
        call = self.call(step, attempt, undo)
        await self.shop.journal.attempt_failed(
            FailedAttempt(
                call=call,
                operation="any",
                code="fault",
                message=message,
                retried=True,
                started_at=datetime.now(UTC),
                at=datetime.now(UTC),
            )
        )

    async def close(
        self, to: OrderStatus, *, failed_step: str | None = None, deadline_at: str | None = None, **state: object
    ) -> OrderClosed:
        """Close the order, with what its workflow knows."""
        known = {"steps_completed": tuple(self.completed), **state}
        told = OrderState(order_id=self.order.order_id, workflow_id=self.order.workflow_id, **known)  # type: ignore[arg-type] # see order()
        return await self.shop.journal.close(
            CloseOrder(order=self.order, to=to, state=told, failed_step=failed_step, deadline_at=deadline_at)
        )

    async def fail(self, step: str) -> OrderClosed:
        """Begin unwinding because `step` failed."""
        return await self.close(
            "compensating",
            failed_step=step,
            failure_code="injected_fault",
            failure_reason=f"{step} failed 3 times: FAIL_AT=x",
            compensations=PENDING,
        )

    async def row(self) -> OrderRecord:
        """Return the order's row; there must be one."""
        record = await self.shop.reads.get(self.order.order_id)
        assert record is not None
        return record

    async def story(self) -> list[tuple[str, str]]:
        """Return the order's events as steps and statuses."""
        return [(event.step, event.status) for event in (await self.row()).events]

    def call(self, step: str, attempt: int = 1, undo: str | None = None) -> StepCall:
        """Return one delivery as the workflow makes it: only the first step carries the order."""
        opening = asdict(self.order) if step == STEPS[0] else None
        return StepCall(
            saga_id=self.order.order_id,
            step=step,
            undo=undo,
            attempt=attempt,
            completed=tuple(self.completed),
            opening=opening,
        )
