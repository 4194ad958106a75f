"""The fulfilment's own services as actions: fenced, with the undo of each beside it."""

from collections.abc import Iterable
from dataclasses import fields
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.alias_generators import to_camel

from flowforge.engine.actions.declaration import ActionContext, NotNeeded, Workflow, action
from flowforge.engine.actions.units import by_itself, undo_of, undone, within_run
from flowforge.services.inventory.activities import InventoryActivities
from flowforge.services.inventory.contracts import QuoteOrder, ReserveInventory
from flowforge.services.lines import Line
from flowforge.services.notices.activities import NoticeActivities
from flowforge.services.notices.contracts import SendNotice
from flowforge.services.payments.activities import PaymentActivities
from flowforge.services.payments.contracts import CapturePayment, ChargePayment
from flowforge.services.shipping.activities import ShippingActivities
from flowforge.services.shipping.contracts import CreateShipment
from flowforge.services.warehouse.activities import WarehouseActivities
from flowforge.services.warehouse.contracts import ApplyToWarehouse
from flowforge.services.wiring import Services

Kind = TypeVar("Kind")

_MOST: Final = 1_000_000


class _Params(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="ignore")


class LineParams(_Params):
    """So many units of a product."""

    product_id: str = Field(min_length=1, max_length=128)
    quantity: int = Field(ge=1, le=_MOST)


class GoodsParams(_Params):
    """Units of one product (`productId`, `quantity`) or of several (`lines`)."""

    lines: list[LineParams] | None = Field(None, min_length=1, max_length=100)
    product_id: str | None = Field(None, min_length=1, max_length=128)
    quantity: int | None = Field(None, ge=1, le=_MOST)

    @model_validator(mode="after")
    def _one_of_both(self) -> "GoodsParams":
        has_one = self.product_id is not None and self.quantity is not None
        if (self.lines is None) is not has_one:
            raise ValueError("either lines, or productId and quantity")
        if self.lines is not None and len({line.product_id for line in self.lines}) < len(self.lines):
            raise ValueError("each product is in one line at most")
        return self

    @property
    def goods(self) -> tuple[Line, ...]:
        """The lines, whichever way they were given."""
        if self.lines is None:
            return (Line(product_id=str(self.product_id), quantity=self.quantity or 0),)
        return tuple(Line(product_id=line.product_id, quantity=line.quantity) for line in self.lines)


class ChargeParams(_Params):
    """An amount in minor units of a currency (ISO 4217), and who pays it."""

    amount_minor: int = Field(ge=0, le=10**15)
    currency: str = Field(pattern="^[A-Z]{3}$")
    payment_method: str = Field(min_length=1, max_length=128)
    capture: bool = Field(default=True, description="false only authorises, for payments.capture")


class CaptureParams(_Params):
    """A charge that was authorised."""

    charge_id: str


class NoticeParams(_Params):
    """What a customer is told."""

    customer_id: str = Field(min_length=1, max_length=128)
    message: str = Field(max_length=10_000)


class ServiceActions(Workflow):
    """Actions over the services' own activities, which write each outcome once and undo it once.

    What a run reserves is shipped by its own step `warehouse.apply`: these two, and `inventory.quote`, are once in a
    run (for each visit and item). Every other step stands by itself.
    """

    def __init__(self, services: Services) -> None:
        callables = services.activities
        self._inventory = _owner(callables, InventoryActivities)
        self._payments = _owner(callables, PaymentActivities)
        self._warehouse = _owner(callables, WarehouseActivities)
        self._shipping = _owner(callables, ShippingActivities)
        self._notices = _owner(callables, NoticeActivities)

    @action("inventory.quote", category="inventory", effect=False, fenced=True, once=True)
    async def quote(self, params: GoodsParams, context: ActionContext) -> dict[str, Any]:
        """Price goods, and see that there is stock for them."""
        return _told(await self._inventory.quote(QuoteOrder(call=within_run(context.call), lines=params.goods)))

    @action("inventory.reserve", category="inventory", fenced=True, once=True)
    async def reserve(self, params: GoodsParams, context: ActionContext) -> dict[str, Any]:
        """Set units aside; undone by inventory.release."""
        return _told(await self._inventory.reserve(ReserveInventory(call=within_run(context.call), lines=params.goods)))

    @action("inventory.release", category="inventory", fenced=True, only_undoes=True)
    async def release(self, _params: Any, context: ActionContext) -> NotNeeded | None:
        """Undo inventory.reserve."""
        return undone(await self._inventory.release(undo_of(within_run(context.call))))

    @action("payments.charge", category="payments", fenced=True)
    async def charge(self, params: ChargeParams, context: ActionContext) -> dict[str, Any]:
        """Take money, or authorise it; undone by payments.refund_by_key."""
        call = by_itself(context.call)
        request = ChargePayment(
            call=call,
            order_id=call.saga_id,
            amount_minor=params.amount_minor,
            currency=params.currency,
            payment_method=params.payment_method,
            capture=params.capture,
        )
        return _told(await self._payments.charge(request))

    @action("payments.refund_by_key", category="payments", fenced=True, only_undoes=True)
    async def refund_by_key(self, _params: Any, context: ActionContext) -> NotNeeded | None:
        """Undo payments.charge."""
        return undone(await self._payments.refund_by_key(undo_of(by_itself(context.call))))

    @action("payments.capture", category="payments", fenced=True)
    async def capture(self, params: CaptureParams, context: ActionContext) -> dict[str, Any]:
        """Take what was authorised; undone by payments.refund_capture."""
        request = CapturePayment(call=by_itself(context.call), charge_id=params.charge_id)
        return _told(await self._payments.capture(request))

    @action("payments.refund_capture", category="payments", fenced=True, only_undoes=True)
    async def refund_capture(self, _params: Any, context: ActionContext) -> NotNeeded | None:
        """Undo payments.capture."""
        return undone(await self._payments.refund_capture(undo_of(by_itself(context.call))))

    @action("warehouse.apply", category="warehouse", fenced=True, once=True)
    async def apply(self, params: GoodsParams, context: ActionContext) -> dict[str, Any]:
        """Ship what this run reserved; undone by warehouse.revert."""
        call = within_run(context.call)
        request = ApplyToWarehouse(call=call, order_id=call.saga_id, lines=params.goods)
        return _told(await self._warehouse.apply(request))

    @action("warehouse.revert", category="warehouse", fenced=True, only_undoes=True)
    async def revert(self, _params: Any, context: ActionContext) -> NotNeeded | None:
        """Undo warehouse.apply."""
        return undone(await self._warehouse.revert(undo_of(within_run(context.call))))

    @action("shipping.create", category="shipping", fenced=True)
    async def create(self, _params: Any, context: ActionContext) -> dict[str, Any]:
        """Book a parcel; undone by shipping.cancel."""
        call = by_itself(context.call)
        return _told(await self._shipping.create(CreateShipment(call=call, order_id=call.saga_id)))

    @action("shipping.cancel", category="shipping", fenced=True, only_undoes=True)
    async def cancel(self, _params: Any, context: ActionContext) -> NotNeeded | None:
        """Undo shipping.create."""
        return undone(await self._shipping.cancel(undo_of(by_itself(context.call))))

    @action("notify.send", category="notify", fenced=True)
    async def send(self, params: NoticeParams, context: ActionContext) -> dict[str, Any]:
        """Tell a customer something, once; nothing to undo."""
        call = by_itself(context.call)
        request = SendNotice(call=call, order_id=call.saga_id, customer_id=params.customer_id, message=params.message)
        return _told(await self._notices.send(request))


def _owner(activities: Iterable[Any], kind: type[Kind]) -> Kind:
    owners = (getattr(each, "__self__", None) for each in activities)
    return next(owner for owner in owners if isinstance(owner, kind))


def _told(outcome: Any) -> dict[str, Any]:
    return {to_camel(field.name): getattr(outcome, field.name) for field in fields(outcome)}
