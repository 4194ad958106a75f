"""Returns without Temporal: the steps of the return are delivered at once to a real shop."""

from flowforge.durable.fence import StepCall
from flowforge.errors import Conflict
from flowforge.orders.contracts import MarkReturned
from flowforge.orders.records import OrderRecord
from flowforge.services.payments.contracts import RefundRest
from flowforge.services.warehouse.contracts import RestockReturn
from tests.integration.http.played import PlayedOrders


class PlayedReturns:
    """Implements `api.dependencies.OrderReturns` for orders that were not sent.

    Attributes:
        held: whether returns stay under way.
    """

    def __init__(self, orders: PlayedOrders) -> None:
        self.held = False
        self._orders = orders

    async def take_back(self, name: str, request_id: str) -> OrderRecord:
        """Take an order back."""
        record = await self._orders.get(name)
        if record.status == "returned" or (self.held and record.status == "completed"):
            return record
        if record.status != "completed" or record.charge_id is None:
            raise Conflict(f"only a completed order is returned; this one is {record.status}")
        shop, order_id = self._orders.shop, record.order_id
        call = StepCall(saga_id=order_id, step="return", labels={"request_id": request_id})
        await shop.services.warehouse.restock(RestockReturn(call=call))
        rest = await shop.services.payments.refund_rest(RefundRest(call=call, charge_id=record.charge_id))
        await shop.journal.mark_returned(MarkReturned(order_id=order_id, refunded_minor=rest.refunded_minor))
        return await self._orders.get(name)
