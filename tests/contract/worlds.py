"""The services over one adapter, with a journal that remembers, for the suites that every adapter must pass."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flowforge.durable.fence import StepCall, UndoStep
from flowforge.persistence.database import Database
from flowforge.services.inventory.contracts import ReserveInventory, SetStock, StockLevel
from flowforge.services.inventory.memory import MemoryInventory
from flowforge.services.inventory.port import Inventory
from flowforge.services.inventory.sql import SqlInventory
from flowforge.services.journal import Entry, FailedAttempt
from flowforge.services.ledger import SqlLedger
from flowforge.services.lines import Line
from flowforge.services.memory_ledger import MemoryLedger
from flowforge.services.notices.memory import MemoryNotices
from flowforge.services.notices.port import Notices
from flowforge.services.notices.sql import SqlNotices
from flowforge.services.payments.contracts import Capture, CapturePayment, Charge, ChargePayment
from flowforge.services.payments.memory import MemoryPayments
from flowforge.services.payments.port import Payments
from flowforge.services.payments.sql import SqlPayments
from flowforge.services.shipping.contracts import CreateShipment, ShipmentBooked
from flowforge.services.shipping.memory import MemoryShipping
from flowforge.services.shipping.port import Shipping
from flowforge.services.shipping.sql import SqlShipping
from flowforge.services.warehouse.contracts import ApplyToWarehouse
from flowforge.services.warehouse.memory import MemoryWarehouse
from flowforge.services.warehouse.port import Warehouse
from flowforge.services.warehouse.sql import SqlWarehouse


@dataclass
class RememberingJournal:
    """Keeps every entry, those of redeliveries apart; raises `broken_by` instead while that is set."""

    entries: list[Entry] = field(default_factory=list)
    again: list[Entry] = field(default_factory=list)
    beyond: list[str] = field(default_factory=list)
    broken_by: Exception | None = None

    def record(self, entry: Entry, transaction: Any) -> None:
        """Keep an entry."""
        if self.broken_by is not None:
            raise self.broken_by
        self.entries.append(entry)

    def redelivered(self, entry: Entry, transaction: Any) -> None:
        """Keep a delivery that found its outcome."""
        self.again.append(entry)

    def beyond_recall(self, saga_id: str, at: datetime, transaction: Any) -> None:
        """Remember which sagas are not unwound any more."""
        if self.broken_by is not None:
            raise self.broken_by
        self.beyond.append(saga_id)

    async def attempt_failed(self, attempt: FailedAttempt) -> None:
        """Forget a failed attempt."""

    @property
    def story(self) -> list[tuple[str, str]]:
        """What was recorded: operations and states."""
        return [(entry.operation, entry.state) for entry in self.entries]


@dataclass(frozen=True)
class World:
    """The services, which share their stock, holding 10 units of SKU-9 at 19.99 USD."""

    inventory: Inventory
    payments: Payments
    warehouse: Warehouse
    shipping: Shipping
    notices: Notices
    journal: RememberingJournal

    async def stocked(self, on_hand: int = 10) -> "World":
        """Fill the catalogue."""
        await self.inventory.set_stock(
            SetStock(product_id="SKU-9", on_hand=on_hand, name="Lamp", unit_price_minor=1999, currency="USD")
        )
        return self

    async def stock(self) -> tuple[int, int, int, int]:
        """Return on_hand, available, reserved, shipped of SKU-9."""
        level = await self.level()
        return level.on_hand, level.available, level.reserved, level.shipped

    async def level(self, product_id: str = "SKU-9") -> StockLevel:
        """Return one product."""
        return next(level for level in await self.inventory.levels() if level.product_id == product_id)


def sql_world(database: Database) -> World:
    """Build the services over a database."""
    journal = RememberingJournal()
    ledger = SqlLedger(database, journal)
    return World(
        SqlInventory(database, ledger),
        SqlPayments(database, ledger),
        SqlWarehouse(database, ledger),
        SqlShipping(database, ledger, journal),
        SqlNotices(database, ledger),
        journal,
    )


def memory_world() -> World:
    """Build the services in memory."""
    journal = RememberingJournal()
    ledger = MemoryLedger(journal)
    return World(
        MemoryInventory(ledger),
        MemoryPayments(ledger),
        MemoryWarehouse(ledger),
        MemoryShipping(ledger, journal),
        MemoryNotices(ledger),
        journal,
    )


def forward(step: str, saga_id: str = "ord_1", attempt: int = 1, occurrence: int = 0) -> StepCall:
    """Return one delivery of a step."""
    return StepCall(saga_id=saga_id, step=step, attempt=attempt, occurrence=occurrence)


def undo(step: str, saga_id: str = "ord_1", attempt: int = 1, occurrence: int = 0) -> UndoStep:
    """Return one delivery of a step's undo."""
    call = StepCall(saga_id=saga_id, step=step, undo=f"undo_{step}", attempt=attempt, occurrence=occurrence)
    return UndoStep(call=call)


def reservation(
    quantity: int = 2, saga_id: str = "ord_1", attempt: int = 1, product_id: str = "SKU-9"
) -> ReserveInventory:
    """Return a request to reserve."""
    lines = (Line(product_id=product_id, quantity=quantity),)
    return ReserveInventory(call=forward("reserve", saga_id, attempt), lines=lines)


def charging(
    method: str = "tok_visa", saga_id: str = "ord_1", attempt: int = 1, *, capture: bool = True
) -> ChargePayment:
    """Return a request to charge 39.98 USD."""
    return ChargePayment(
        call=forward("charge", saga_id, attempt),
        order_id=saga_id,
        amount_minor=3998,
        currency="USD",
        payment_method=method,
        capture=capture,
    )


def shipping(quantity: int = 2, saga_id: str = "ord_1", attempt: int = 1) -> ApplyToWarehouse:
    """Return a request to ship."""
    return ApplyToWarehouse(
        call=forward("ship", saga_id, attempt),
        order_id=saga_id,
        lines=(Line(product_id="SKU-9", quantity=quantity),),
    )


async def charge(world: World, saga_id: str = "ord_1") -> Charge:
    """Charge an order."""
    return await world.payments.charge(charging(saga_id=saga_id))


async def authorise(world: World) -> Charge:
    """Authorise the payment of an order, without taking it."""
    return await world.payments.charge(charging(capture=False))


async def capture(world: World, attempt: int = 1) -> Capture:
    """Take what was authorised for the only charge there is."""
    [payment] = await world.payments.payments()
    return await world.payments.capture(
        CapturePayment(call=forward("capture", attempt=attempt), charge_id=payment.charge_id)
    )


async def book(world: World, attempt: int = 1, saga_id: str = "ord_1") -> ShipmentBooked:
    """Book a parcel for an order."""
    return await world.shipping.create(CreateShipment(call=forward("parcel", saga_id, attempt), order_id=saga_id))
