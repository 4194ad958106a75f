"""An operator who asks something of an order until a worker is there to take it, or the order has ended."""

import asyncio
from typing import Any, Final

from temporalio.client import WorkflowUpdateFailedError
from temporalio.service import RPCError, RPCStatusCode

from chaos.world import World
from flowforge.orders.gateway import PlacedOrder

_PAUSE_S: Final = 0.2


def asking(
    world: World, placed: PlacedOrder, update: Any, *arguments: Any, only_when: str | None = None
) -> asyncio.Task[None]:
    """Ask, in the background.

    Args:
        world: where the order is.
        placed: the order.
        update: what is asked of its run.
        arguments: with what.
        only_when: the status that its row must have before.
    """
    return asyncio.create_task(_ask(world, placed, update, arguments, only_when))


async def _ask(world: World, placed: PlacedOrder, update: Any, arguments: Any, only_when: str | None) -> None:
    while only_when is not None:
        record = await world.reads.get(placed.order_id)
        if record is not None and record.status == only_when:
            break
        await asyncio.sleep(_PAUSE_S)
    while True:
        try:
            await world.handle(placed.workflow_id).execute_update(update, *arguments)
        except WorkflowUpdateFailedError:
            await asyncio.sleep(_PAUSE_S)  # a run that has forgotten how far it was gets there again
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return  # it has ended
            await asyncio.sleep(_PAUSE_S)
        else:
            return
