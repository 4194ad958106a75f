"""An operator who asks something of an order until a worker is there to do it, or the order has ended."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from temporalio.client import WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.service import RPCError

from chaos.world import World
from flowforge.errors import FlowForgeError
from flowforge.orders.contracts import OrderStatus, WriteOff
from flowforge.orders.gateway import PlacedOrder
from flowforge.orders.returns import OrderReturns
from flowforge.orders.workflow import OrderWorkflow

_PAUSE_S: Final = 0.2
_PATIENCE_S: Final = 30.0
_UNANSWERED: Final = (TimeoutError, WorkflowUpdateRPCTimeoutOrCancelledError)
_IN_VAIN: Final = (RPCError, WorkflowUpdateFailedError, FlowForgeError)
"""The order has ended, or has forgotten how far it was and gets there again."""


class Operator:
    """Asks, in the background; the tasks end when what was asked is done, or with `leave`.

    Attributes:
        unanswered: how often nobody answered within 30 s.
    """

    def __init__(self, world: World, placed: PlacedOrder) -> None:
        self._world = world
        self._placed = placed
        self._asking: list[asyncio.Task[None]] = []
        self._has_left = False
        self.unanswered = 0

    def pause(self) -> None:
        """Hold the order."""
        self._ask(lambda: self._update(OrderWorkflow.pause))

    def resume(self) -> None:
        """Let it go on, as often as it is held: a pause that nobody has answered yet may arrive after this."""
        self._ask(lambda: self._update(OrderWorkflow.resume), only_when="paused", always=True)

    def retry(self, undo: str) -> None:
        """Have an undo tried again that waits for it."""
        self._ask(lambda: self._update(OrderWorkflow.retry_compensation, undo), only_when="needs_attention")

    def write_off(self, undo: str) -> None:
        """Give an undo up that waits for it."""
        decision = WriteOff(name=undo, by="ann", reason="settled by hand")
        self._ask(
            lambda: self._update(OrderWorkflow.write_off_compensation, decision),
            only_when="needs_attention",
            always=True,
        )

    def take_back(self) -> None:
        """Have the order returned, once it has completed."""
        world = self._world
        returns = OrderReturns(world.client, world.gateway("auto"), task_queue=world.task_queue, options=world.options)
        self._ask(lambda: returns.take_back(self._placed.order_id, "req_chaos"), only_when="completed", always=True)

    async def leave(self) -> None:
        """Ask no more."""
        self._has_left = True  # Temporal's client takes a cancellation for an answer that does not come
        for task in self._asking:
            task.cancel()
        await asyncio.gather(*self._asking, return_exceptions=True)

    def _ask(
        self, ask: Callable[[], Awaitable[Any]], *, only_when: OrderStatus | None = None, always: bool = False
    ) -> None:
        self._asking.append(asyncio.create_task(self._insist(ask, only_when, always=always)))

    async def _insist(self, ask: Callable[[], Awaitable[Any]], only_when: OrderStatus | None, *, always: bool) -> None:
        """Ask until it is done; with `always` again and again, since what was noted may be forgotten with its task.

        One that nobody answers is asked again, as people do, and counted.
        """
        while not self._has_left:
            if only_when is None or await self._status() == only_when:
                try:
                    async with asyncio.timeout(_PATIENCE_S):
                        await ask()
                except _UNANSWERED:
                    self.unanswered += not self._has_left
                except _IN_VAIN:
                    pass
                else:
                    if not always:
                        return
            await asyncio.sleep(_PAUSE_S)

    async def _status(self) -> str | None:
        record = await self._world.reads.get(self._placed.order_id)
        return None if record is None else record.status

    async def _update(self, update: Any, *arguments: Any) -> None:
        await self._world.handle(self._placed.workflow_id).execute_update(update, *arguments)
