"""The demo's orders over HTTP, as any client would place and follow them."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import Any, Final, Self

import httpx2

from flowforge.cli.demo_saga import Row, ShownSaga
from flowforge.errors import FlowForgeError

PRODUCT: Final = "SKU-001"
QUANTITY: Final = 2
_ENOUGH: Final = 10
_DELIVERY: Final = 100
_TIMEOUT_S: Final = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOrder:
    """An order of the demo.

    Attributes:
        workflow_id: its name, short enough for a link that fits in a terminal.
        fail_at: the step in which a fault is asked for, or None.
        should: the status with which it is meant to end.
    """

    title: str
    workflow_id: str
    fail_at: str | None
    should: str


class DemoClient:
    """A client of the API, as an async context manager.

    Every method raises FlowForgeError when the API refuses.
    """

    def __init__(self, api_url: str) -> None:
        # The environment may name a proxy, and this machine is not behind it.
        self._http = httpx2.AsyncClient(base_url=api_url, timeout=_TIMEOUT_S, trust_env=False)

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.__aexit__(kind, error, trace)

    async def restock(self) -> None:
        """Have units delivered where earlier demos have sold nearly all."""
        for product in await self.get("/inventory"):
            if product["product_id"] == PRODUCT and product["available"] < _ENOUGH:
                _checked(
                    await self._http.put(f"/inventory/{PRODUCT}", json={"on_hand": product["on_hand"] + _DELIVERY})
                )

    async def place(self, order: DemoOrder) -> None:
        """Place an order."""
        body = {
            "product_id": PRODUCT,
            "quantity": QUANTITY,
            "customer_id": "demo",
            "payment_method": "tok_visa",
            "workflow_id": order.workflow_id,
        }
        headers = {"X-FlowForge-Fail-At": order.fail_at} if order.fail_at else {}
        _checked(await self._http.post("/orders", json=body, headers=headers))

    async def follow(self, order: DemoOrder, saga: ShownSaga) -> AsyncIterator[Row]:
        """Show an order's events as they happen, until it has ended and is judged; yield each row that changed."""
        accepted_at: datetime | None = None
        async for event in self.events(f"/orders/{order.workflow_id}/events"):
            if accepted_at is None:
                accepted_at = datetime.fromisoformat((await self._order(order))["created_at"])
            yield saga.take(event, accepted_at)
        end = await self._order(order)
        saga.end(end, await self.get(f"/payments?order_id={end['order_id']}"), should=order.should)

    async def events(self, path: str) -> AsyncIterator[dict[str, Any]]:
        """Yield what happens, as it happens, until its end."""
        async with self._http.stream("GET", path) as stream:
            ends = False
            async for line in stream.aiter_lines():
                if line == "event: end":
                    ends = True
                elif line.startswith("data: ") and not ends:
                    yield json.loads(line.removeprefix("data: "))

    async def get(self, path: str) -> Any:
        """Return what is there."""
        return _checked(await self._http.get(path)).json()

    async def post(self, path: str, body: dict[str, Any]) -> Any:
        """Ask for something, and return the answer."""
        return _checked(await self._http.post(path, json=body)).json()

    async def _order(self, order: DemoOrder) -> dict[str, Any]:
        answer: dict[str, Any] = await self.get(f"/orders/{order.workflow_id}")
        return answer


def _checked(answer: httpx2.Response) -> httpx2.Response:
    if answer.is_success:
        return answer
    problem = answer.json()
    raise FlowForgeError(f"{answer.request.method} {answer.request.url}: {answer.status_code} {problem['detail']}")
