"""Sends a real order down one branch of the saga's table."""

import asyncio

from temporalio.exceptions import ApplicationError

from flowforge.orders.gateway import PlacedOrder
from tests.replay.branches import Branch
from tests.workflow.shop import Gate, Hook, Shop
from tests.workflow.table import name_of


def failing(times: int) -> Hook:
    """Return a hook in whose first runs the network is down."""

    async def hook(count: int) -> None:
        if count <= times:
            raise ConnectionError("the network is down")

    return hook


def failing_for_good(code: str) -> Hook:
    """Return a hook after which there is nothing more to be tried."""

    async def hook(_count: int) -> None:
        raise ApplicationError("for good", type=code, non_retryable=True)

    return hook


async def walk(branch: Branch, shop: Shop) -> str:
    """Place an order, have it go down the branch to its end, and return its history as JSON."""
    do, undo, gate = name_of(branch.step.do), name_of(branch.undo.do), Gate(at=2)
    before: dict[str, dict[str, Hook]] = {
        "retried": {do: failing(1)},
        "given-up": {do: failing(branch.step.attempts or 0)},
        "refused": {do: failing_for_good("card_declined")},
        "cancelled": {do: gate},
    }
    before_undo: dict[str, dict[str, Hook]] = {
        "retried": {undo: failing(1)},
        "written-off": {undo: failing_for_good("account_closed")},
    }
    shop.hooks.before |= before.get(branch.outcome, {}) | before_undo.get(branch.undo_outcome, {})
    if branch.outcome == "failed":
        shop.hooks.after[do] = failing_for_good("injected_fault")
    placed = await shop.place(ship=True)
    if branch.outcome == "cancelled":
        await gate.reached.wait()
        await shop.handle(placed).cancel()
        gate.open()
    if branch.undo_outcome == "written-off":
        await _write_off(shop, placed, branch.undo.name)
    await shop.end(placed)
    return (await shop.handle(placed).fetch_history()).to_json()


async def _write_off(shop: Shop, placed: PlacedOrder, undo: str) -> None:
    # A cancel that reaches the run too late undoes nothing, and there is nothing to write off.
    ended = asyncio.create_task(shop.handle(placed).result())
    stuck = asyncio.create_task(shop.hooks.closes["needs_attention"].wait())
    await asyncio.wait({ended, stuck}, return_when=asyncio.FIRST_COMPLETED)
    if stuck.done():
        await shop.control.write_off(placed.order_id, undo, "ann", "paid by hand")
    stuck.cancel()
    await asyncio.gather(ended, stuck, return_exceptions=True)
