"""Records orders as this code runs them: `python -m tests.replay.record VERSION` adds that version's files.

The histories of a released version are kept: they are what open orders look like when the next one is deployed.
"""

import asyncio
import json
import logging
import os
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

from temporalio.exceptions import ApplicationError

from flowforge.durable.placement import Placement
from flowforge.orders.contracts import OrderOptions
from flowforge.orders.control_rows import ControlRows
from flowforge.orders.saga import REFUND
from flowforge.temporal.client import connect
from flowforge.temporal.devserver import DevServer
from flowforge.temporal.provision import provide
from tests.workflow.shop import Gate, Shop, open_shop

_FOLDER: Final = Path(__file__).parent / "histories"
_WISHES: Final[dict[str, dict[str, Any]]] = {
    "completed": {},
    "failed": {"fail_at": "warehouse"},
    "refused": {"payment_method": "tok_chargeDeclined"},
    "cancelled": {},
    "marked": {},
    "paused": {},
    "written-off": {"fail_at": "warehouse"},
}
_PRIVATE: Final = {"identity", "binaryChecksum", "stackTrace"}
_PLACEMENTS: Final[tuple[Placement, ...]] = ("auto", "queue")


async def _history(shop: Shop, ends: str) -> str:
    gate = Gate(at=2)
    if ends in {"cancelled", "marked", "paused"}:
        shop.hooks.before["payments.charge" if ends == "paused" else "warehouse.apply"] = gate
    if ends == "written-off":
        shop.hooks.before["payments.refund_by_key"] = _fail_for_good
    placed = await shop.place(**_WISHES[ends])
    name = placed.order_id
    match ends:
        case "cancelled":
            await gate.reached.wait()
            await shop.handle(placed).cancel()
        case "marked":
            await gate.reached.wait()
            await ControlRows(shop.database).mark_cancelled(name, "changed my mind")
        case "paused":
            await gate.reached.wait()
            await shop.control.pause(name)
            gate.open()
            await shop.hooks.closes["paused"].wait()
            await shop.control.resume(name)
        case "written-off":
            await shop.hooks.closes["needs_attention"].wait()
            await shop.control.write_off(name, REFUND, "ann", "paid by hand")
    gate.open()
    await shop.end(placed)
    return (await shop.handle(placed).fetch_history()).to_json()


async def _fail_for_good(_count: int) -> None:
    raise ApplicationError("the account was closed", type="account_closed", non_retryable=True)


def _anonymous(value: Any) -> Any:
    """Leave out who ran it and where: no replay needs that."""
    if isinstance(value, dict):
        return {key: _anonymous(each) for key, each in value.items() if key not in _PRIVATE}
    return [_anonymous(each) for each in value] if isinstance(value, list) else value


async def _record(version: str) -> None:
    binary = await provide(Path(os.environ.get("FLOWFORGE_DATA_DIR", ".flowforge")), report=print)
    with tempfile.TemporaryDirectory() as folder:
        async with DevServer(binary, data_dir=Path(folder)) as server:
            client = await connect(server.target)
            for placement in _PLACEMENTS:
                options = OrderOptions(placement=placement, forward_max_interval_s=0.05, undo_max_interval_s=0.05)
                for ends in _WISHES:
                    async with open_shop(client, Path(folder), options) as shop:
                        told = json.dumps(_anonymous(json.loads(await _history(shop, ends))), separators=(",", ":"))
                    (_FOLDER / f"{version}-{ends}-{placement}.json").write_text(f"{told}\n")


if __name__ == "__main__":
    logging.disable()  # orders are made to fail here
    asyncio.run(_record(sys.argv[1]))
    sys.stdout.flush()
    os._exit(0)
