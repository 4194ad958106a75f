"""Running the worker, and looking after what must not end before it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import structlog
from temporalio.client import Client
from temporalio.worker import Worker

from flowforge.cli.stopping import Stop, StoppedError
from flowforge.errors import Fault, StartupError
from flowforge.orders.lost import find_lost
from flowforge.orders.read_model import ReadModel
from flowforge.temporal.devserver import DevServer


async def work(worker: Worker, stop: Stop) -> None:
    """Run a worker until the stop is asked for, then let running activities finish.

    Raises:
        StartupError: the worker cannot go on, for example because Temporal does not know its namespace.
    """
    working = asyncio.create_task(worker.run())
    asked = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({working, asked}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        asked.cancel()
        if not working.done():
            await worker.shutdown()
        try:
            await working
        except RuntimeError as error:
            raise StartupError(f"the worker cannot go on: {' '.join(str(error).split())}") from error


@contextlib.asynccontextmanager
async def telling_lost_orders(client: Client, reads: ReadModel) -> AsyncIterator[None]:
    """Say, in the background, how many open orders have no workflow; the process is ready meanwhile."""
    telling = asyncio.create_task(_tell_lost_orders(client, reads))
    try:
        yield
    finally:
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)


async def _tell_lost_orders(client: Client, reads: ReadModel) -> None:
    log: Any = structlog.get_logger("flowforge.orders")
    try:
        lost = await find_lost(client, reads)
    except Fault as fault:
        log.warning("open orders were not compared with Temporal", reason=fault.message)
        return
    if lost.orders:
        log.warning(
            "%d of %s%d open orders have no running workflow in this Temporal: its file was lost, or it is another "
            "one; `main.py audit` lists them",
            len(lost.orders),
            "the newest " if lost.is_capped else "",
            lost.checked,
        )


async def until_server_ends(server: DevServer | None, stop: Stop) -> None:
    """Wait for the stop; where the development server is ours, its end is a reason to end too.

    Raises:
        StartupError: the server ended by itself.
    """
    if server is None:
        await stop.wait()
        return
    try:
        code = await stop.or_done(server.wait())
    except StoppedError:
        return
    raise StartupError(f"Temporal ended by itself with code {code}; see {server.log_path}")
