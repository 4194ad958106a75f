"""Records orders and runs as this code runs them: `python -m tests.replay.record VERSION` writes that version's files.

The histories of a released version are kept: they are what is open when the next one is deployed. So
what is there already is not recorded again.
"""

import asyncio
import gzip
import json
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

from flowforge.orders.contracts import OrderOptions
from flowforge.orders.control_rows import ControlRows
from flowforge.orders.saga import REFUND
from flowforge.persistence.migrations.migrate import migrate
from flowforge.temporal.client import connect
from flowforge.temporal.devserver import DevServer
from flowforge.temporal.provision import provide
from tests.replay.branches import PLACEMENTS, branches
from tests.replay.return_branches import return_branches, walk_back
from tests.replay.run_file import anonymous
from tests.replay.run_record import record_runs
from tests.replay.walk import failing_for_good, walk
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
_AT_ONCE: Final = 4
_WITHIN_S: Final = 60


async def _history(ends: str, shop: Shop) -> str:
    gate = Gate(at=2)
    if ends in {"cancelled", "marked", "paused"}:
        shop.hooks.before["payments.charge" if ends == "paused" else "warehouse.apply"] = gate
    if ends == "written-off":
        shop.hooks.before["payments.refund_by_key"] = failing_for_good("account_closed")
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


async def _record(version: str) -> None:
    binary = await provide(Path(os.environ.get("FLOWFORGE_DATA_DIR", ".flowforge")), report=print)
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder, "empty.sqlite3")
        migrate(f"sqlite:///{empty}")
        async with DevServer(binary, data_dir=Path(folder)) as server:
            client, at_once = await connect(server.target), asyncio.Semaphore(_AT_ONCE)

            async def record(name: str, options: OrderOptions, way: Callable[[Shop], Awaitable[str]]) -> None:
                if _file(f"{version}-{name}").exists():
                    return
                database = Path(folder, f"{name}.sqlite3")
                async with at_once:
                    shutil.copy(empty, database)
                    async with open_shop(client, f"sqlite:///{database}", options) as shop, asyncio.timeout(_WITHIN_S):
                        _keep(f"{version}-{name}", await way(shop))

            ways = []
            for placement in PLACEMENTS:
                plain = OrderOptions(placement=placement, forward_max_interval_s=0.05, undo_max_interval_s=0.05)
                every_step = replace(plain, payment_capture="after_warehouse")
                ways += [record(f"{ends}-{placement}", plain, partial(_history, ends)) for ends in _WISHES]
                ways += [
                    record(branch.name, every_step, partial(walk, branch))
                    for branch in branches()
                    if branch.placement == placement
                ]
                ways += [
                    record(each.name, every_step, partial(walk_back, each))
                    for each in return_branches()
                    if each.placement == placement
                ]
            await asyncio.gather(*ways)
            await record_runs(version, client, empty)


def _file(name: str) -> Path:
    return _FOLDER / f"{name}.json.gz"


def _keep(name: str, history: str) -> None:
    told = json.dumps(anonymous(json.loads(history)), separators=(",", ":"))
    # Without the time, so that a history that is the same makes the same file.
    _file(name).write_bytes(gzip.compress(told.encode(), mtime=0))
    print(name, flush=True)


if __name__ == "__main__":
    logging.disable()  # orders are made to fail here
    asyncio.run(_record(sys.argv[1]))
    sys.stdout.flush()
    os._exit(0)
