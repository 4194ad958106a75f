"""Running the worker, and looking after what must not end before it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from temporalio.client import Client
from temporalio.worker import Worker

from flowforge.cli.composition import Fulfilment
from flowforge.cli.loaded import keep_loaded
from flowforge.cli.stopping import Stop, StoppedError
from flowforge.errors import StartupError
from flowforge.persistence.database import Database
from flowforge.reconciling.one_temporal import restore_namespace
from flowforge.settings import Settings
from flowforge.temporal.devserver import DevServer


async def work(worker: Worker, stop: Stop) -> None:
    """Run a worker until the stop is asked for, then let running activities finish.

    Raises:
        StartupError: the worker cannot go on, for example because Temporal does not know its namespace.
    """
    keep_loaded()
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
async def reconciling(fulfilment: Fulfilment, client: Client) -> AsyncIterator[None]:
    """Look after what is open in the background, unless the settings say never, and deliver webhooks."""
    running = [asyncio.create_task(fulfilment.engine.delivery.run())]
    if fulfilment.settings.reconcile_interval_s:
        running.append(asyncio.create_task(fulfilment.reconciler(client).run()))
    try:
        yield
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def restore(settings: Settings, client: Client) -> None:
    """Make the namespace in which this database's orders ran, where Temporal has lost it; for `connect_with_retry`."""
    database = Database(settings.database_url)
    try:
        await restore_namespace(client, database)
    finally:
        await database.close()


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
